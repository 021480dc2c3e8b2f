"""The Align tab as a visitor meets it: two answers of the real model, a choice that survives a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_choice_between_two_answers_is_kept(train_page: Page) -> None:
    page = train_page
    open_tab(page, "prefer")
    expect(page.locator("#prefer-pairs")).to_contain_text("Choices so far: 0")
    page.click("#prefer-better-a")
    expect(page.get_by_text(text("en", "error.nothing_to_choose"))).to_be_visible()
    page.click("#prefer-write")
    for name in ("a", "b"):
        expect(page.locator(f"#prefer-{name} textarea")).to_have_value(re.compile(r".{20,}", re.S), timeout=120_000)
    page.wait_for_timeout(3000)  # until both have written enough to differ
    page.click("#prefer-better-a")
    expect(page.locator("#prefer-pairs")).to_contain_text("Choices so far: 1")
    page.reload()
    open_tab(page, "prefer")
    expect(page.locator("#prefer-pairs")).to_contain_text("Choices so far: 1", timeout=30_000)


@desktop_only
def test_no_serious_accessibility_fault_and_four_languages(train_page: Page) -> None:
    page = train_page
    open_tab(page, "prefer")
    expect_accessible(page)
    for lang in ("de", "fr", "it"):
        page.locator("#language label").filter(has_text=lang.upper()).click()
        expect(page.locator("#prefer-go")).to_have_text(text(lang, "prefer.go"))
