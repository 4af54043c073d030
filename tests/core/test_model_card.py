"""The table of back ends."""

from __future__ import annotations

import re
from pathlib import Path

import hugginggpt
from hugginggpt.core.model_card import BACKENDS, get_traits
from hugginggpt.ui.i18n import Words


def test_every_back_end_of_the_project_is_described() -> None:
    experts = Path(hugginggpt.__file__).parent / "experts"
    code = "\n".join(path.read_text(encoding="utf-8") for path in experts.rglob("*.py"))
    named = set(re.findall(r'^    backend = "(\w+)"', code, re.MULTILINE))
    assert {"local", "bundled", "hosted"} <= named
    assert named == set(BACKENDS)


def test_the_page_and_the_shared_page_have_words_for_each() -> None:
    words = Words("zh")
    for backend in BACKENDS:
        assert words(f"chat.where_{backend}")
        assert words(f"share.where_{backend}")


def test_one_that_is_not_described_is_elsewhere_and_has_no_ids_of_the_hub() -> None:
    traits = get_traits("cluster")
    assert (traits.place, traits.is_on_hub, traits.fetched) == ("elsewhere", False, False)
