"""Where a tab gets a picture to begin with: drawn here as an example, or the visitor's own.

The examples are drawn by code, so that there is something to begin with on any machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
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
# Drawn at four times the size, for smooth edges.
_EDGE, _FINE = 128, 4


def build(page: DiffusionPage, prefix: str) -> tuple[gr.Dropdown, gr.State]:
    """The box and the visitor's own picture, of which ``chosen`` makes the picture for a handler."""
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
        shown = gr.HTML(picture_html(example(str(PICTURE.default))), elem_id=f"{prefix}-picture", padding=False)
    own = gr.State(None)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    upload.upload(guarded(take), [lang, upload], [which, own, shown], **quiet)
    which.change(guarded(show), [lang, which, own], shown, queue=False, **quiet)
    return which, own


async def take(lang: str, file: str | None) -> tuple[Any, ...]:
    """Updates for: choice, own picture, shown. Raises UnusablePicture."""
    if not file:
        return (gr.skip(),) * 3
    picture = await asyncio.to_thread(pictures.take, Path(file))
    return OWN_PICTURE, picture, picture_html(picture)


def show(lang: str, which: Any, own: Image.Image | None) -> Any:
    """What is chosen; nothing while the visitor's own is not there yet."""
    picture = own if PICTURE.check(which) == OWN_PICTURE else example(str(which))
    return "" if picture is None else picture_html(picture)


def picture_html(picture: Image.Image) -> str:
    """The picture as it is; what a model gets of it is the middle."""
    return f'<div class="chosen"><img src="{data_uri(picture)}" alt=""></div>'


def chosen(which: Any, own: Image.Image | None) -> Image.Image:
    """The picture to begin with, RGB. Raises InvalidInput, UnusablePicture: none of one's own was sent."""
    if PICTURE.check(which) != OWN_PICTURE:
        return example(str(which))
    if own is None:
        raise errors.UnusablePicture(reason=Phrase("none_chosen"))
    return own


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
