"""The side bar as people find it: in their language, by keyboard, on a phone, and for a screen reader."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Route, expect

from tests.ui.app_server import Server
from tests.ui.page.conftest import Visitor
from tests.ui.page.tab import Tab

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(server: Server, visitor: Visitor) -> Tab:
    """Somebody with a Chinese browser on a phone, in the dark."""
    screen = {"width": 390, "height": 844}
    return visitor(f"{server.url}/?__theme=dark", viewport=screen, locale="zh-CN", color_scheme="dark")


def test_it_speaks_chinese_fits_a_phone_and_axe_finds_nothing_serious(phone: Tab) -> None:
    phone.open_settings()
    expect(phone.status).to_contain_text("由内置规划器规划")
    phone.type("其他服务器", base_url="")
    phone.page.get_by_role("button", name="测试", exact=True).click()
    expect(phone.status).to_contain_text("Enter the server's base URL first")  # the agent's own sentences are English
    for name in ("托管模型的令牌", "运行限制", "自己选择模型"):
        phone.page.get_by_role("button", name=name).click()
    expect(phone.page.get_by_label("单个任务的时限（秒）")).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    too_wide = "[...document.querySelectorAll('#side *')].filter(one => one.getBoundingClientRect().right > 391).length"
    assert phone.page.evaluate(too_wide) == 0
    found = Axe().run(phone.page, context="#side").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in {"serious", "critical"}] == []


def test_what_is_chosen_as_the_page_opens_again_is_not_put_back(tab: Tab) -> None:
    held: list[Route] = []  # as if the server were far away
    is_far = True
    tab.page.route("**/queue/join*", lambda call: held.append(call) if is_far else call.continue_())
    tab.page.reload()
    tab.box.wait_for()
    expect(tab.page.locator("#side")).to_have_attribute("inert", "")
    is_far = False
    for call in held:
        call.continue_()
    tab.type("Other server", base_url="http://127.0.0.1:1/v1")
    tab.ask("Say “hello” aloud.")
    tab.page.unroute("**/queue/join*")
    expect(tab.page.get_by_label("Other server", exact=True)).to_be_checked()
    expect(tab.page.locator("#base-url :is(input, textarea)")).to_have_value("http://127.0.0.1:1/v1")


def test_a_keyboard_is_enough(tab: Tab) -> None:
    tab.open_settings()
    tab.page.get_by_label("Built-in", exact=True).focus()
    for _ in range(3):  # each of Gradio's radio buttons is a stop of its own
        tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Space")
    expect(tab.page.get_by_label("Other server", exact=True)).to_be_checked()
    expect(tab.page.locator("#base-url :is(input, textarea)")).to_be_visible()
    wanted = ["base-url", "openai-key", "model", "writes", "looks", "remember", "test-brain", "use-brain"]
    reached: list[str] = []
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        at = tab.page.evaluate("document.activeElement.closest('#side [id]:not(#side)')?.id ?? ''")
        reached += [at] if at in wanted and at not in reached else []
    assert reached == wanted
    for _ in range(20):
        if tab.page.evaluate("document.activeElement.id") == "test-brain":
            break
        tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Enter")
    expect(tab.status).to_contain_text("Enter the server's base URL first")
