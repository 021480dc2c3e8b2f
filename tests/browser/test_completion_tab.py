"""The Prompt → completion tab, clicked through on a desktop and on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import desktop_only, open_tab

CHOSEN = re.compile("chosen")


def _complete(page: Page, prompt: str) -> None:
    open_tab(page, "completion")
    page.fill("#completion-prompt textarea", prompt)
    page.click("#completion-go")
    expect(page.locator("#completion-chart table.bars")).to_be_visible(timeout=90_000)


@desktop_only
def test_tokens_alternatives_and_branches(page: Page) -> None:
    _complete(page, "The capital of France is")
    made = page.locator("#completion-text .idea-completion")
    assert made.count() >= 5
    before = made.all_inner_texts()
    assert page.locator("#completion-text .idea-prompt").all_inner_texts()[-1] == "·is"

    made.nth(1).click()
    chart = page.locator("#completion-chart")
    expect(chart.locator("tr.selected")).to_contain_text(CHOSEN)
    expect(chart.locator("caption")).to_contain_text("could have stood")

    other = chart.locator("tr:not(.selected) button").first
    wanted = other.inner_text()
    other.click()
    expect(page.locator("#completion-branches input")).to_have_count(2, timeout=60_000)
    expect(made.nth(1)).to_have_text(wanted)
    expect(made.nth(0)).to_have_text(before[0])
    expect(chart.locator("caption")).to_contain_text("What could come next", timeout=60_000)

    page.locator("#completion-branches label").first.click()  # the first branch was kept as it was
    expect(made).to_have_text(before)


@desktop_only
def test_one_token_at_a_time(page: Page) -> None:
    open_tab(page, "completion")
    page.fill("#completion-prompt textarea", "One, two, three,")
    for count in (1, 2):
        page.click("#completion-one")
        expect(page.locator("#completion-text .idea-completion")).to_have_count(count, timeout=60_000)
        expect(page.locator("#completion-chart table.bars")).to_be_visible(timeout=60_000)


@desktop_only
def test_markup_stays_text(page: Page) -> None:
    _complete(page, "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">")
    assert page.title() != "broken"
    assert page.locator("#completion-text script, #completion-text img").count() == 0
