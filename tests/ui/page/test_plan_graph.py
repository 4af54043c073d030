"""The plan as a picture, in a real browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from hugginggpt.core.tasks import load_task_table
from hugginggpt.ui.run_panel.plan_graph import STYLE, draw_plan
from tests.ui.run_panel.test_plan_graph import OCR, READ, step

pytestmark = pytest.mark.browser


def test_it_fits_a_narrow_column_is_read_as_a_list_and_moves_only_where_that_is_wanted(chromium: Browser) -> None:
    running = replace(READ, status="running", model=OCR)
    steps = [
        running,
        *(step("image-classification", n, 0, image="image-1") for n in range(1, 7)),
        step("summarization", 7, *range(1, 7)),
    ]
    drawn = draw_plan([replace(s, status="failed", seconds=2) if s.task.id == 3 else s for s in steps], load_task_table())
    for scheme, motion in (("light", "no-preference"), ("dark", "reduce")):
        page = chromium.new_page(viewport={"width": 340, "height": 800}, color_scheme=scheme, reduced_motion=motion)
        sheet = f"<style>:root{{color-scheme:light dark}}body{{margin:8px}}{STYLE}</style>"
        page.set_content(f"<!doctype html><html lang=en><title>Plan</title>{sheet}<main>{drawn}</main>")
        expect(page.get_by_role("group", name="Plan: 8 tasks, 0 done").get_by_role("listitem")).to_have_count(8)
        assert page.locator(".hgpt-plan").evaluate("e => e.scrollWidth <= e.clientWidth")
        for name in page.locator(".task .name").all():
            assert name.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
        turning = page.locator(".running .sign").evaluate("e => getComputedStyle(e).animationName")
        assert (turning == "none") == (motion == "reduce")
        serious = [
            (v["id"], v["nodes"][0]["html"])
            for v in Axe().run(page).response["violations"]
            if v["impact"] in {"serious", "critical"}
        ]
        assert serious == []
        page.close()
