"""What a model does not read of a prompt, said below its box: text encoders take so many tokens and drop the rest.

Nothing is said before the model is loaded, since only its tokenizer knows; a drawing, which loads it, asks again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import gradio as gr
from diffusion_page import PROMPT, DiffusionPage

from common import errors
from common.diffusion.models import DiffusionModels
from common.diffusion.opened import Opened
from common.ui.errors import guarded
from common.ui.fields import Text
from common.ui.i18n import number, text

# How much of a cut prompt is shown, in characters.
_SHOWN = 300
# From what is in the boxes to the prompts that the model will get.
Prompts = Callable[..., Iterable[str]]


def cut_lines(lang: str, opened: Opened, prompts: Iterable[str], key: str = "image.cut") -> list[str]:
    """What the model does not read of the prompts as a sentence, of several the longest end; none when it reads all."""
    rest = max((opened.cut(" ".join(prompt.split())) for prompt in dict.fromkeys(prompts)), key=len, default="")
    return [text(lang, key, rest=rest if len(rest) <= _SHOWN else rest[:_SHOWN] + " …")] if rest else []


def full_lines(lang: str, field: Text, value: Any) -> list[str]:
    """A sentence when a box is full: the browser leaves out what is pasted beyond that without a word."""
    if not isinstance(value, str) or len(value) < field.max_length:
        return []
    return [text(lang, "image.full", limit=number(lang, field.max_length))]


def notices(lines: Iterable[str]) -> str:
    """The sentences as HTML."""
    return "".join(f'<p class="notice">{escape(line)}</p>' for line in lines)


def place(prefix: str) -> gr.HTML:
    """Where it is said; ``prefix`` is of the id on the page."""
    return gr.HTML("", elem_id=f"{prefix}-cut", elem_classes="prompt-note", padding=False)


def wire(
    page: DiffusionPage,
    note: gr.HTML,
    box: Any,
    *drawings: Any,
    field: Text = PROMPT,
    others: Iterable[Any] = (),
    prompts: Prompts = lambda value: [value],
) -> None:
    """Say it when the box changes, and after every drawing.

    Args:
        drawings: events of gradio that draw.
        field: what the box is.
        others: further boxes that the prompts are made of.
        prompts: makes them of the box's value and those of ``others``.
    """

    async def look(lang: str, value: Any, *rest: Any) -> str:
        return await _look(page.models, lang, field, value, prompts, rest)

    boxes, said = [box, *others], guarded(look)
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    gr.on([each.change for each in boxes], said, [page.lang, *boxes], note, trigger_mode="always_last", **quiet)
    for drawing in drawings:
        drawing.then(said, [page.lang, *boxes], note, **quiet)
    page.on_language(said, boxes, [note])


async def _look(
    models: DiffusionModels, lang: str, field: Text, value: Any, prompts: Prompts, rest: tuple[Any, ...]
) -> str:
    """The sentences; what cannot be drawn at all is said by whoever draws."""
    lines = full_lines(lang, field, value)
    with contextlib.suppress(errors.DemystifyError):
        wanted = list(prompts(field.check(value), *rest))
        engine = await asyncio.to_thread(models.held)
        if engine is not None and engine.ready:
            opened = await asyncio.to_thread(engine.opened)
            lines += await asyncio.to_thread(cut_lines, lang, opened, wanted)
    return notices(lines)
