"""The Alignment tab in a real browser: the slides' sentence, another head, another word, and a link."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import open_tab

SLOW = 120_000  # the first sentence waits for the model


def test_the_ambiguous_sentence(translate_page: Page) -> None:
    page = translate_page
    open_tab(page, "align")
    page.click("#align-example")
    cross, own = page.locator("#align-cross .aligned"), page.locator("#align-own .aligned")
    expect(cross.locator("figure.lines svg")).to_be_visible(timeout=SLOW)
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("book")
    box = cross.locator("figure.matrix .scroll-x").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]  # type: ignore[index]

    before = cross.locator("figure.matrix svg").inner_html()
    cross.locator('[data-pick="head"][data-value="1"]').click()
    expect(cross.locator('[data-pick="head"][aria-pressed="true"]')).to_have_text("1")
    assert cross.locator("figure.matrix svg").inner_html() != before
    own.locator('[data-pick="word"]', has_text="teacher").click()
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("teacher")
    page.wait_for_timeout(500)  # axe looks at colours: let everything finish fading in
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"]][:3]) for v in serious]

    page.fill("#align-sentence textarea, #align-sentence input", "🎉")
    page.click("#align-go")
    expect(page.locator(".toast-body").filter(has_text="knows no sign")).to_be_visible()
    expect(cross).to_be_visible()  # what was there stays


def test_a_link_brings_the_inputs_back(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="de-CH")
    page = context.new_page()
    page.goto(f"{translate_url}/?tab=align&q=a+house&src=en&tgt=de&head=2&word=3&enclayer=1", wait_until="load")
    expect(page.locator("#align-sentence textarea, #align-sentence input")).to_have_value("a house", timeout=30_000)
    page.click("#align-go")
    own = page.locator("#align-own .aligned")
    expect(own).to_contain_text("Self-Attention im Encoder", timeout=SLOW)
    expect(page.locator('#align-cross [data-pick="head"][aria-pressed="true"]')).to_have_text("2")
    expect(own.locator('[data-pick="word"][aria-pressed="true"]')).to_have_text("house")
    page.locator("#language label").filter(has_text="FR").click()
    expect(own).to_contain_text("Auto-attention dans l’encodeur")
    page.click("#align-link")
    expect(page).to_have_url(re.compile(r"tab=align&q=a\+house&src=en&tgt=de&layer=0&head=2&word=3&enclayer=1"))
    context.close()
