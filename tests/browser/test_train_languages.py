"""Every tab of the train space in four languages: its idea and all that it says, with nothing left in English."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, open_tab
from tests.browser.languages import left_in_english, switch

TABS = ("scratch", "finetune", "prefer", "scoreboard", "lifecycle", "cost", "sizes")


@desktop_only
def test_every_tab_says_all_of_it_in_the_language_chosen(train_page: Page) -> None:
    page = train_page
    for tab in TABS:  # what gradio makes when a tab is opened is made in English, and has to follow
        open_tab(page, tab)
    left = {}
    for lang in ("de", "fr", "it"):
        switch(page, lang)
        bar = page.locator("button[role=tab]").filter(visible=True)
        expect(bar).to_have_text([text(lang, f"{tab}.tab") for tab in TABS])
        for tab in TABS:
            open_tab(page, tab)
            left[lang, tab] = left_in_english(page, tab, lang)
    assert not any(left.values()), left
