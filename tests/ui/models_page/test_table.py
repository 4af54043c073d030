"""The catalogue as it is read: what matches, and what the table says."""

from __future__ import annotations

import pytest

from hugginggpt.hub.cache_faults import UnusableModel
from hugginggpt.hub.overview import OverviewRow, list_unusable_rows
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.models_page.table import draw_table, filter_rows

READER = OverviewRow("PP-OCR", "image-to-text", "bundled", "Apache-2.0", 32.0, languages=("en", "zh", "ja", "fr"))
CAPTIONS = OverviewRow(
    "owner/captions", "image-to-text", "fetch", "mit", 990.0, True, ("multilingual",), True, "Says <what> is seen."
)
ROWS = (READER, CAPTIONS, OverviewRow("owner/films", "text-to-video", "server", description="Makes films."))


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2]),
        ({"query": " IMAGE owner"}, [1]),
        ({"query": "films makes"}, [2]),
        ({"query": "zh"}, [0]),
        ({"query": "mit"}, [1]),
        ({"task": "image-to-text"}, [0, 1]),
        ({"place": "server"}, [2]),
        ({"query": "owner", "place": "bundled"}, []),
    ],
)
def test_all_words_and_all_filters_count(filters: dict[str, str], found: list[int]) -> None:
    assert filter_rows(ROWS, **filters) == tuple(ROWS[n] for n in found)


def test_a_row_says_where_the_model_is_and_links_its_card() -> None:
    html = draw_table(ROWS, Words(), fetching=True)
    assert 'href="https://huggingface.co/owner/captions"' in html
    assert "huggingface.co/PP-OCR" not in html
    assert "≈ 990 MB" in html
    assert "≈ 32 MB" not in html
    assert "en, zh, ja +1" in html
    assert "asks for consent" in html
    assert "Says &lt;what&gt; is seen." in html
    assert html.count("<button") == 1


def test_where_nothing_may_be_fetched_there_is_no_button_and_no_column_for_it() -> None:
    html = draw_table(ROWS, Words("zh"), fetching=False)
    assert "<button" not in html
    assert html.count("<th ") == 6
    assert "可下载" in html


@pytest.mark.parametrize(("language", "said"), [("en", "Its weights are GGUF (q4.gguf)"), ("zh", "其权重是 GGUF（q4.gguf）")])
def test_a_model_of_the_cache_that_can_not_be_used_is_named_with_its_reason(language: str, said: str) -> None:
    rows = list_unusable_rows([UnusableModel("owner/llama", "gguf", "q4.gguf")])
    assert filter_rows(rows, place="unusable") == rows
    html = draw_table(rows, Words(language), fetching=True)
    assert said in html
    assert "<button" not in html


def test_no_match_is_a_sentence() -> None:
    assert "clear the filters" in draw_table((), Words(), fetching=True)
