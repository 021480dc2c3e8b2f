"""The tab Inside the transformer, clicked through on a desktop and on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab, phone_only


def _look(page: Page) -> None:
    open_tab(page, "inside")
    page.click("#inside-go")
    expect(page.locator("#inside-attention svg.map").first).to_be_visible(timeout=SLOW)


def _set(page: Page, slider: str, value: str) -> None:
    box = page.locator(f"#{slider} input[type=number]")
    box.fill(value)
    box.press("Tab")


@phone_only
def test_from_the_seminars_sentence_to_a_head_and_a_token(page: Page) -> None:
    _look(page)
    expect(page.locator("#inside-tokens .chip.selected")).to_contain_text("book")
    expect(page.locator("#inside-attention .panel")).to_have_count(2)
    first, second = page.locator("#inside-heads-first"), page.locator("#inside-heads-second")
    expect(first.locator("caption")).to_contain_text("“book” to “teacher”")
    expect(second.locator("caption")).to_contain_text("“book” to “student”")

    _point_at_a_token(page)

    button = first.locator("button").first
    name = (button.text_content() or "").replace("\N{NO-BREAK SPACE}", " ")
    button.click()
    title = page.locator("#inside-attention h4").first
    expect(title).to_contain_text(name)
    layer, head = re.findall(r"\d+", name)
    expect(page.locator("#inside-layer input[type=number]")).to_have_value(layer)
    expect(page.locator("#inside-head input[type=number]")).to_have_value(head)

    _set(page, "inside-head", "0")
    expect(title).to_contain_text("mean of its heads")
    expect_accessible(page)


def _point_at_a_token(page: Page) -> None:
    """Pointing shows a token's looks for as long as it lasts, a click chooses it; the last click is undone."""
    arcs = page.locator("#inside-attention svg.arcs").first
    within = """(svg) => {
      const box = svg.parentElement.getBoundingClientRect();
      const token = svg.querySelector('.token.selected').getBoundingClientRect();
      return token.left >= box.left && token.right <= box.right;
    }"""
    assert arcs.evaluate(within), "the chosen token is out of sight"
    expect(arcs.locator("g.from.shown")).to_have_attribute("data-from", "7")
    arcs.locator("g.token").nth(4).hover()
    expect(arcs.locator("g.from.shown")).to_have_attribute("data-from", "4")
    page.locator("#inside-text label").first.hover()
    expect(arcs.locator("g.from.shown")).to_have_attribute("data-from", "7")

    arcs.locator("g.token").nth(4).click()
    expect(page.locator("#inside-tokens .chip.selected")).to_contain_text("student")
    expect(page.locator("#inside-lens figcaption")).to_contain_text("“student” (token 5)")
    page.locator("#inside-tokens button").nth(2).click()
    expect(page.locator("#inside-lens figcaption")).to_contain_text("“taught” (token 3)")
    expect(page.locator("#inside-lens tr")).to_have_count(31)
    page.locator("#inside-tokens button").filter(has_text="book").click()
    expect(page.locator("#inside-tokens .chip.selected")).to_contain_text("book")


@desktop_only
def test_points_move_and_words_of_ones_own(page: Page) -> None:
    _look(page)
    plane = page.locator("#inside-plane")
    expect(plane.locator("figcaption")).to_contain_text("Embedding")
    before = plane.locator("circle").first.get_attribute("cx")
    _set(page, "inside-plane-layer", "12")
    expect(plane.locator("figcaption")).to_contain_text("Layer 12")
    assert plane.locator("circle").first.get_attribute("cx") != before

    page.fill("#inside-text textarea", "one two three " * 200)
    page.click("#inside-go")
    expect(page.locator(".toast-body")).to_contain_text("512 at most", timeout=SLOW)
    page.fill("#inside-text textarea", "Anna saw the man with the telescope")
    page.fill("#inside-compare textarea", " ")
    expect(page.locator("#inside-go")).to_be_enabled()
    page.click("#inside-go")
    expect(page.locator("#inside-attention .panel")).to_have_count(1, timeout=SLOW)
    expect(page.locator("#inside-heads-first caption")).to_contain_text("“telescope” to “Anna”")
    page.locator("#inside-first input").click()
    page.get_by_role("option", name="man (4)").click()
    expect(page.locator("#inside-heads-first")).to_contain_text("“telescope” to “man”")


def test_a_link_brings_text_layer_head_and_token_back(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{app_url}/?tab=inside&text=My+cat+sat+on+the+mat&layer=5&head=2&token=2&compare=", wait_until="load")
    expect(page.locator("#inside-text textarea")).to_have_value("My cat sat on the mat", timeout=30_000)
    page.click("#inside-go")
    expect(page.locator("#inside-attention h4").first).to_contain_text("Layer 5 · head 2", timeout=SLOW)
    expect(page.locator("#inside-attention figcaption").first).to_contain_text("“cat”")
    page.click("#inside-link")
    expect(page).to_have_url(re.compile(r"tab=inside&text=My\+cat\+sat\+on\+the\+mat&layer=5&head=2&token=2"))
    context.close()
