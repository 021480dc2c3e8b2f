"""Where a tab gets a picture to begin with: drawn here as an example, or the visitor's own.

The examples are drawn by code, so that there is something to begin with on any machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from diffusion_page import DiffusionPage
from image_look import data_uri
from PIL import Image, ImageDraw

from common import errors
from common.diffusion import pictures
from common.errors import Phrase
from common.ui.errors import guarded
from common.ui.fields import Choice
from common.ui.i18n import text

OWN_PICTURE = "mine"
EXAMPLES = ("apple", "face", "house")
PICTURE = Choice("picture", "apple", (*EXAMPLES, OWN_PICTURE))
Draw = Callable[[str, Image.Image | None], str]
# Drawn at four times the size, for smooth edges.
_EDGE, _FINE = 128, 4


@dataclass(frozen=True, slots=True)
class Source:
    """The components: the choice, the visitor's own picture, and the place that shows what is chosen."""

    which: gr.Dropdown
    own: gr.State
    shown: gr.HTML


def build(page: DiffusionPage, prefix: str, draw: Draw | None = None, script: str | None = None) -> Source:
    """Lay it out; ``chosen`` makes the picture for a handler out of the choice and the visitor's own.

    Args:
        prefix: of the ids on the page.
        draw: how the picture is shown; simply as it is by default.
        script: what happens in the place that shows it.
    """
    draw = draw or picture_html
    words, lang = page.words, page.lang
    with gr.Row():
        with gr.Column(scale=1, min_width=220):
            which = words(
                gr.Dropdown,
                keys={
                    "label": "picture.which",
                    "choices": lambda lang: [(text(lang, f"picture.{name}"), name) for name in PICTURE.options],
                },
                value=PICTURE.default,
                elem_id=f"{prefix}-which",
            )
            upload = words(
                gr.UploadButton,
                keys={"label": "picture.upload"},
                file_types=["image"],
                size="sm",
                elem_id=f"{prefix}-upload",
            )
        with gr.Column(scale=1, min_width=260):
            shown = gr.HTML(
                draw(str(lang.value), example(str(PICTURE.default))),
                elem_id=f"{prefix}-picture",
                padding=False,
                js_on_load=script,
            )
    own = gr.State(None)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    upload.upload(guarded(partial(take, draw=draw)), [lang, upload], [which, own, shown], **quiet)
    which.change(guarded(partial(show, draw=draw)), [lang, which, own], shown, queue=False, **quiet)
    return Source(which, own, shown)


def picture_html(lang: str, picture: Image.Image | None) -> str:
    """The picture as it is; what a model gets of it is the middle."""
    return "" if picture is None else f'<div class="chosen"><img src="{data_uri(picture)}" alt=""></div>'


async def take(lang: str, file: str | None, draw: Draw = picture_html) -> tuple[Any, ...]:
    """Updates for: choice, own picture, shown. Raises UnusablePicture."""
    if not file:
        return (gr.skip(),) * 3
    picture = await asyncio.to_thread(pictures.take, Path(file))
    return OWN_PICTURE, picture, await asyncio.to_thread(draw, lang, picture)


def show(lang: str, which: Any, own: Image.Image | None, draw: Draw = picture_html) -> str:
    """What is chosen, drawn; nothing while the visitor's own is not there yet."""
    return draw(lang, wanted(which, own))


def wanted(which: Any, own: Image.Image | None) -> Image.Image | None:
    """What is chosen; None while the visitor's own is not there yet. Raises InvalidInput."""
    return own if PICTURE.check(which) == OWN_PICTURE else example(str(which))


def chosen(which: Any, own: Image.Image | None) -> Image.Image:
    """The picture to begin with, RGB. Raises InvalidInput, UnusablePicture: none of one's own was sent."""
    picture = wanted(which, own)
    if picture is None:
        raise errors.UnusablePicture(reason=Phrase("none_chosen"))
    return picture


@lru_cache
def example(name: str) -> Image.Image:
    """A simple drawing on white, 128 pixels."""
    board = Image.new("RGB", (_EDGE * _FINE, _EDGE * _FINE), "white")
    _DRAWN[name](ImageDraw.Draw(board))
    return board.resize((_EDGE, _EDGE), Image.Resampling.LANCZOS)


def _apple(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((70, 140, 290, 470), fill="#d92637")
    draw.ellipse((222, 140, 442, 470), fill="#d92637")
    draw.line((256, 190, 290, 60), fill="#6b4226", width=24)
    draw.ellipse((290, 60, 420, 130), fill="#5c913b")


def _face(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((30, 30, 482, 482), fill="#ffcc4d")
    draw.ellipse((150, 150, 205, 245), fill="#664500")
    draw.ellipse((307, 150, 362, 245), fill="#664500")
    draw.chord((130, 210, 382, 420), 15, 165, fill="#664500")


def _house(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((90, 240, 422, 470), fill="#e0c9a6")
    draw.polygon(((50, 250), (256, 60), (462, 250)), fill="#a0412d")
    draw.rectangle((220, 340, 292, 470), fill="#5b3a1e")
    draw.rectangle((120, 290, 190, 350), fill="#7fb2e5")
    draw.rectangle((322, 290, 392, 350), fill="#7fb2e5")


_DRAWN: dict[str, Callable[[ImageDraw.ImageDraw], None]] = {"apple": _apple, "face": _face, "house": _house}
