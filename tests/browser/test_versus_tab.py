"""The tab A translator or a chat model? in a real browser: an example, both answers, another language, a link."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_sentence_for_both(translate_page: Page) -> None:
    page = translate_page
    open_tab(page, "versus")
    expect(page.locator("#versus-sentence textarea")).to_have_value("Milujem seminár DSA.")
    page.click("#versus-example input")
    page.get_by_role("option", name="Where is the railway station?").click()
    expect(page.locator("#versus-sentence textarea")).to_have_value("Kde je železničná stanica?")
    expect(page.locator("#versus-reference textarea")).to_have_value("Where is the railway station?")
    page.click("#versus-go")
    panels = page.locator("#versus-view section.panel")
    expect(panels).to_have_count(2)
    expect(page.locator("#versus-view .verdict")).to_be_visible(timeout=SLOW)
    for place in (0, 1):
        expect(panels.nth(place).locator(".meter")).to_contain_text("against the reference")
        expect(panels.nth(place).locator(".figures")).to_contain_text("tokens per second")
    panels.nth(1).locator("summary").click()
    expect(panels.nth(1)).to_contain_text("Translate this Slovak text into English.")
    expect_accessible(page)

    page.locator("#language label").filter(has_text="FR").click()
    expect(panels.nth(1)).to_contain_text("Le modèle de chat")
    expect(page.locator("#versus-go")).to_have_text("Demander aux deux")  # the form's texts come by themselves
    page.click("#versus-asked > button")
    page.fill("#versus-prompt textarea", "Translate!")
    page.click("#versus-go")
    expect(page.locator(".toast-body").filter(has_text="{text}")).to_be_visible()
    expect(panels).to_have_count(2)  # what was there stays
    page.click("#versus-link")
    expect(page).to_have_url(re.compile(r"lang=fr&tab=versus&q=Kde\+je.*&ref=Where.*&prompt=Translate%21$"))
