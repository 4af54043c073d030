"""The benchmark of the start: what it prints, and what it does with a page that doesn't come up."""

import json
import sys

import pytest

from benchmarks import startup


def test_it_prints_both_times_and_their_ratio(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "APP", (sys.executable, "-c", SLOW.format(0.5)))
    monkeypatch.setattr(startup, "EMPTY", (sys.executable, "-c", SLOW.format(0.0)))
    startup.main(["--json", "--rounds", "1"])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"app_s", "empty_blocks_s", "ratio"}
    assert printed["app_s"] > printed["empty_blocks_s"] + 0.2
    assert printed["ratio"] == pytest.approx(printed["app_s"] / printed["empty_blocks_s"], rel=0.02)


SLOW = """
import os, time
from http.server import HTTPServer, SimpleHTTPRequestHandler
time.sleep({})
HTTPServer(("127.0.0.1", int(os.environ["GRADIO_SERVER_PORT"])), SimpleHTTPRequestHandler).serve_forever()
"""
"""A page that is up after so many seconds."""


def test_a_page_that_does_not_come_up_says_why() -> None:
    with pytest.raises(startup.StartupError, match="no such thing"):
        startup.first_byte((sys.executable, "-c", "raise SystemExit('no such thing')"))


def test_nothing_of_who_measures_reaches_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUGGINGGPT_LOCAL", "off")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(startup.StartupError) as caught:
        startup.first_byte((sys.executable, "-c", "import os; print(sorted(os.environ)); raise SystemExit(1)"))
    assert "GRADIO_SERVER_PORT" in str(caught.value)
    assert "HF_TOKEN" not in str(caught.value)
    assert "HUGGINGGPT_LOCAL" not in str(caught.value)
