"""The look-up of known vulnerabilities (`.ci/audit.py`): it never fails, or holds up, what has nothing to do with them."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosted_server import refused_url

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "audit.py"
SAFE = {"name": "idna", "version": "3.20", "vulns": []}
UNSAFE = {"name": "pillow", "version": "1.0", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("report", "said", "found"),
    [
        ([SAFE, UNKNOWN], "1 of 2 packages were looked up, 0 have known vulnerabilities.", False),
        ([SAFE, UNSAFE], "2 of 2 packages were looked up, 1 have known vulnerabilities: pillow 1.0: PYSEC-1, PYSEC-2.", True),
        ([UNKNOWN], "the database knows none of 1 packages (a mirror?), so nothing was looked up.", False),
        (None, "the database can't be reached, so nothing was looked up.", False),
    ],
)
def test_a_report_is_one_sentence(report: list[object] | None, said: str, found: bool) -> None:
    text = "" if report is None else json.dumps({"dependencies": report, "fixes": []})
    assert runpy.run_path(str(SCRIPT))["summarize"](text) == (said, found)


@pytest.mark.slow
def test_without_a_network_it_says_so_and_passes(tmp_path: Path) -> None:
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": refused_url(), "PIP_NO_INDEX": ""}
    command = [sys.executable, str(SCRIPT), str(tmp_path / "audit")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (0, "audit: pip-audit can't be installed now, so nothing was looked up.\n")
