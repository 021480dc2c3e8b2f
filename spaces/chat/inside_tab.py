"""The tab Inside the transformer: its layout, in the order of the computation, and which event does what."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import gradio as gr
from chat_page import ChatPage
from inside_attention import HOVER
from inside_handlers import EMBEDDED_HEADS, EMBEDDED_LAYERS, HEAD, LAYER, TOKEN, InsideHandlers

from common.config import settings
from common.ui.components import token_strip
from common.ui.errors import guarded
from common.ui.fields import Text
from common.ui.i18n import text
from common.ui.links import link_button

# English on every page, since the embedded model has learned hardly anything else.
_SENTENCE = "The teacher taught the student with the book."
_COMPARED = "The teacher taught the student with the ruler."


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = InsideHandlers(page.models), page.words, page.lang
    page.idea("inside")
    said, other = gr.State(None), gr.State(None)
    token = gr.Number(TOKEN.default, visible=False, precision=0)
    with gr.Row():
        limit: dict[str, Any] = {"lines": 2, "max_lines": 6, "max_length": settings().max_prompt_chars}
        prompt = words(
            gr.Textbox, keys={"label": "inside.text"}, value=_SENTENCE, min_width=300, elem_id="inside-text", **limit
        )
        compared = words(
            gr.Textbox,
            keys={"label": "inside.compare"},
            value=_COMPARED,
            min_width=300,
            elem_id="inside-compare",
            **limit,
        )
    go = words(gr.Button, keys={"value": "inside.go"}, variant="primary", elem_id="inside-go")
    note = gr.HTML("", elem_id="inside-note")

    def part(number: int, name: str) -> None:
        words(gr.HTML, keys={"value": partial(_part, number, name)})

    part(1, "tokens")
    strip = token_strip("inside-tokens")
    part(2, "states")
    height = words(
        gr.Slider,
        keys={"label": "inside.plane_layer"},
        minimum=0,
        maximum=EMBEDDED_LAYERS,
        step=1,
        value=0,
        elem_id="inside-plane-layer",
    )
    plane = gr.HTML("", elem_id="inside-plane")
    part(3, "attention")
    with gr.Row():
        pickers = [
            words(gr.Dropdown, keys={"label": f"inside.{name}"}, choices=[], min_width=160, elem_id=f"inside-{name}")
            for name in ("source", "first", "second")
        ]
    with gr.Row():
        with gr.Column(min_width=300):
            first = token_strip("inside-heads-first")
        with gr.Column(min_width=300):
            second = token_strip("inside-heads-second")
    words(gr.HTML, keys={"value": _how})
    with gr.Row():
        layer = words(
            gr.Slider,
            keys={"label": "inside.layer"},
            minimum=1,
            maximum=EMBEDDED_LAYERS,
            step=1,
            value=LAYER.default,
            min_width=300,
            elem_id="inside-layer",
        )
        head = words(
            gr.Slider,
            keys={"label": "inside.head"},
            minimum=0,
            maximum=EMBEDDED_HEADS,
            step=1,
            value=HEAD.default,
            min_width=300,
            elem_id="inside-head",
        )
    attention = token_strip("inside-attention", HOVER)
    words(gr.HTML, keys={"value": _honest})
    part(4, "residual")
    stream = gr.HTML("", elem_id="inside-stream")
    lens = gr.HTML("", elem_id="inside-lens")
    part(5, "softmax")
    following = gr.HTML("", elem_id="inside-following")
    written = Text("text", "", settings().max_prompt_chars)
    link_button(
        page,
        "inside",
        {
            "text": (written, prompt),
            "layer": (LAYER, layer),
            "head": (HEAD, head),
            "token": (TOKEN, token),
            "compare": (Text("compare", "", settings().max_prompt_chars), compared),
        },
    )

    texts, pictures = [said, other], [strip, attention, stream, lens, following, plane]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    # One event at a time and the last one always: a slider that is drawn along neither piles up nor ends on old news.
    live: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    gr.on(
        [go.click, prompt.submit, compared.submit],
        guarded(handlers.look),
        [lang, prompt, compared, layer, head, token],
        [*texts, *pictures, first, second, *pickers, layer, head, height, token, note],
        **quiet,
    )
    gr.on(
        [layer.change, head.change, token.change],
        guarded(handlers.show),
        [lang, *texts, layer, head, token],
        [*texts, *pictures[:-1]],
        **live,
    )
    gr.on(
        [height.change, token.change],
        guarded(handlers.plane),
        [lang, said, height, token],
        plane,
        queue=False,
        **live,
    )
    for place in (strip, attention):
        place.select(guarded(handlers.choose_token), [lang, said], token, **quiet)
    gr.on(
        [picker.input for picker in pickers],
        guarded(handlers.find),
        [lang, said, *pickers],
        [said, first, second],
        **live,
    )
    first.select(guarded(handlers.choose_first), [lang, said], [layer, head, token], **quiet)
    second.select(guarded(handlers.choose_second), [lang, said], [layer, head, token], **quiet)
    page.on_language(guarded(handlers.show), [*texts, layer, head, token], [*texts, *pictures[:-1]])
    page.on_language(guarded(handlers.plane), [said, height, token], [plane])
    page.on_language(guarded(handlers.relabel), [said], [first, second])


def _part(number: int, name: str, lang: str) -> str:
    title, about = escape(text(lang, f"inside.title_{name}")), escape(text(lang, f"inside.about_{name}"))
    return f'<h3 class="step">{number} · {title}</h3><p class="quiet">{about}</p>'


def _how(lang: str) -> str:
    return f'<p class="quiet">{escape(text(lang, "inside.how"))}</p>'


def _honest(lang: str) -> str:
    return f'<p class="note">{escape(text(lang, "inside.honest"))}</p>'
