"""The Where it fails tab in a real browser: a kind, its fix by one switch, and a link."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_failure_and_its_fix(translate_page: Page) -> None:
    page = translate_page
    open_tab(page, "fails")
    page.click("#fails-go")
    panels = page.locator("#fails-view section.panel")
    expect(panels).to_have_count(1, timeout=SLOW)
    page.locator("#fails-fix label").filter(has_text="on").click()
    expect(panels).to_have_count(2)

    expect(page.locator("#fails-context")).to_be_hidden()
    page.locator("#fails-kind label").filter(has_text="A single word").click()
    expect(page.locator("#fails-sentence textarea")).to_have_value("light")
    expect(page.locator("#fails-context")).to_be_visible()
    expect(panels).to_have_count(0)
    page.locator("#fails-fix label").filter(has_text="on").click()
    expect(panels).to_have_count(2)
    expect(panels.nth(1)).to_contain_text("The light is on.")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect_accessible(page)

    page.fill("#fails-sentence textarea", "🎉")
    page.click("#fails-go")
    expect(page.locator(".toast-body").filter(has_text="knows no sign")).to_be_visible()
    expect(panels).to_have_count(2)  # what was there stays


def test_a_link_brings_the_inputs_back(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="de-CH")
    page = context.new_page()
    page.goto(
        f"{translate_url}/?tab=fails&kind=word&q=spring&src=en&tgt=fr&context=Spring+is+here.&fix=on", wait_until="load"
    )
    expect(page.locator("#fails-sentence textarea")).to_have_value("spring", timeout=30_000)
    expect(page.locator("#fails-context textarea")).to_have_value("Spring is here.")
    expect(page.locator("#fails-about")).to_contain_text("mehrere Bedeutungen")
    page.click("#fails-go")
    view = page.locator("#fails-view")
    expect(view.locator("section.panel")).to_have_count(2, timeout=SLOW)
    expect(view).to_contain_text("Wie es ist")
    page.locator("#language label").filter(has_text="FR").click()
    expect(view).to_contain_text("Tel quel")
    page.click("#fails-link")
    expect(page).to_have_url(
        re.compile(r"tab=fails&kind=word&q=spring&src=en&tgt=fr&context=Spring\+is\+here\.&fix=on")
    )
    context.close()
