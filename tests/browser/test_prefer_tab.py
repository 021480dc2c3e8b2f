"""The Align tab as a visitor meets it: choices that survive a reload, a run on them to its end, before and after."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from common.training.pairs import FEWEST
from common.ui.i18n import text
from tests.browser.conftest import PHONE, desktop_only, expect_accessible, open_tab
from tests.browser.languages import left_in_english, switch

_SLOW = 300_000


def _choose(page: Page, better: str, so_far: int) -> None:
    """Have two answers written and prefer one, perhaps while they are still being written."""
    page.click("#prefer-write")
    boxes = [page.locator(f"#prefer-{name} textarea") for name in ("a", "b")]
    for box in boxes:
        expect(box).to_have_value(re.compile(r".{20,}", re.S), timeout=_SLOW)
    page.click(f"#prefer-better-{better}")
    expect(page.locator("#prefer-pairs")).to_contain_text(f"Choices so far: {so_far}")
    for box in boxes:
        expect(box).to_have_value("")


@pytest.mark.timeout(600)
@desktop_only
def test_choices_are_kept_a_run_learns_them_and_answers_before_and_after(train_page: Page) -> None:
    page = train_page
    open_tab(page, "prefer")
    pairs, state, curves = (page.locator(f"#prefer-{name}") for name in ("pairs", "state", "curves"))
    expect(pairs).to_contain_text("Choices so far: 0")
    page.click("#prefer-better-a")
    expect(page.get_by_text(text("en", "error.nothing_to_choose"))).to_be_visible()
    _choose(page, "a", 1)
    page.click("#prefer-go")
    too_few = text("en", "phrase.examples_few", count=1, limit=FEWEST)
    expect(page.get_by_text(too_few)).to_be_visible()
    page.reload()
    open_tab(page, "prefer")
    expect(pairs).to_contain_text("Choices so far: 1")
    for count in range(2, FEWEST + 2):
        _choose(page, "ab"[count % 2], count)

    page.click("#prefer-go")
    expect(state).to_contain_text(text("en", "scratch.state_finished"), timeout=_SLOW)
    margin = curves.locator("figure").filter(has_text=text("en", "prefer.margin"))
    expect(margin).to_contain_text(text("en", "prefer.margin_learned"))
    expect(margin).to_contain_text(text("en", "prefer.margin_test"))
    expect(margin.locator("svg[role=img] polyline")).to_have_count(2)
    written = page.locator("#prefer-answers .panel")
    expect(written.first).to_contain_text("before")
    assert written.count() >= 2
    page.click("#prefer-ask")
    for which in ("before", "after"):
        expect(page.locator(f"#prefer-{which} textarea")).not_to_have_value("", timeout=_SLOW)
    expect_accessible(page)

    page.set_viewport_size(PHONE)
    expect(margin.locator("svg[role=img]")).to_be_visible()
    expect_accessible(page)
    for lang in ("de", "fr", "it"):
        switch(page, lang)
        expect(curves).to_contain_text(text(lang, "prefer.margin_about"))
        expect(state).to_contain_text(text(lang, "scratch.state_finished"))
        assert not left_in_english(page, "prefer", lang)
