"""Two answers in the chat: one goes on, the choice becomes a file, and in the hub the Align tab has it."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import desktop_only, expect_accessible, open_tab, visit


@desktop_only
def test_a_choice_goes_on_is_saved_and_reaches_align(browser: Browser, hub_url: str, viewport: dict[str, int]) -> None:
    with visit(
        browser, f"{hub_url}/chat?tab=chat&max_new_tokens=12&temperature=1", viewport, "#chat-message textarea"
    ) as page:
        page.locator("#chat-two input").check()
        page.fill("#chat-message textarea", "Who are you?")
        page.click("#chat-send")
        better = page.locator("#chat-better-b")
        expect(better).to_be_enabled(timeout=120_000)
        expect_accessible(page)
        said = [page.locator(f"#chat-{side} textarea").input_value().strip() for side in ("a", "b")]
        better.click()
        expect(page.locator("#chat .bot.message")).to_have_count(1)
        expect(page.locator("#chat-choice")).not_to_be_visible()
        expect(page.locator("#chat-choices")).to_contain_text("Choices kept in this browser: 1")
        with page.expect_download() as download:
            page.click("#chat-save-choices")
        (line,) = Path(download.value.path()).read_text("utf-8").splitlines()
        kept = json.loads(line)
        assert kept["question"] == "Who are you?" and [kept["rejected"], kept["chosen"]] == said
        page.goto(f"{hub_url}/train", wait_until="load")
        page.wait_for_selector("#scratch-corpus .figures")
        open_tab(page, "prefer")
        expect(page.locator("#prefer-pairs")).to_contain_text("Choices so far: 1")
