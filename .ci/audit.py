"""Look up what is installed in the database of known vulnerabilities; where that can't be reached, say so and pass.

`make audit` fails where something is found. CI shows it and goes on: an advisory of today is no fault of the change at hand.
"""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

TOOL: Final = "pip-audit>=2.9,<3"
INSTALL_SECONDS, LOOK_UP_SECONDS = 120, 120
FOLDER: Final = Path(__file__).resolve().parent.parent / ".venv" / "audit"
"""Apart from the environment that it looks at: what it needs itself is no part of that."""


def main(folder: Path) -> int:
    """Install the tool where it is not there yet, run it, and say what it found."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--retries", "0"]
    if not (folder / "pip_audit").is_dir() and not run([*pip, "--target", str(folder), TOOL], INSTALL_SECONDS):
        print("audit: pip-audit can't be installed now, so nothing was looked up.")
        return 0
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from pip_audit._cli import audit; audit()"
    options = ["--path", sysconfig.get_path("purelib"), "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    done = run([sys.executable, "-c", code, *options], LOOK_UP_SECONDS)
    sentence, found = summarize(done)
    print(f"audit: {sentence}")
    return int(found)


def run(command: list[str], seconds: float) -> str:
    """Return what a command prints; empty where it fails without a word, or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603 (our own)
    except (subprocess.TimeoutExpired, OSError):
        return ""
    return done.stdout or ("done" if done.returncode == 0 else "")


def summarize(report: str) -> tuple[str, bool]:
    """Return one sentence about the tool's report, and whether anything was found."""
    try:
        rows: list[Mapping[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return "the database can't be reached, so nothing was looked up.", False
    known = [row for row in rows if "vulns" in row]  # the others have a skip_reason: the index doesn't know them
    if not known:
        return f"the database knows none of {len(rows)} packages (a mirror?), so nothing was looked up.", False
    found = [
        f"{row['name']} {row['version']}: {', '.join(each['id'] for each in row['vulns'])}" for row in known if row["vulns"]
    ]
    counted = f"{len(known)} of {len(rows)} packages were looked up"
    return f"{counted}, {len(found)} have known vulnerabilities{': ' * bool(found)}{'; '.join(found)}.", bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER))
