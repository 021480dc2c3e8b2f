"""The tabs that open the diffusion model, as a visitor meets them."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only, open_tab


@desktop_only
def test_guidance_is_opened_step_by_step(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "guidance")
    page.fill("#guidance-prompt textarea", "fox with glasses")
    page.click("#guidance-go")
    view = page.locator("#guidance-view")
    expect(view.locator(".end img")).to_have_count(5, timeout=120_000)
    expect(view.locator(".says p:visible")).to_contain_text("Step 1 of 20")
    frames = view.locator(".frame")
    assert frames.count() == 4 + 5 + 3  # the predictions, the scales, the words
    place = frames.last.evaluate("(part) => part.style.backgroundPositionX")
    view.locator("[data-do=last]").click()
    expect(view.locator(".says p:visible")).to_contain_text("Step 20 of 20")
    assert frames.last.evaluate("(part) => part.style.backgroundPositionX") != place
    _no_serious_fault(page)


def _no_serious_fault(page: Page) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:3])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert not serious
