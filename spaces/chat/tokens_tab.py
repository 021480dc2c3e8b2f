"""The Tokens tab: its layout, and which event sets off which handler. What they do is in tokens_handlers.py."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import gradio as gr
import tokens_handlers as handlers
from chat_page import ChatPage
from tokens_handlers import ALL_TOPICS, EXAMPLES, NATIVE_NAMES, PRICE, REQUESTS, TEXT, TOKENIZERS, TOPICS

from common.config import LANGUAGES
from common.ui.api import endpoint
from common.ui.errors import guarded
from common.ui.fields import Text
from common.ui.i18n import text
from common.ui.links import link_button

_TICK_SECONDS = 1.0


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    words, lang = page.words, page.lang
    page.idea("tokens")
    typed = TEXT.box(words, "tokens.text", lines=2, max_lines=10, elem_id="tokens-text")
    with gr.Row(elem_classes=["buttons"]):
        examples = {
            name: words(
                gr.Button, keys={"value": f"tokens.button_{name}"}, size="sm", min_width=120, elem_id=f"tokens-{name}"
            )
            for name in EXAMPLES
        }
    chosen = words(
        gr.CheckboxGroup,
        keys={"label": "tokens.tokenizers", "info": "tokens.tokenizers_hint", "choices": handlers.choices},
        value=list(TOKENIZERS.default),
        elem_id="tokens-which",
    )
    words(gr.HTML, keys={"value": handlers.legend})
    panels = gr.HTML("", elem_id="tokens-panels")

    words(gr.HTML, keys={"value": _heading})
    with gr.Row(elem_classes=["buttons"]):
        topics = {
            name: words(
                gr.Button,
                keys={"value": f"tokens.topic_{name}"},
                size="sm",
                min_width=120,
                elem_id=f"tokens-topic-{name}",
            )
            for name in (*TOPICS, ALL_TOPICS)
        }
    with gr.Row():
        texts = {
            code: gr.Textbox(
                handlers.sentence(code, TOPICS[0]),
                label=NATIVE_NAMES[code],
                lines=2,
                max_lines=4,
                max_length=TEXT.max_length,
                min_width=240,
                elem_id=f"tokens-{code}",
            )
            for code in LANGUAGES
        }
    with gr.Row():
        price = PRICE.box(words, "tokens.price", min_width=240, elem_id="tokens-price")
        requests = REQUESTS.box(words, "tokens.requests", min_width=240, elem_id="tokens-requests")
    table = gr.HTML("", elem_id="tokens-languages")
    words(gr.HTML, keys={"value": _honest})
    link_button(
        page,
        "tokens",
        {
            "text": (TEXT, typed),
            "tokenizers": (TOKENIZERS, chosen),
            **{code: (Text(code, "", TEXT.max_length), box) for code, box in texts.items()},
            "price": (PRICE, price),
            "requests": (REQUESTS, requests),
        },
    )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    # One event at a time and the last one always: fast typing neither piles up nor ends on an old answer.
    live: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    again, again_table = gr.Timer(_TICK_SECONDS, active=False), gr.Timer(_TICK_SECONDS, active=False)
    gr.on(
        [typed.change, chosen.change, again.tick],
        guarded(handlers.look),
        [lang, typed, chosen],
        [panels, again],
        **live,
    )
    compared = [*texts.values(), price, requests]
    gr.on(
        [chosen.change, again_table.tick, *(component.change for component in compared)],
        guarded(handlers.compare),
        [lang, chosen, *compared],
        [table, again_table],
        **live,
    )
    page.on_language(guarded(handlers.look), [typed, chosen], [panels, again], on_visit=True)
    page.on_language(guarded(handlers.compare), [chosen, *compared], [table, again_table], on_visit=True)
    for name, button in examples.items():
        button.click(partial(_example, name), lang, typed, **quiet)
    for name, button in topics.items():
        button.click(partial(_topic, name), None, list(texts.values()), **quiet)
    endpoint("tokens", handlers.api)


def _example(name: str, lang: str) -> str:
    return text(lang, f"tokens.example_{name}")


def _topic(name: str) -> list[str]:
    return [handlers.sentence(code, name) for code in LANGUAGES]


def _heading(lang: str) -> str:
    return f"<h2>{escape(text(lang, 'tokens.languages'))}</h2><p>{escape(text(lang, 'tokens.languages_hint'))}</p>"


def _honest(lang: str) -> str:
    return f'<p class="quiet">{escape(text(lang, "tokens.price_note"))}</p>'
