"""New pictures from control pictures: which intent means a control picture, and what the new picture is to show.

"Use the normal map of head.jpg for a picture of a bronze bust" speaks of one map and one picture, so it is two steps:
``normal-control`` and ``normal-text-to-image``. Where the map is there already, it is the second one alone.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hugginggpt.controllers.rules.cue_table import Intent, compile_pattern, load
from hugginggpt.controllers.rules.request_parser import BLANK, ParsedRequest

CONTROL_SUFFIX: Final = "-control"
FROM_CONTROL_SUFFIX: Final = "-text-to-image"
_REPLACED_TASKS: Final = frozenset({"text-to-image", "image-to-image"})
"""Tasks that the words for a new picture mean where there is no control picture."""


@dataclass(frozen=True, slots=True)
class _ControlPatterns:
    say: Mapping[str, re.Pattern[str]]
    named: Mapping[str, re.Pattern[str]]
    """The words for it as the name of a picture: "depth map"."""
    file: Mapping[str, re.Pattern[str]]
    same: Mapping[str, str]
    pose: re.Pattern[str]
    given: tuple[re.Pattern[str], ...]
    new: tuple[re.Pattern[str], ...]
    ends: re.Pattern[str]
    no_picture: re.Pattern[str]
    content: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _NewPicture:
    """A new picture that is asked for."""

    start: int
    prompt: str
    covers: tuple[int, int]
    """Span of the words that say what it shows: none of them is an instruction."""


@functools.cache
def _load_controls() -> _ControlPatterns:
    raw: dict[str, Any] = load("controls.yaml")
    kinds: Mapping[str, Mapping[str, str]] = raw["kinds"]
    ctl = "(?:" + "|".join(row["say"] for row in kinds.values()) + ")"  # put into the patterns that mean any kind of control

    def pattern(text: str) -> re.Pattern[str]:
        return compile_pattern(text.replace("{ctl}", ctl).replace("{make}", raw["make"]))

    return _ControlPatterns(
        say={kind: pattern(rf"\b{row['say']}\b") for kind, row in kinds.items()},
        named={kind: pattern(rf"\b{row['say']}[ -](?:control|map|guide)") for kind, row in kinds.items()},
        file={kind: re.compile(rf"(?:^|[\W_])(?:{row['file']})(?:[\W_\d]|$)") for kind, row in kinds.items()},
        same=raw["same"],
        pose=pattern(raw["pose"]),
        given=tuple(map(pattern, raw["given"])),
        new=tuple(map(pattern, raw["new"])),
        ends=pattern(raw["ends"]),
        no_picture=pattern(raw["no_picture"]),
        content=pattern(raw["content"]),
    )


def add_new_images(found: Sequence[Intent], parsed: ParsedRequest, pictures: Sequence[str]) -> list[Intent]:
    """Add intents: those for a control picture and for a picture from it become a pair of steps.

    Args:
        found: What the cues say.
        parsed: The request.
        pictures: What the pictures are called that are there: files by their names, results by the tasks that made them.
    """
    if not pictures or not (new := _find_new_picture(parsed)):
        return list(found)
    kind, control = _find_present_kind(parsed, pictures), None
    if not kind:
        control = _find_control_intent(found, parsed)
        kind = _get_control_kind(control.task) if control else ""
    if not kind:
        return list(found)
    start, end = new.covers
    remaining_intents = [
        intent for intent in found
        if intent.task not in _REPLACED_TASKS and not _get_control_kind(intent.task) and not start <= intent.start < end
    ]  # fmt: skip
    described = _load_controls().content.search(parsed.instruction) if len(pictures) > 1 else None
    if described:
        remaining_intents = [intent for intent in remaining_intents if intent.task != "image-to-text"] + [
            Intent("image-to-text", described.start(), described.end())
        ]
    elif not new.prompt:
        return list(found)
    pair = [replace(control, task=kind + CONTROL_SUFFIX)] if control else []
    pair.append(
        Intent(kind + FROM_CONTROL_SUFFIX, new.start, end, prompt="" if described else new.prompt, follows=bool(control))
    )
    return sorted([*remaining_intents, *pair], key=lambda intent: intent.start)


def _get_control_kind(task: str) -> str:
    """Return the control kind of a task; empty for any other."""
    return task.removesuffix(CONTROL_SUFFIX) if task.endswith(CONTROL_SUFFIX) else _load_controls().same.get(task, "")


def _find_control_intent(found: Sequence[Intent], parsed: ParsedRequest) -> Intent | None:
    if control := next((intent for intent in found if _get_control_kind(intent.task)), None):
        return control
    for kind, named in _load_controls().named.items():  # where "make a depth control image" was taken for a new picture
        if match := named.search(parsed.instruction):
            return Intent(kind + CONTROL_SUFFIX, match.start(), match.end())
    pose = _load_controls().pose.search(parsed.instruction)  # last: its words are the vaguest
    return Intent("openpose-control", pose.start(), pose.end()) if pose else None


def _find_present_kind(parsed: ParsedRequest, pictures: Sequence[str]) -> str:
    """Find the kind of a control picture that is there already; empty where there is none."""
    table = _load_controls()
    for picture in pictures:
        if kind := _get_control_kind(picture):
            return kind
        stem = picture.rpartition(".")[0].lower()
        if kind := next((kind for kind, named in table.file.items() if named.search(stem)), ""):
            return kind
    phrase = next((match[0] for given in table.given if (match := given.search(parsed.instruction))), "")
    return next((kind for kind, say in table.say.items() if say.search(phrase)), "")


def _find_new_picture(parsed: ParsedRequest) -> _NewPicture | None:
    table = _load_controls()
    for pattern in table.new:
        for match in pattern.finditer(parsed.instruction):
            start = match.start("prompt")
            end = min(match.end("prompt"), parsed.get_sentence(match.start())[1])
            if stop := table.ends.search(parsed.instruction, start + 1, end):
                end = stop.start()
            prompt = parsed.text[start:end].strip(" ,:-")  # from the text: the instruction is lower case
            no_picture = table.no_picture.search(prompt.lower())
            if BLANK * 4 in parsed.instruction[start:end]:  # a quote or a file's name
                if not parsed.quotes or any(start <= place < end for place, _ in parsed.places):
                    continue
                prompt = max(parsed.quotes, key=len)
            if not no_picture:
                return _NewPicture(match.start(), prompt, (start, max(start, end)))
            if described := re.match(
                r"(?:an? |the )?(?:\w+ )?(?:picture|image|photo|drawing|painting) (?:of|showing|with) (.+)", prompt, re.I
            ):
                return _NewPicture(match.start(), described[1], (start, max(start, end)))
    return None
