"""The LLM sizes tab as a visitor meets it: one small member of each family, asked live or said to be out of reach."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only, expect_accessible, open_tab
from tests.browser.languages import left_in_english, switch


@desktop_only
def test_a_member_of_each_family_can_be_asked(train_page: Page) -> None:
    page = train_page
    open_tab(page, "sizes")
    about, said = page.locator("#sizes-about"), page.locator("#sizes-said")
    expect(about).to_contain_text("A decoder sees only what stands before")
    page.click("#sizes-ask")
    expect(said.locator("mark")).to_be_visible(timeout=90_000)
    expect(said).to_contain_text("Paris is the capital of")
    for lang in ("de", "fr", "it", "en"):
        switch(page, lang)
        assert lang == "en" or not left_in_english(page, "sizes", lang)
    expect(said).to_contain_text("million parameters")
    page.locator("#sizes-family input").click()
    page.get_by_role("option", name="BERT base · encoder: reads").click()
    expect(about).to_contain_text(re.compile("An encoder reads.*Not on this machine"))
    expect(page.locator("#sizes-text textarea")).to_have_value("Paris is the ___ of France.")
    expect_accessible(page)
    page.click("#sizes-ask")
    expect(page.get_by_text(re.compile("the model hub cannot be reached")).first).to_be_visible()
