"""Lifecycle and Scoreboard in a browser: the map fits and leads to demos; without runs the board says what to do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible, open_tab


@desktop_only
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

    open_tab(page, "scoreboard")
    expect(page.locator("#scoreboard-table")).to_contain_text(text("en", "scoreboard.none"))
    expect_accessible(page)
    page.click("#scoreboard-go")
    expect(page.get_by_text(text("en", "error.nothing_to_measure"))).to_be_visible()
