"""What the Tokens tab does: cut a text with several tokenizers, compare four languages, and work out a cost.

The layout is tokens_tab.py. Both views are drawn anew at every key a visitor presses, so nothing here waits long: a
tokenizer that is still being read or fetched has a panel that says so, and the page asks again until it is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from html import escape
from typing import Any

import gradio as gr
from chat_page import check_length

from common import catalog, errors
from common.catalog import Model
from common.config import LANGUAGES, settings
from common.text import vocabularies
from common.text.tokens import Piece, Tokenizer, Tokens, count, encode
from common.ui.components import Chip, chips_html, figures_html
from common.ui.fields import Number, Several, Text
from common.ui.i18n import error_text, number, text
from common.ui.plots import Row, grouped_bars_html

MODELS = catalog.with_task("tokenizer")
TOKENIZERS = Several("tokenizers", ("smollm2", "english-8k", "european-8k"), tuple(model.id for model in MODELS))
TEXT = Text("text", "Strawberries cost 12.50 today – unbelievable! 🍓", settings().max_prompt_chars)
PRICE = Number("price", 1.0, 0, 1_000_000, 0.01)
REQUESTS = Number("requests", 100_000, 1, 10**9)
NATIVE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "it": "Italiano"}
EXAMPLES = ("letters", "numbers", "emoji", "space", "long", "scripts")
TOPICS = ("train", "shopping", "weather", "health", "contract", "school")
ALL_TOPICS = "all"

# More chips than this make a phone slow and teach nothing new; the figures count everything.
_DRAWN, _DRAWN_IN_ALL = 600, 2400
# What is read from this machine is here within this time; what is fetched is asked for again by the timer.
_PATIENCE_SECONDS = 0.4
_SHADES = (0.1, 0.45)
# Control characters have pictures in Unicode; line ends and tabs get their signs from the chips themselves.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"} | {127: 0x2421}
_MILLION = 1_000_000


def title(lang: str, model: Model) -> str:
    """A tokenizer's name on the page; names that are words follow the language."""
    words = {"english-8k", "european-8k", "characters", "bytes"}
    return text(lang, f"tokens.name_{_key(model)}") if model.id in words else model.title


def choices(lang: str) -> list[tuple[str, str]]:
    """All tokenizers to choose from; those that are not on this machine say so."""
    return [
        (
            title(lang, model) if catalog.is_local(model) else text(lang, "tokens.on_hub", title=title(lang, model)),
            model.id,
        )
        for model in MODELS
    ]


def sentence(lang: str, topic: str) -> str:
    """The sentence about a topic in a language, or all of them as one text."""
    if topic == ALL_TOPICS:
        return " ".join(sentence(lang, one) for one in TOPICS)
    return text(lang, f"tokens.sentence_{topic}")


async def look(lang: str, typed: str, chosen: Any) -> tuple[str, Any]:
    """The text in the tokens of every chosen tokenizer; and whether to ask again soon."""
    found = await _tokenizers(TOKENIZERS.check(chosen))
    typed = TEXT.check(typed or "")
    waiting = any(isinstance(result, Future) for result in found.values())
    if not found or not typed:
        hint = text(lang, "tokens.choose" if typed else "tokens.empty")
        return f'<p class="quiet">{escape(hint)}</p>', gr.Timer(active=False)
    drawn = min(_DRAWN, _DRAWN_IN_ALL // len(found))
    panels = []
    for model, result in found.items():
        if isinstance(result, Future):
            body = f'<p class="quiet">{escape(_waiting(lang, model))}</p>'
        elif isinstance(result, errors.DemystifyError):
            body = f'<p class="problem">{escape(error_text(lang, result))}</p>'
        else:
            body = _cut(lang, result, await asyncio.to_thread(encode, result, typed), drawn)
        head = f"<h3>{escape(title(lang, model))}</h3>"
        about = f'<p class="quiet">{escape(text(lang, f"tokens.about_{_key(model)}"))}</p>'
        panels.append(f'<section class="tokenizer" data-tokenizer="{escape(model.id)}">{head}{about}{body}</section>')
    return _note(lang, typed) + f'<div class="tokenizers">{"".join(panels)}</div>', gr.Timer(active=waiting)


async def compare(lang: str, chosen: Any, *rest: Any) -> tuple[str, Any]:
    """The same text in four languages: tokens, times English, and cost, for every chosen tokenizer.

    ``rest`` is the four texts in the order of LANGUAGES, the price of a million tokens, and the number of requests.
    """
    *texts, price, requests = rest
    checked = {
        code: Text(code, "", TEXT.max_length).check(typed or "") for code, typed in zip(LANGUAGES, texts, strict=True)
    }
    found = await _tokenizers(TOKENIZERS.check(chosen))
    ready = {model: result for model, result in found.items() if not isinstance(result, Future | errors.DemystifyError)}
    waiting = gr.Timer(active=any(isinstance(result, Future) for result in found.values()))
    problem, per_token, times = "", 0.0, 0
    try:
        per_token, times = PRICE.real(price) / _MILLION, REQUESTS.whole(requests)
    except errors.InvalidInput as found_problem:  # said beside the figures: while typing, a box is empty for a moment
        problem = f'<p class="problem">{escape(error_text(lang, found_problem))}</p>'
    groups = {}
    for model, tokenizer in ready.items():
        counts = {code: await asyncio.to_thread(count, tokenizer, typed) for code, typed in checked.items()}
        groups[title(lang, model)] = [
            Row(
                NATIVE_NAMES[code],
                tokens,
                (
                    number(lang, tokens),
                    _times_english(lang, tokens, counts["en"]),
                    "–" if problem else _money(lang, tokens * per_token * times),
                ),
            )
            for code, tokens in counts.items()
        ]
    if not groups:  # why a chosen one is not here is said in its panel
        return problem if found else f'<p class="quiet">{escape(text(lang, "tokens.choose"))}</p>', waiting
    headings = [text(lang, f"tokens.column_{name}") for name in ("language", "bar", "tokens", "ratio", "cost")]
    table = grouped_bars_html(groups, caption=text(lang, "tokens.caption"), headings=headings)
    return problem + table, waiting


async def api(text: str, tokenizer: str = "smollm2") -> dict[str, Any]:
    """Cut a text into tokens.

    Args:
        text: any text.
        tokenizer: id of a tokenizer in the catalogue, such as "smollm2", "european-8k", "characters", "gpt2".

    Returns:
        count: the number of tokens; ids: their numbers; pieces: their texts (bytes that are only a part of a character
        as ⟨F09F⟩); spans: [start, end] of each in the bytes of the text; characters, bytes, words: of the text.
    """
    if not isinstance(text, str):
        raise errors.EmptyPrompt()
    loaded = await asyncio.wrap_future(vocabularies.ask(str(tokenizer)))
    tokens = await asyncio.to_thread(encode, loaded, check_length(text))
    return {
        "count": tokens.count,
        "ids": [piece.id for piece in tokens.pieces],
        "pieces": [piece.label for piece in tokens.pieces],
        "spans": [[piece.start, piece.end] for piece in tokens.pieces],
        "characters": tokens.characters,
        "bytes": tokens.bytes,
        "words": tokens.words,
    }


def legend(lang: str) -> str:
    """What the colours of the chips mean."""
    chips = []
    for name, classes in (("whole", "idea-prompt"), ("part", "idea-completion"), ("special", "idea-prompt special")):
        label = escape(text(lang, f"tokens.legend_{name}"))
        chips.append(f'<span class="chip {classes}">{label}</span>')
    return f'<div class="legend">{"".join(chips)}<span>{escape(text(lang, "tokens.legend_rest"))}</span></div>'


async def _tokenizers(names: Sequence[str]) -> dict[Model, Tokenizer | errors.DemystifyError | Future[Tokenizer]]:
    """Each chosen tokenizer, or why it cannot be had, or the future it is still in."""
    asked = {vocabularies.find(name): vocabularies.ask(name) for name in names}
    if asked:
        await asyncio.wait([asyncio.wrap_future(future) for future in asked.values()], timeout=_PATIENCE_SECONDS)
    found: dict[Model, Tokenizer | errors.DemystifyError | Future[Tokenizer]] = {}
    for model, future in asked.items():
        if not future.done():
            found[model] = future
            continue
        problem = future.exception()
        if problem is not None and not isinstance(problem, errors.DemystifyError):
            raise problem
        found[model] = future.result() if problem is None else problem
    return found


def _waiting(lang: str, model: Model) -> str:
    if model.where == "hub":
        return text(lang, "tokens.fetching", size=number(lang, model.size_mb))
    return text(lang, "tokens.reading")


def _cut(lang: str, tokenizer: Tokenizer, tokens: Tokens, drawn: int) -> str:
    """The body of a panel: key figures and chips."""
    figures = [
        (number(lang, tokens.count), text(lang, "tokens.count")),
        (number(lang, tokens.characters_per_token, 2), text(lang, "tokens.characters_per_token")),
    ]
    if tokens.words:
        figures.append((number(lang, tokens.tokens_per_word, 2), text(lang, "tokens.tokens_per_word")))
    figures.append((number(lang, tokenizer.size), text(lang, "tokens.size")))
    chips = [_chip(piece, _SHADES[place % 2]) for place, piece in enumerate(tokens.pieces[:drawn])]
    notes = []
    if tokens.count > drawn:
        notes.append(text(lang, "tokens.capped", shown=number(lang, drawn), count=number(lang, tokens.count)))
    if tokens.split_characters:
        notes.append(text(lang, "tokens.split", n=number(lang, tokens.split_characters)))
    return (
        figures_html(figures)
        + chips_html(chips, clickable=False)
        + "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
    )


def _chip(piece: Piece, shade: float) -> Chip:
    hexes = " ".join(f"{byte:02X}" for byte in piece.token[:16]) + (" …" if len(piece.token) > 16 else "")
    return Chip(
        label=piece.label.translate(_CONTROLS),
        note=str(piece.id),
        heat=shade,
        title=f"{piece.id} · {hexes}",
        special=piece.special,
        kind="completion" if piece.splits else "prompt",
    )


def _note(lang: str, typed: str) -> str:
    """What to look at, when the text is one of ours in any language; so a shared link says it too."""
    for name in EXAMPLES:
        if any(typed == text(code, f"tokens.example_{name}") for code in LANGUAGES):
            return f'<p class="note">{escape(text(lang, f"tokens.note_{name}"))}</p>'
    return ""


def _times_english(lang: str, tokens: int, english: int) -> str:
    return number(lang, tokens / english, 2) if english else "–"


def _money(lang: str, amount: float) -> str:
    """With as many digits as a small amount needs."""
    return number(lang, amount, 2 if amount >= 1 or amount == 0 else 4)


def _key(model: Model) -> str:
    """A catalogue id as part of a text's key."""
    return model.id.replace("-", "_")
