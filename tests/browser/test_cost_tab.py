"""The Cost tab as a visitor meets it: figures that follow the settings, and an estimate checked by a real step."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only, expect_accessible, open_tab
from tests.browser.languages import left_in_english, switch


@desktop_only
def test_the_cost_follows_the_settings_and_is_checked_by_a_real_step(train_page: Page) -> None:
    page = train_page
    open_tab(page, "cost")
    memory = page.locator("#cost-memory")
    expect(memory.locator(".bars")).to_be_visible()
    before = memory.inner_text()
    page.fill("#cost-parameters input", "70")
    page.keyboard.press("Tab")
    expect(memory).not_to_have_text(before)
    page.click("#cost-check")
    checked = page.locator("#cost-checked")
    expect(checked.locator("tr")).to_have_count(6, timeout=120_000)  # the heads, four parts, and the peak
    assert all(re.search(r"[1-9]\d* MB", row) for row in checked.locator("tr").all_inner_texts()[1:])
    expect_accessible(page)
    for lang in ("de", "fr", "it"):
        switch(page, lang)
        assert not left_in_english(page, "cost", lang)
