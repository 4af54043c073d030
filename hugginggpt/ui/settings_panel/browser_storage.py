"""Storage of keys in a visitor's browser, if they ask for it: in its local storage, and nowhere else.

A key leaves its box as soon as it is used or tested, so that Gradio has no value of it to hand out. Until the server has said
whether it works, a variable of the page holds it; then it goes back into its box (it didn't work, or was only tested), into
the browser's storage (they have asked for that), or nowhere.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

_PREFIX: Final = "hugginggpt."  # other pages of this origin use the same storage
LLM_ENTRY: Final = "brain"
HOSTED_ENTRY: Final = "hosted"
_MAX_CHARS: Final = 10_000

READ_SCRIPT: Final = f"""() => {{
  for (const status of document.querySelectorAll("#brain-status, #hosted-check, #wish-status"))
    status.setAttribute("aria-live", "polite");
  const kept = {{}};
  for (const name of {json.dumps([LLM_ENTRY, HOSTED_ENTRY])})
    try {{ kept[name] = JSON.parse(localStorage.getItem("{_PREFIX}" + name)); }} catch {{ kept[name] = null; }}
  return [Object.values(kept).some(Boolean) ? JSON.stringify(kept) : "", null];
}}"""
"""Script that returns all stored entries as one text, and null for the tab's state, which the server holds."""


def build_hold_script(name: str) -> str:
    """Return the script that holds what was typed, before the server is asked."""
    return f"(...values) => {{ (window.hugginggpt ??= {{}}).{name} = values; return values; }}"


def build_store_script(name: str, boxes: Sequence[int]) -> str:
    """Return the script for afterwards: it takes what is to be kept (a JSON object, empty for nothing) and whether to keep it.

    It gives what the boxes hold now, and whether anything is kept.

    Args:
        name: Name of the entry.
        boxes: Indices of the keys among the typed values.
    """
    return f"""(what, remember) => {{
  const held = window.hugginggpt?.{name} ?? [], typed = {json.dumps([*boxes])}.map(box => held[box] ?? "");
  if (window.hugginggpt) delete window.hugginggpt.{name};
  if (!what) return [...typed, remember];
  if (remember) try {{
    const {{ box, ...choice }} = JSON.parse(what), before = JSON.parse(localStorage.getItem("{_PREFIX}{name}") ?? "{{}}");
    const same = Object.keys(choice).every(part => part === "model" || choice[part] === before[part]);
    localStorage.setItem("{_PREFIX}{name}", JSON.stringify({{ ...choice, key: typed[box] || (same ? before.key ?? "" : "") }}));
  }} catch {{ remember = false; }}
  return [...typed.map(() => ""), remember];
}}"""


def build_forget_script(name: str) -> str:
    """Return the script that removes an entry from the browser, and hands the values on."""
    return f"""(...values) => {{
  try {{ localStorage.removeItem("{_PREFIX}{name}"); }} catch {{ /* there is no storage, so nothing is in it */ }}
  return values;
}}"""


def build_untick_script(name: str) -> str:
    """Return the script that removes an entry from the browser where a box was unticked."""
    return f"""(ticked, ...others) => {{
  if (!ticked) try {{ localStorage.removeItem("{_PREFIX}{name}"); }} catch {{ /* as above */ }}
  return [ticked, ...others];
}}"""


def read_stored(text: Any) -> dict[str, Any]:
    """Parse the stored entries that the browser has sent, by name; nothing where they can't be read."""
    try:
        found = json.loads(text) if isinstance(text, str) and len(text) <= _MAX_CHARS else {}  # anything may be sent
    except (ValueError, RecursionError):  # cut off, or nested too deeply
        return {}
    return found if isinstance(found, dict) else {}


def encode_choice(box: int, **choice: str) -> str:
    """Encode what is stored in the browser beside a key, as `build_store_script` takes it.

    Args:
        box: Index of the key among the boxes.
        choice: Values that are stored with it.
    """
    return json.dumps({"box": box, **choice})
