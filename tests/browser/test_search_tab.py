"""The Search tab in a real browser: the tree, its best path, another number of beams, and a link."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_sentence_in_three_ways(translate_page: Page) -> None:
    page = translate_page
    open_tab(page, "search")
    page.click("#search-go")
    view = page.locator("#search-view .searched")
    expect(view).to_be_visible(timeout=SLOW)
    expect(view.locator("table.found")).to_have_count(3)
    expect(view.locator("table.found").nth(1).locator("tbody tr")).to_have_count(3)
    expect(view.locator("figure.tree g.best.finished")).to_have_count(1)

    box = page.locator("#search-beams input[type=number]")
    box.fill("5")
    box.press("Tab")
    page.click("#search-go")
    expect(view.locator("table.found").nth(1).locator("tbody tr")).to_have_count(5)
    expect_accessible(page)

    page.fill("#search-sentence textarea, #search-sentence input", "🎉")
    page.click("#search-go")
    expect(page.locator(".toast-body").filter(has_text="knows no sign")).to_be_visible()
    expect(view).to_be_visible()  # what was there stays


def test_a_link_brings_the_inputs_back(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="de-CH")
    page = context.new_page()
    page.goto(f"{translate_url}/?tab=search&q=a+house&src=en&tgt=de&beams=2&temperature=1.5&seed=9", wait_until="load")
    sentence = page.locator("#search-sentence textarea, #search-sentence input")
    expect(sentence).to_have_value("a house", timeout=30_000)
    expect(page.locator("#search-beams input[type=number]")).to_have_value("2")
    page.click("#search-go")
    view = page.locator("#search-view .searched")
    expect(view).to_contain_text("Beam-Suche", timeout=SLOW)
    page.locator("#language label").filter(has_text="FR").click()
    expect(view).to_contain_text("Recherche en faisceau")
    page.click("#search-link")
    expect(page).to_have_url(re.compile(r"tab=search&q=a\+house&src=en&tgt=de&beams=2&temperature=1.5&seed=9"))
    context.close()
