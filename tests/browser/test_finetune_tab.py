"""The Fine-tune tab as a visitor meets it: examples of one's own, a short run, answers before and after."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible, open_tab


@desktop_only
def test_examples_methods_and_their_size(train_page: Page) -> None:
    page = train_page
    open_tab(page, "finetune")
    numbers = page.locator("#finetune-numbers")
    expect(numbers).to_contain_text("2.44 M")
    page.get_by_text(text("en", "finetune.method_dora")).click()
    expect(numbers).to_contain_text("2.60 M")
    page.fill("#finetune-rank input[type=number]", "16")
    page.keyboard.press("Tab")
    expect(numbers).to_contain_text("5.04 M")
    expect(page.locator("#finetune-examples")).to_contain_text(re.compile("Byte|matey|Arr|Avast|Ahoy"))
    expect_accessible(page)
    page.locator("#finetune-own button").first.click()
    page.fill("#finetune-asked textarea", "Who are you?")
    page.fill("#finetune-said textarea", "I am the lighthouse.")
    page.click("#finetune-add")
    expect(page.locator("#finetune-count")).to_contain_text("1")
    expect(page.locator("#finetune-asked textarea")).to_have_value("")
    expect_accessible(page)  # with the form for examples of one's own open
    for lang in ("de", "fr", "it"):
        page.locator("#language label").filter(has_text=lang.upper()).click()
        expect(page.locator("#finetune-go")).to_have_text(text(lang, "finetune.go"))


@desktop_only
def test_a_run_can_be_left_stopped_and_deleted(train_page: Page) -> None:
    page = train_page
    open_tab(page, "finetune")
    page.click("#finetune-go")
    state = page.locator("#finetune-state")
    expect(state).to_contain_text("A friendly pirate 1", timeout=90_000)
    page.reload()
    open_tab(page, "finetune")
    expect(state).to_contain_text("A friendly pirate 1", timeout=30_000)
    page.click("#finetune-delete")
    expect(state).to_contain_text(text("en", "scratch.no_run"))


@desktop_only
def test_a_run_comes_to_its_end_answers_and_can_be_taken_away(train_page: Page) -> None:
    page = train_page
    open_tab(page, "finetune")
    page.fill("#finetune-minutes input[type=number]", "1")
    page.keyboard.press("Tab")
    page.click("#finetune-go")
    state, answers = page.locator("#finetune-state"), page.locator("#finetune-answers")
    expect(state).to_contain_text(text("en", "scratch.state_finished"), timeout=180_000)
    cards = answers.locator(".panel")
    expect(cards.first).to_contain_text("before, loss")
    losses = [
        float(card.split("loss ")[1].split(",")[0].split(" ")[0]) for card in cards.locator("h4").all_inner_texts()
    ]
    assert len(losses) >= 3 and losses[-1] < losses[0]
    page.click("#finetune-ask")
    for which in ("before", "after"):
        expect(page.locator(f"#finetune-{which} textarea")).not_to_have_value("", timeout=120_000)
    page.click("#finetune-download")
    expect(page.locator("#finetune-file")).to_contain_text("a-friendly-pirate", timeout=60_000)
    expect_accessible(page)
    page.click("#finetune-push")
    expect(page.get_by_text(re.compile("hf auth login")).first).to_be_visible()
    page.click("#finetune-delete")
    expect(state).to_contain_text(text("en", "scratch.no_run"))
