"""The Tokens tab without a browser: what its handlers draw, and its API as a program meets it."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from common import catalog
from common.config import LANGUAGES, settings
from common.text import vocabularies
from common.text.models import TextModels
from common.text.tokens import count, encode
from common.text.vocabularies import load
from common.ui.i18n import number, text, texts
from common.ui.page import page_frame

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

import tokens_handlers as handlers
import tokens_tab
from chat_page import ChatPage

DEFAULT = list(handlers.TOKENIZERS.default)
SENTENCES = [handlers.sentence(code, "train") for code in LANGUAGES]
LONG = "word and 12 things, naïve 🙂 " * 200


def _look(lang: str, typed: str, chosen: Any) -> tuple[dict[str, str], Any, str]:
    """The panels by tokenizer, whether the page will ask again, and all of the HTML."""
    for name in chosen:
        if catalog.is_local(vocabularies.find(name)):
            load(name)
    html, timer = asyncio.run(handlers.look(lang, typed, chosen))
    panels = re.findall(r'<section class="tokenizer" data-tokenizer="([^"]+)">(.*?)</section>', html, re.DOTALL)
    return dict(panels), timer.active, html


def _compare(lang: str, chosen: list[str], *rest: Any) -> str:
    for name in chosen:
        load(name)
    html, timer = asyncio.run(handlers.compare(lang, chosen, *rest))
    assert not timer.active
    return str(html)


def _chips(panel: str) -> list[tuple[str, str]]:
    """(label, number) of every chip."""
    found = re.findall(r'<span class="chip[^>]*>(.*?)<small>(\d+)</small></span>', panel, re.DOTALL)
    return [(unescape(label), token_id) for label, token_id in found]


def _rows(html: str) -> list[list[str]]:
    """Language, tokens, ratio, cost of every row of the table."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>.*?</td>(.*?)</tr>', html)
    return [[name, *re.findall(r'<td class="value">(.*?)</td>', cells)] for name, cells in rows]


@pytest.mark.parametrize("typed", [handlers.TEXT.default, "a\n\nb\t<|im_end|>", "🙂", LONG])
def test_chips_and_figures_are_the_tokens(typed: str) -> None:
    panels, again, html = _look("en", typed, DEFAULT)
    assert list(panels) == DEFAULT and not again
    for name, panel in panels.items():
        tokens = encode(load(name), typed)
        drawn = tokens.pieces[:600]
        assert [token_id for _, token_id in _chips(panel)] == [str(piece.id) for piece in drawn]
        assert f"<b>{number('en', tokens.count)}</b><span>tokens</span>" in panel
        assert f"<b>{number('en', tokens.characters_per_token, 2)}</b>" in panel
        capped = text("en", "tokens.capped", shown=600, count=number("en", tokens.count))
        assert (capped in panel) == (tokens.count > 600)
        assert ("idea-completion" in panel) == any(piece.splits for piece in drawn)
    assert html.count("<section") == 3


def test_neighbours_have_different_shades() -> None:
    panels, _, _ = _look("en", "one two three", ["smollm2"])
    shades = re.findall(r"--heat:(\d+)%", panels["smollm2"])
    assert len(shades) == 3 and shades[0] != shades[1] != shades[2]


def test_many_tokenizers_draw_fewer_chips_each() -> None:
    chosen = ["smollm2", "english-8k", "european-8k", "characters", "bytes"]
    panels, _, _ = _look("en", LONG, chosen)
    assert all(len(_chips(panel)) == 2400 // 5 for panel in panels.values())


def test_invisible_characters_are_seen_and_markup_stays_text() -> None:
    panels, _, html = _look("en", "<img src=x onerror=alert(1)>\x00 \x07", ["characters"])
    assert "<img" not in html
    labels = [label for label, _ in _chips(panels["characters"])]
    assert labels[-3:] == ["␀", "·", "␇"]


def test_nothing_to_show_says_what_to_do() -> None:
    assert text("fr", "tokens.empty") in _look("fr", "", DEFAULT)[2]
    assert text("fr", "tokens.choose") in _look("fr", "Bonjour", [])[2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_tokenizer_that_cannot_be_had_has_its_own_sentence(lang: str) -> None:
    panels, again, _ = _look(lang, "Hallo", ["smollm2", "gpt2"])
    while again:
        panels, again, _ = _look(lang, "Hallo", ["smollm2", "gpt2"])
    assert _chips(panels["smollm2"])
    assert not _chips(panels["gpt2"]) and 'class="problem"' in panels["gpt2"]
    assert text(lang, "phrase.hub_unreachable") in unescape(panels["gpt2"])
    html, _ = asyncio.run(handlers.compare(lang, ["smollm2", "gpt2"], *SENTENCES, 1, 1))
    assert len(_rows(html)) == 4  # the table is of those that are here


def test_what_is_on_its_way_says_so_and_then_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = vocabularies._Loading()
    monkeypatch.setitem(vocabularies._loading, "gpt-oss", loading)
    panels, again, _ = _look("en", "Hello", ["gpt-oss", "bytes"])
    assert again and "28 MB" in panels["gpt-oss"] and _chips(panels["bytes"])
    loading.result.set_result(load("english-8k"))
    panels, again, _ = _look("en", "Hello", ["gpt-oss", "bytes"])
    assert not again and _chips(panels["gpt-oss"])


def test_a_visitor_who_leaves_does_not_stop_a_fetch_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "_loading", {})

    async def leave() -> None:
        waiting = asyncio.create_task(handlers.api("Hello", "smollm2"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(leave())
    assert load("smollm2").size == 49_152


@pytest.mark.parametrize("name", handlers.EXAMPLES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_example_says_what_to_look_at_in_the_readers_language(name: str, lang: str) -> None:
    for code in LANGUAGES:
        html = unescape(_look(lang, text(code, f"tokens.example_{name}"), ["bytes"])[2])
        assert text(lang, f"tokens.note_{name}") in html
    assert text(lang, f"tokens.note_{name}") not in unescape(_look(lang, "my own", ["bytes"])[2])


def test_the_examples_show_what_they_say() -> None:
    letters = encode(load("smollm2"), text("en", "tokens.example_letters"))
    assert " strawberry" in [piece.label for piece in letters.pieces]
    numbers = text("en", "tokens.example_numbers")
    digits = [piece.label for piece in encode(load("smollm2"), numbers).pieces if piece.label.strip().isdigit()]
    assert digits == [sign for sign in numbers if sign.isdigit()]
    packed = [piece.label.strip() for piece in encode(load("english-8k"), numbers).pieces]
    assert any(len(label) > 1 and label.isdigit() for label in packed)
    assert encode(load("smollm2"), text("en", "tokens.example_emoji")).split_characters > 3
    apples = load("smollm2").ids(text("en", "tokens.example_space"))
    assert len(set(apples)) == len(apples) > 4
    parts = text("en", "tokens.example_scripts").split(", ")
    hello, *_, hindi, japanese = (count(load("english-8k"), part) for part in parts)
    assert min(hindi, japanese) >= 4 * hello


def test_the_table_is_the_counts_their_ratio_and_the_cost() -> None:
    html = _compare("de", DEFAULT, *SENTENCES, 2.5, 400_000)
    rows = iter(_rows(html))
    for name in DEFAULT:
        counts = [count(load(name), sentence) for sentence in SENTENCES]
        for code, tokens, (language, shown, ratio, cost) in zip(LANGUAGES, counts, rows, strict=False):
            assert language == handlers.NATIVE_NAMES[code]
            assert shown == number("de", tokens) and ratio == number("de", tokens / counts[0], 2)
            assert cost == number("de", tokens * 400_000 * 2.5 / 1_000_000, 2)  # a token costs 1 in all
    assert html.count('scope="rowgroup"') == 3 and "Englisch 8k" in html


def test_small_costs_keep_their_digits_and_free_is_zero() -> None:
    tokens = count(load("bytes"), SENTENCES[0])
    assert _rows(_compare("en", ["bytes"], *SENTENCES, 0.5, 1000))[0][-1] == f"{tokens * 1000 * 0.5 / 1e6:.4f}"
    assert _rows(_compare("en", ["bytes"], *SENTENCES, 0, 1000))[0][-1] == "0.00"


@pytest.mark.parametrize(("price", "requests"), [(-1, 100), (None, 100), (1, 0), (1, 2.5), ("much", 1), (1, None)])
def test_a_price_that_is_none_is_said_beside_the_figures(price: Any, requests: Any) -> None:
    html = _compare("it", ["bytes"], *SENTENCES, price, requests)
    field = "price" if requests == 100 or price == "much" else "requests"
    assert 'class="problem"' in html and text("it", f"field.{field}") in unescape(html)
    assert [row[-1] for row in _rows(html)] == ["–"] * 4
    assert _rows(html)[0][1] == number("it", count(load("bytes"), SENTENCES[0]))


def test_without_an_english_text_there_is_no_ratio() -> None:
    html = _compare("en", ["bytes"], "", *SENTENCES[1:], 1, 1)
    assert [row[2] for row in _rows(html)] == ["–"] * 4
    assert next(row[1] for row in _rows(html)) == "0"


def test_without_a_tokenizer_the_table_says_what_to_do() -> None:
    assert text("de", "tokens.choose") in _compare("de", [], *SENTENCES, 1, 1)
    while not vocabularies.ask("gpt2").done():
        time.sleep(0.05)
    html, timer = asyncio.run(handlers.compare("de", ["gpt2"], *SENTENCES, 1, 1))
    assert (html, timer.active) == ("", False)  # one was chosen; its panel says why it is not here


def test_every_tokenizer_and_topic_has_its_texts() -> None:
    for lang in LANGUAGES:
        for model in handlers.MODELS:
            assert texts(lang)[f"tokens.about_{model.id.replace('-', '_')}"]
        for topic in handlers.TOPICS:
            assert handlers.sentence(lang, topic) in handlers.sentence(lang, handlers.ALL_TOPICS)
        labels = {value: label for label, value in handlers.choices(lang)}
        assert labels["gpt2"] == text(lang, "tokens.on_hub", title="GPT-2") and "hub" not in labels["bytes"].lower()


def test_the_claim_of_the_reveal() -> None:
    """“About twice” and “about a fifth more”, on all our sentences together."""
    all_of_it = {code: handlers.sentence(code, handlers.ALL_TOPICS) for code in ("en", "de")}
    ratio = {name: count(load(name), all_of_it["de"]) / count(load(name), all_of_it["en"]) for name in DEFAULT}
    assert 1.8 < ratio["english-8k"] < 2.4
    assert 1.0 < ratio["european-8k"] < 1.35


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with page_frame("chat") as frame:
        tokens_tab.build(ChatPage(frame.demo, frame.words, frame.lang, frame.arrival, frame.redraws, TextModels()))
    _, url, _ = frame.demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield Client(url, verbose=False)
    frame.demo.close()


@pytest.mark.parametrize("name", ["smollm2", "european-8k", "characters", "bytes"])
def test_the_api_gives_numbers_pieces_and_places(client: Client, name: str) -> None:
    typed = "Grüezi, 2026 🙂!"
    answer = client.predict(typed, name, api_name="/tokens")
    tokens = encode(load(name), typed)
    assert answer["ids"] == [piece.id for piece in tokens.pieces]
    assert answer["pieces"] == [piece.label for piece in tokens.pieces]
    assert b"".join(typed.encode()[start:end] for start, end in answer["spans"]).decode() == typed
    assert (answer["count"], answer["characters"], answer["bytes"], answer["words"]) == (
        tokens.count,
        len(typed),
        len(typed.encode()),
        2,
    )


def test_the_apis_tokenizer_is_that_of_the_embedded_model_if_none_is_named(client: Client) -> None:
    assert client.predict("Hello", api_name="/tokens")["ids"] == load("smollm2").ids("Hello")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", "smollm2"), "type something first"),
        (("Hi", "nonsense"), "european-8k"),
        (("Hi", "../models"), "european-8k"),
        (("Hi", "gpt2"), "model hub cannot be reached"),
        (("word " * 10_000, "smollm2"), str(settings().max_prompt_chars)[:2]),
    ],
)
def test_nonsense_gets_a_sentence(client: Client, arguments: tuple[str, str], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name="/tokens")
