"""The Tokens tab, used as a visitor would, on a desktop and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from common.config import LANGUAGES
from common.text.tokens import count, encode
from common.text.vocabularies import load
from common.ui.i18n import text
from tests.browser.conftest import desktop_only, open_tab

DEFAULT = ("smollm2", "english-8k", "european-8k")


@pytest.fixture
def tokens(page: Page) -> Page:
    """The tab, opened and drawn for the first time."""
    open_tab(page, "tokens")
    for name in DEFAULT:
        expect(_panel(page, name).locator(".chip").first).to_be_visible(timeout=60_000)
    expect(_rows(page)).to_have_count(12)
    return page


def _panel(page: Page, name: str) -> Locator:
    return page.locator(f'#tokens-panels [data-tokenizer="{name}"]')


def _rows(page: Page) -> Locator:
    return page.locator("#tokens-languages tr:not(.group):has(td)")


def _type(page: Page, where: str, value: str) -> None:
    page.locator(f"{where} textarea, {where} input").first.fill(value)


def _choose(page: Page, label: str) -> None:
    page.locator("#tokens-which label").filter(has_text=re.compile(rf"^\s*{label}\b")).click()


@desktop_only
def test_the_text_is_shown_in_the_tokens_of_three_tokenizers(tokens: Page) -> None:
    typed = tokens.locator("#tokens-text textarea").input_value()
    for name in DEFAULT:
        expected = encode(load(name), typed)
        chips = _panel(tokens, name).locator(".chip")
        expect(chips).to_have_count(expected.count)
        assert chips.locator("small").all_inner_texts() == [str(piece.id) for piece in expected.pieces]
        expect(_panel(tokens, name).locator(".figures")).to_contain_text(f"{expected.count}")
    expect(tokens.locator("#tokens-panels .idea-completion").first).to_contain_text("⟨")


@desktop_only
def test_every_key_is_answered_and_the_last_text_wins(tokens: Page) -> None:
    box = tokens.locator("#tokens-text textarea")
    box.fill("")
    expect(tokens.locator("#tokens-panels")).to_have_text(text("en", "tokens.empty"))
    box.press_sequentially("Unbelievable strawberries", delay=15)
    for name in DEFAULT:
        expected = [str(token_id) for token_id in load(name).ids("Unbelievable strawberries")]
        expect(_panel(tokens, name).locator(".chip small")).to_have_text(expected)


@desktop_only
def test_an_example_says_what_to_look_at(tokens: Page) -> None:
    tokens.click("#tokens-emoji")
    expect(tokens.locator("#tokens-panels .note")).to_have_text(text("en", "tokens.note_emoji"))
    expect(_panel(tokens, "smollm2")).to_contain_text("Characters spread over several tokens: 5")
    _type(tokens, "#tokens-text", "Something else")
    expect(tokens.locator("#tokens-panels .note")).to_have_count(0)


@desktop_only
def test_characters_can_be_added_and_markup_stays_text(tokens: Page) -> None:
    _type(tokens, "#tokens-text", "<img src=x onerror=\"document.title='broken'\">")
    _choose(tokens, "Characters")
    expect(_panel(tokens, "characters").locator(".chip").nth(1)).to_contain_text("i")
    assert tokens.locator("#tokens-panels img").count() == 0
    assert tokens.title() != "broken"


@desktop_only
def test_a_tokenizer_of_the_hub_fails_alone(tokens: Page) -> None:
    _choose(tokens, "GPT-2")
    expect(_panel(tokens, "gpt2").locator(".problem")).to_contain_text("the model hub cannot be reached")
    expect(_panel(tokens, "gpt2").locator(".chip")).to_have_count(0)
    for name in DEFAULT:
        expect(_panel(tokens, name).locator(".chip").first).to_be_visible()
    expect(_rows(tokens)).to_have_count(12)


@desktop_only
def test_four_languages_their_tokens_and_their_cost(tokens: Page) -> None:
    tokens.click("#tokens-topic-contract")
    sentences = [text(code, "tokens.sentence_contract") for code in LANGUAGES]
    for code, sentence in zip(LANGUAGES, sentences, strict=True):
        expect(tokens.locator(f"#tokens-{code} textarea")).to_have_value(sentence)
    _type(tokens, "#tokens-price", "2")
    _type(tokens, "#tokens-requests", "500000")  # so that a token costs 1
    counts = [count(load(name), sentence) for name in DEFAULT for sentence in sentences]
    expect(_rows(tokens).locator("td:last-child")).to_have_text([f"{tokens_:,}.00" for tokens_ in counts])
    german = _rows(tokens).nth(5)
    expect(german).to_contain_text("Deutsch")
    expect(german).to_contain_text(f"{counts[5] / counts[4]:.2f}")

    _type(tokens, "#tokens-de", "Ja")  # a visitor's own text
    expect(german.locator("td").nth(1)).to_have_text(str(count(load("english-8k"), "Ja")))


@desktop_only
def test_a_price_that_is_none_is_said_and_the_counts_stay(tokens: Page) -> None:
    _type(tokens, "#tokens-price", "-3")
    expect(tokens.locator("#tokens-languages .problem")).to_contain_text("Price")
    expect(_rows(tokens).locator("td:last-child")).to_have_text(["–"] * 12)
    _type(tokens, "#tokens-price", "3")
    expect(tokens.locator("#tokens-languages .problem")).to_have_count(0)
    expect(_rows(tokens).locator("td:last-child").first).to_have_text(re.compile(r"^\d+\.\d\d$"))


@desktop_only
def test_a_link_brings_back_what_was_on_screen(tokens: Page) -> None:
    _type(tokens, "#tokens-text", "Grüezi & 100 % = alles?")
    _choose(tokens, "European 8k")
    _choose(tokens, "UTF-8 bytes")
    _type(tokens, "#tokens-it", "Buongiorno")
    _type(tokens, "#tokens-price", "0.25")
    expect(_panel(tokens, "bytes").locator(".chip").first).to_be_visible()
    tokens.click("#tokens-link")
    tokens.wait_for_url(re.compile("tokenizers="))
    tokens.goto(tokens.url, wait_until="load")
    expect(tokens.locator("#tokens-text textarea")).to_have_value("Grüezi & 100 % = alles?")
    expect(tokens.locator("#tokens-it textarea")).to_have_value("Buongiorno")
    expect(tokens.locator("#tokens-price input")).to_have_value("0.25")
    expected = [str(byte) for byte in "Grüezi & 100 % = alles?".encode()]
    expect(_panel(tokens, "bytes").locator(".chip small")).to_have_text(expected)
    expect(_panel(tokens, "european-8k")).to_have_count(0)
    expect(_rows(tokens).nth(3).locator("td").nth(1)).to_have_text(str(count(load("smollm2"), "Buongiorno")))


@desktop_only
def test_the_choice_stays_when_the_language_changes(tokens: Page) -> None:
    _choose(tokens, "Characters")
    _choose(tokens, "English 8k")
    expect(_panel(tokens, "characters").locator(".chip").first).to_be_visible()
    tokens.locator("#language label").filter(has_text="DE").click()
    expect(_panel(tokens, "characters").locator("h3")).to_have_text("Zeichen")
    expect(_panel(tokens, "european-8k")).to_contain_text("Zeichen pro Token")
    expect(_panel(tokens, "english-8k")).to_have_count(0)
    expect(tokens.locator("#tokens-which label").nth(1)).to_contain_text("Englisch 8k")
    expect(tokens.locator("#tokens-languages caption")).to_have_text(text("de", "tokens.caption"))
