"""What holds for the whole page: languages, accessibility, no request to any other host (see the ``page`` fixture)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from common.ui.i18n import text
from tests.browser.conftest import DESKTOP, PHONE, desktop_only, expect_accessible, open_tab

TABS = ("chat", "completion", "sampling", "tokens", "inside", "essay", "summary", "retrieval", "actions", "gallery")


@pytest.mark.parametrize(
    ("viewport", "lang"),
    [(DESKTOP, "de"), (PHONE, "fr"), (DESKTOP, "it")],
    ids=["de", "fr", "it"],
    indirect=["viewport"],
)
def test_the_language_switch_changes_every_tab(page: Page, lang: str) -> None:
    page.locator("#language label").filter(has_text=lang.upper()).click()
    expect(page.locator("#chat-send")).to_have_text(text(lang, "chat.send"))
    expect(page.locator("h1")).to_have_text(text(lang, "chat.title"))
    assert page.evaluate("document.documentElement.lang") == lang
    assert f"lang={lang}" in page.url
    for name in TABS:
        open_tab(page, name)
        idea = page.locator(".idea").filter(visible=True).first
        expect(idea).to_contain_text(text(lang, f"{name}.idea")[:40])


@pytest.mark.parametrize("lang", ["de", "fr"])
def test_the_browsers_language_is_followed(browser: Browser, app_url: str, lang: str) -> None:
    context = browser.new_context(locale=f"{lang}-CH")
    page = context.new_page()
    page.goto(app_url, wait_until="load")
    expect(page.locator("#chat-send")).to_have_text(text(lang, "chat.send"), timeout=20_000)
    page.locator("#chat-shelf button").filter(has_text=text(lang, "chat.more")).click()
    expect(page.locator("#chat-shelf input").first).to_have_value(text(lang, "chat.untitled"))
    context.close()


def test_a_language_chosen_before_the_first_answer_stays(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    held: list[Route] = []
    released = False

    def hold(route: Route) -> None:
        if released:
            route.continue_()
        else:
            held.append(route)

    page.route("**/gradio_api/run/**", hold)
    page.goto(app_url, wait_until="load")
    page.locator("#language label").filter(has_text="IT").click()
    page.wait_for_timeout(300)
    assert held, "nothing is asked at the start: hold something else back"
    released = True
    for route in reversed(held):  # the first question is answered last
        route.continue_()
    expect(page.locator("#chat-send")).to_have_text(text("it", "chat.send"))
    page.wait_for_timeout(1000)
    expect(page.locator("#chat-send")).to_have_text(text("it", "chat.send"))
    context.close()


@desktop_only
def test_no_serious_accessibility_fault(page: Page) -> None:
    for name in TABS:
        open_tab(page, name)
        expect(page.locator(".idea").filter(visible=True).first).to_contain_text(text("en", f"{name}.idea")[:40])
        expect_accessible(page)
