"""The Alignment tab in a real browser: the slides' sentence, another head, another word, and a link."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, SLOW, desktop_only, expect_accessible, open_tab


@desktop_only
def test_the_ambiguous_sentence(translate_page: Page) -> None:
    page = translate_page
    open_tab(page, "align")
    page.click("#align-example")
    cross, own = page.locator("#align-cross .aligned"), page.locator("#align-own .aligned")
    expect(cross.locator("figure.lines svg")).to_be_visible(timeout=SLOW)
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("book")
    for screen in (PHONE, DESKTOP):
        page.set_viewport_size(screen)  # type: ignore[arg-type]  # two whole numbers
        box = cross.locator("figure.matrix .scroll-x").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= screen["width"]

    before = cross.locator("figure.matrix svg").inner_html()
    cross.locator('[data-pick="head"][data-value="1"]').click()
    expect(cross.locator('[data-pick="head"][aria-pressed="true"]')).to_have_text("1")
    assert cross.locator("figure.matrix svg").inner_html() != before
    own.locator('[data-pick="word"]', has_text="teacher").click()
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("teacher")
    expect_accessible(page)

    page.fill("#align-sentence textarea, #align-sentence input", "🎉")
    page.click("#align-go")
    expect(page.locator(".toast-body").filter(has_text="knows no sign")).to_be_visible()
    expect(cross).to_be_visible()  # what was there stays


def test_a_link_brings_the_inputs_back(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="de-CH")
    page = context.new_page()
    page.goto(
        f"{translate_url}/?tab=align&q=a+house&src=en&tgt=de&head=2&word=3&enclayer=1&explain=1", wait_until="load"
    )
    expect(page.locator("#align-sentence textarea, #align-sentence input")).to_have_value("a house", timeout=30_000)
    page.click("#align-go")
    own = page.locator("#align-own .aligned")
    expect(own).to_contain_text("Self-Attention im Encoder", timeout=SLOW)
    expect(page.locator('#align-cross [data-pick="head"][aria-pressed="true"]')).to_have_text("2")
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("house")
    reasons = page.locator("#align-reasons")
    expect(reasons.locator("table.weighed")).to_be_visible(timeout=SLOW)
    page.locator("#language label").filter(has_text="FR").click()
    expect(reasons).to_contain_text("Attention et attribution")
    expect(own).to_contain_text("Auto-attention dans l’encodeur")
    page.click("#align-link")
    expect(page).to_have_url(re.compile(r"tab=align&q=a\+house&src=en&tgt=de&head=2&word=3&enclayer=1"))
    context.close()
