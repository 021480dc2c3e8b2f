"""Stop stands still: who moves to it while text streams hits it, on a desktop and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only

_WATCH = """(button) => {
  window.places = new Set();
  const look = () => {
    const {x, y, width, height} = button.getBoundingClientRect();
    window.places.add([x, y, width, height].map(Math.round).join());
  };
  look();
  setInterval(look, 100);
}"""
_TEXT = {"chat": "#chat .message.bot", "completion": "#completion-text .idea-completion"}
_FIGURES = {"chat": "#chat-figures", "completion": "#completion-figures"}


def _begin(page: Page, app_url: str, tab: str) -> None:
    asked = "message=Tell+me+a+story+about+a+ship.&" if tab == "chat" else "prompt=The+history+of+the+sea+begins&"
    page.goto(f"{app_url}/?tab={tab}&{asked}max_new_tokens=512&seed=1", wait_until="load")
    page.wait_for_selector("#status .dot:not(.waiting)")
    page.wait_for_timeout(1000)
    page.locator(f"#{tab}-stop").scroll_into_view_if_needed()
    page.locator(f"#{tab}-stop").evaluate(_WATCH)


def _go(page: Page, tab: str) -> None:
    page.click("#chat-send" if tab == "chat" else "#completion-go")
    expect(page.locator(_TEXT[tab]).first).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("tab", ["chat", "completion"])
def test_a_click_where_stop_was_before_stops(page: Page, app_url: str, tab: str) -> None:
    _begin(page, app_url, tab)
    place = page.locator(f"#{tab}-stop").bounding_box()
    assert place is not None
    _go(page, tab)
    page.wait_for_timeout(300)
    assert page.locator(_FIGURES[tab]).get_by_text("finished").count() == 0
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    if tab == "chat":
        expect(page.locator("#chat-figures")).to_contain_text("stopped")
    else:
        expect(page.locator("#completion-figures .figures")).to_be_visible()
        assert page.locator(_TEXT[tab]).count() < 500
    assert page.evaluate("window.places.size") == 1, page.evaluate("[...window.places]")


@desktop_only
def test_the_box_to_type_in_is_in_view_on_a_low_screen(page: Page, app_url: str) -> None:
    """The conversation has its room from the start; the box below it stands at the foot of the window meanwhile."""
    page.set_viewport_size({"width": 1024, "height": 600})
    page.goto(app_url, wait_until="load")
    expect(page.locator("#chat-send")).to_be_in_viewport(ratio=1)
