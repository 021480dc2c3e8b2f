"""What a visitor sees first, over the whole hub: nothing moves by itself, no other host is asked, dark is readable."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from bench.front_page import PAGES, WATCH
from common.ui.i18n import text
from tests.browser.conftest import DESKTOP, KEY, PHONE, expect_accessible, open_tab

# More than this is felt; browsers call up to 0.1 good.
MOST_MOVED = 0.05


def test_nothing_moves_by_itself_and_no_other_host_is_asked(
    browser: Browser, hub_url: str, viewport: ViewportSize
) -> None:
    for name, (path, settled) in PAGES.items():
        context = browser.new_context(viewport=viewport, locale="en-US")
        context.add_init_script(WATCH)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(f"{hub_url}/{path}", wait_until="load")
        page.wait_for_selector(settled)
        if path:
            page.wait_for_selector("#status .dot")
        page.wait_for_timeout(2500)
        moved = page.evaluate("window.shifted")
        context.close()
        assert moved < MOST_MOVED, (name, moved)
        assert len(asked) > 10 and all(url.startswith((hub_url, "data:", "blob:")) for url in asked), name


def _visit(browser: Browser, hub_url: str, viewport: ViewportSize, scheme: Literal["light", "dark"]) -> Page:
    """The presenter's browser."""
    page = browser.new_context(viewport=viewport, locale="en-US", color_scheme=scheme).new_page()
    page.goto(f"{hub_url}/?presenter={KEY}", wait_until="load")
    expect(page.locator(".doors a").first).to_be_visible()
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_hubs_own_pages_on_a_phone(browser: Browser, hub_url: str, scheme: Literal["light", "dark"]) -> None:
    page = _visit(browser, hub_url, PHONE, scheme)
    expect_accessible(page)
    for path, settled in (
        ("join", ".join svg"),
        ("poll", "#poll-view .poll"),
        ("recorded", "#recordings button"),
        ("presenter", "#presenter-way ol a"),
        ("preflight", "#preflight-start"),
    ):
        page.goto(f"{hub_url}/{path}", wait_until="load")
        expect(page.locator(settled).first).to_be_visible()
        expect_accessible(page)
    page.click("#preflight-start")
    expect(page.locator("#preflight li").first).to_be_visible()
    expect_accessible(page)
    page.click("#preflight-stop")
    page.context.close()


def test_tabs_in_the_dark(browser: Browser, hub_url: str) -> None:
    page = _visit(browser, hub_url, DESKTOP, "dark")
    for space, tabs in {
        "chat": ("chat", "tokens", "summary"),
        "translate": ("translate", "versus"),
        "train": ("scratch", "lifecycle", "sizes"),
        "diffusion": ("image", "map"),
    }.items():
        page.goto(f"{hub_url}/{space}", wait_until="load")
        page.wait_for_selector("#status .dot")
        for tab in tabs:
            open_tab(page, tab)
            idea = page.locator(".idea").filter(visible=True).first
            expect(idea).to_contain_text(text("en", f"{tab}.idea")[:40])
            expect_accessible(page)
    page.context.close()
