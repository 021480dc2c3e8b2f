"""The Failure gallery in a real browser: a failure, its fix by one switch, another kind, and what is refused."""

from __future__ import annotations

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_tab

SLOW = 120_000


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

    page.wait_for_timeout(500)  # axe looks at colours: let everything finish fading in
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"]][:3]) for v in serious]

    field.fill("  ")
    page.click("#gallery-go")
    expect(page.locator(".toast-body").first).to_be_visible()
    expect(panels).to_have_count(2)  # what was there stays
