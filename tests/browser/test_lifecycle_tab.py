"""The Lifecycle tab in a browser: the map fits the screen, and a step leads to its demo."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import open_tab


def test_a_step_of_the_map_leads_to_its_demo(train_page: Page) -> None:
    page = train_page
    open_tab(page, "lifecycle")
    shown = page.locator("#lifecycle-map")
    expect(shown.locator("li")).to_have_count(5)
    stages = shown.locator("li h3").filter(visible=True)
    expect(stages.last).to_contain_text(text("en", "lifecycle.stage_integrate"))
    shown.locator("a").filter(has_text=text("en", "cost.tab")).click()
    expect(page.locator("#tab-cost-button, button[role=tab][aria-selected=true]").first).to_contain_text(
        text("en", "cost.tab")
    )
