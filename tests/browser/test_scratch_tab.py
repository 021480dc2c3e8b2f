"""The train space as a visitor meets it: from a text to a model that writes, and a page that can be left meanwhile."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible


@desktop_only
def test_from_a_text_to_a_model_that_writes(train_page: Page) -> None:
    page = train_page
    expect(page.locator("#scratch-corpus")).to_contain_text("One day")
    page.get_by_text(text("en", "scratch.bpe")).click()
    expect(page.locator("#scratch-tokens")).to_contain_text(text("en", "scratch.merges"))
    page.get_by_text(text("en", "scratch.char"), exact=True).click()
    page.fill("#scratch-minutes input[type=number]", "0.5")
    page.keyboard.press("Tab")
    expect(page.locator("#scratch-numbers")).to_contain_text("steps in 0.5 minutes")
    page.click("#scratch-go")
    state = page.locator("#scratch-state")
    expect(state).to_contain_text(re.compile("step [0-9]+ of"), timeout=120_000)
    page.reload()
    expect(state).to_contain_text("Tales 1", timeout=30_000)
    page.click("#scratch-stop")
    expect(state).to_contain_text(re.compile("stopped|finished"), timeout=120_000)
    page.click("#scratch-write")
    expect(page.locator("#scratch-result textarea")).to_have_value(re.compile("^One day .{20,}", re.S), timeout=90_000)
    page.click("#scratch-delete")
    expect(state).to_contain_text(text("en", "scratch.no_run"))


@desktop_only
def test_the_time_is_an_estimate_until_it_was_measured(train_page: Page) -> None:
    page = train_page
    numbers = page.locator("#scratch-numbers")
    expect(numbers).to_contain_text(re.compile("are (estimated|measured)"))
    page.fill("#scratch-layers input[type=number]", "1")
    page.fill("#scratch-minutes input[type=number]", "1")
    page.keyboard.press("Tab")
    expect(numbers).to_contain_text("steps in 1.0 minutes")
    expect(numbers).to_contain_text(text("en", "scratch.measured"), timeout=240_000)
    expect(numbers).to_contain_text("steps in 1.0 minutes")


@desktop_only
def test_no_serious_accessibility_fault_and_four_languages(train_page: Page) -> None:
    page = train_page
    expect_accessible(page)
    for lang in ("de", "fr", "it"):
        page.locator("#language label").filter(has_text=lang.upper()).click()
        expect(page.locator("#scratch-go")).to_have_text(text(lang, "scratch.go"))
        expect(page.locator("#scratch-numbers")).to_contain_text(text(lang, "scratch.parameters"))
