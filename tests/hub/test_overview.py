"""One row for each model and task: what runs now first, then what could be made to."""

from __future__ import annotations

import pytest

from hugginggpt.core.model_card import ModelCard
from hugginggpt.hub.overview import ModelPlace, build_overview

SMALL, LARGE = "hustvl/yolos-tiny", "IDEA-Research/grounding-dino-base"


def card(model: str, backend: str, task: str = "object-detection", **about: object) -> ModelCard:
    return ModelCard(model, task, backend, "Finds things.", **about)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("backend", "place", "runs"),
    [
        ("bundled", "bundled", True),
        ("local", "cache", True),
        ("hosted", "hosted", True),
        ("download", "fetch", False),
        ("controller", "hosted", True),
        ("a cluster", "hosted", True),
    ],
)
def test_where_a_model_is(backend: str, place: ModelPlace, runs: bool) -> None:
    first, *_ = build_overview([card("owner/other", backend)], ["object-detection"], local=True)
    assert (first.id, first.place, first.is_runnable) == ("owner/other", place, runs)


def test_a_model_that_is_here_stands_once_and_first_with_what_the_files_say_of_it() -> None:
    rows = build_overview([card(SMALL, "local", size_mb=26.0)], ["object-detection"], local=True)
    assert [row.id for row in rows].count(SMALL) == 1
    assert (rows[0].id, rows[0].size_mb, rows[0].size_estimated, rows[0].license) == (SMALL, 26.0, False, "apache-2.0")
    assert rows[0].description != "Finds things."


def test_what_is_not_here_can_be_fetched_or_runs_on_servers_only() -> None:
    rows = build_overview([], ["image-to-text"], local=True)
    places = {row.id: row.place for row in rows}
    assert places["Salesforce/blip-image-captioning-base"] == "fetch"
    assert places["google/gemma-4-31B-it"] == "server"
    assert all(row.size_estimated for row in rows if row.size_mb)
    assert {row.place for row in build_overview([], ["image-to-text"], local=False)} == {"server"}


def test_a_small_model_that_is_offered_for_fetching_stands_once() -> None:
    rows = build_overview([card(SMALL, "download")], ["object-detection"], local=True)
    assert [row.place for row in rows if row.id == SMALL] == ["fetch"]


def test_only_what_the_hub_has_is_linked() -> None:
    rows = build_overview([card("PP-OCRv6-small", "bundled"), card("owner/model", "local")], ["object-detection"], local=True)
    assert [row.is_on_hub for row in rows[:2]] == [False, True]
