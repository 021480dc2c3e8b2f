"""The Failure gallery in a real browser: a failure, its fix by one switch, another kind, and what is refused."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_failure_its_fix_and_a_link(page: Page) -> None:
    open_tab(page, "gallery")
    page.click("#gallery-go")
    panels, verdict = page.locator("#gallery-view section.panel"), page.locator("#gallery-view .verdict")
    expect(verdict).to_be_visible(timeout=SLOW)
    expect(panels).to_have_count(1)
    page.locator("#gallery-fix label").filter(has_text="on").click()
    expect(panels).to_have_count(2, timeout=SLOW)
    expect(verdict).to_be_visible(timeout=SLOW)

    page.locator("#gallery-kind label").filter(has_text="A trap in the tokens").click()
    field = page.locator("#gallery-text textarea")
    expect(field).to_have_value("The capital of France is ")
    expect(page.locator("#gallery-document")).to_be_hidden()
    expect(panels).to_have_count(0)
    page.locator("#gallery-fix label").filter(has_text="on").click()
    expect(panels).to_have_count(2, timeout=SLOW)
    expect(verdict).to_be_visible(timeout=SLOW)
    page.click("#gallery-link")
    expect(page).to_have_url(re.compile(r"tab=gallery&kind=trap&text=The\+capital\+of\+France\+is\+&"))

    expect_accessible(page)

    field.fill("  ")
    page.click("#gallery-go")
    expect(page.locator(".toast-body").first).to_be_visible()
    expect(panels).to_have_count(2)  # what was there stays
