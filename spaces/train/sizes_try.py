"""The part of the LLM sizes tab that asks one small model of each family: what such an architecture can, and cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from html import escape
from typing import Any, cast

import gradio as gr
from train_page import TrainPage, line

from common import catalog, errors
from common.catalog import Model
from common.text.convert import convert_apart
from common.text.families import GAP, Kind, Said, ask_apart
from common.ui.components import percent
from common.ui.errors import guarded
from common.ui.fields import Choice, Text
from common.ui.i18n import number, text
from common.ui.links import link_button

# The LLaMA type is the embedded model, which needs no network; the others are fetched when asked for.
MEMBERS = (catalog.find(catalog.EMBEDDED_CHAT_MODEL), *catalog.with_task("family"))
MEMBER = Choice("family", MEMBERS[0].id, tuple(model.id for model in MEMBERS))
# English, as everything that is put before these models.
EXAMPLES: dict[Kind, str] = {
    "encoder": f"Paris is the {GAP} of France.",
    "decoder": "Paris is the capital of",
    "both": "Translate English to German: The house is small.",
}
Answer = tuple[Kind, str, Said]  # what kind of model was asked, what, and what it made of it
FAMILY_TEXT = Text("family_text", EXAMPLES["decoder"], 400)


def build(page: TrainPage) -> gr.Dropdown:
    """Lay it out and wire it. Returns the list of the families."""
    words, lang = page.words, page.lang
    words(gr.Markdown, keys={"value": "sizes.try_title"})
    with gr.Row():
        member = words(
            gr.Dropdown,
            keys={"label": "sizes.family", "choices": titles},
            value=MEMBER.default,
            min_width=240,
            elem_id="sizes-family",
        )
        asked = FAMILY_TEXT.box(words, "sizes.family_text", max_lines=3, min_width=280, scale=2, elem_id="sizes-text")
    about = gr.HTML("", elem_id="sizes-about")
    with gr.Row():
        go = words(gr.Button, keys={"value": "sizes.ask"}, variant="primary", min_width=150, elem_id="sizes-ask")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="sizes-stop")
    said, answer = gr.HTML("", elem_id="sizes-said"), gr.State(None)
    link_button(page, "sizes", {"family": (MEMBER, member), "text": (FAMILY_TEXT, asked)})
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    page.opened.select(guarded(about_html), [lang, member], about, queue=False, **quiet)
    page.on_language(guarded(about_html), [member], [about])
    member.change(guarded(about_html), [lang, member], about, queue=False, **quiet)
    # Only what a visitor chooses brings its example: a link brings a text of its own.
    member.input(guarded(choose), [lang, member], [asked, about, said, answer], queue=False, **quiet)
    running = go.click(guarded(ask), [lang, member, asked], [said, answer], **quiet)
    page.on_language(guarded(said_again), [answer], [said])
    stop.click(lambda: ("", None), None, [said, answer], cancels=[running], **quiet)
    return member


def titles(lang: str) -> list[tuple[str, str]]:
    """The models, each with the part of the transformer that it is, and their ids."""
    return [(f"{model.title} · {text(lang, f'sizes.{kind_of(model)}')}", model.id) for model in MEMBERS]


def choose(lang: str, chosen: str) -> tuple[str, str, str, None]:
    """Another family: a text that suits it, what it is, and nothing said yet."""
    return EXAMPLES[kind_of(_member(chosen))], about_html(lang, chosen), "", None


async def ask(lang: str, chosen: str, asked: str, request: gr.Request) -> AsyncIterator[tuple[str, Answer | None]]:
    """Ask the model in a process of its own, when it is the visitor's turn: how it stands, and at the end the answer.

    Raises:
        ModelUnavailable: it is not here, and the hub is out of reach.
        StillAtWork, LineFull, EmptyPrompt, InvalidInput, OutOfMemory.
    """
    model, words = _member(chosen), FAMILY_TEXT.check(asked).strip()
    if not words:
        raise errors.EmptyPrompt()
    with line().join(request.session_hash or ""):
        loading = text(lang, "sizes.loading", title=model.title)
        if ahead := line().ahead:
            loading = text(lang, "sizes.in_line", ahead=number(lang, ahead))
        yield f'<p class="quiet">{escape(loading)}</p>', None
        path = await asyncio.to_thread(catalog.locate, model)
        folder = await asyncio.to_thread(convert_apart, path) if path.suffix == ".gguf" else path
        async with line().turn:
            answer = kind_of(model), words, await ask_apart(folder, kind_of(model), words)
    yield said_html(lang, *answer), answer


def said_again(lang: str, answer: Answer | None) -> Any:
    """The answer in another language; before there is one, what stands there stays."""
    return said_html(lang, *answer) if answer else gr.skip()


def kind_of(model: Model) -> Kind:
    """Which part of the transformer it is; chat models are decoders."""
    return cast(Kind, model.architecture or "decoder")


def about_html(lang: str, chosen: str) -> str:
    """What such a model can and cannot do, and whether it is on this machine."""
    model = _member(chosen)
    place = "here" if catalog.is_local(model) else "to_fetch"
    size = text(lang, f"sizes.{place}", size=number(lang, model.size_mb), licence=model.licence)
    return f"<p>{escape(text(lang, f'sizes.can_{kind_of(model)}'))} <small>{escape(size)}</small></p>"


def said_html(lang: str, kind: Kind, asked: str, said: Said) -> str:
    """The answer in the text, or the candidates for the gap with their probabilities."""
    if kind == "encoder":
        rows = "".join(f"<li><b>{escape(words)}</b> {percent(share, lang)}</li>" for words, share in said.answers)
        shown = f"<ol>{rows}</ol>"
    else:
        written = f'<mark class="idea-completion">{escape(said.answers[0][0]) or "…"}</mark>'
        shown = f"<p>{escape(asked)} {written}</p>" if kind == "decoder" else f"<p>{written}</p>"
    took = text(
        lang,
        "sizes.took",
        seconds=number(lang, said.seconds, 1),
        parameters=number(lang, said.parameters / 1e6, 0),
    )
    return f'<div class="panel">{shown}<small>{escape(took)}</small></div>'


def _member(chosen: str) -> Model:
    wanted = MEMBER.check(chosen)
    return next(model for model in MEMBERS if model.id == wanted)
