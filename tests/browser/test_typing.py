"""What a visitor types stays: also when they type at once in a box that an accordion has just shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only, open_tab, phone_only

# Opens an accordion and types into a box in it in the very moment in which the box is there.
_TYPE_AT_ONCE = """([accordion, box]) => new Promise((done) => {
  document.querySelector(`#${accordion} > button`).click();
  const type = () => {
    const place = document.querySelector(`#${box} textarea`);
    if (!place) return setTimeout(type, 0);
    place.value = 'Mine: {text}';
    place.dispatchEvent(new Event('input', {bubbles: true}));
    setTimeout(() => done(place.value), 1500);
  };
  type();
})"""


@desktop_only
@pytest.mark.parametrize(
    ("tab", "accordion", "box"),
    [
        ("essay", "essay-prompts", "essay-section_prompt"),
        ("summary", "summary-prompts-box", "summary-summary_prompt"),
        ("summary", "summary-shots-box", "summary-shot_document"),
    ],
)
def test_what_is_typed_at_once_stays(page: Page, tab: str, accordion: str, box: str) -> None:
    open_tab(page, tab)
    expect(page.locator(f"#{accordion}")).to_be_visible()
    page.wait_for_timeout(500)  # the tab's own boxes are set once when it opens
    expect(page.locator(f"#{box} textarea")).to_be_hidden()
    assert page.evaluate(_TYPE_AT_ONCE, [accordion, box]) == "Mine: {text}"
    expect(page.locator(f"#{box} textarea")).to_be_visible()


@phone_only
def test_a_prompt_is_shown_whole(page: Page) -> None:
    """A box that was made while its accordion was closed is as high as its text."""
    open_tab(page, "essay")
    page.click("#essay-prompts > button")
    box = page.locator("#essay-outline_prompt textarea")
    expect(box).to_be_visible()
    assert box.evaluate("(box) => box.clientHeight > 60 && box.scrollHeight - box.clientHeight < 4")
