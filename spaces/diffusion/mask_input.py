"""A mask that is painted over a picture in the page (mask-canvas.js), and what arrives of it, checked."""

from __future__ import annotations

import base64
import binascii
import io
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from image_look import data_uri
from PIL import Image, UnidentifiedImageError

from common import errors
from common.diffusion import pictures
from common.errors import Phrase
from common.ui.i18n import text

SCRIPT = Path(__file__).with_name("mask-canvas.js").read_text(encoding="utf-8")
# Edge of a mask, in pixels, as the page makes them; and the longest it may be written as, in characters.
EDGE, _LONGEST = 128, 100_000
_HEAD = "data:image/png;base64,"
# The buttons: nothing, and parts for whoever cannot paint.
_PARTS = ("clear", "top", "middle", "bottom")


def mask_html(lang: str, picture: Image.Image | None, mask: str = "") -> str:
    """The middle of the picture with the mask over it, a pen's width, and buttons for simple masks.

    Args:
        mask: what was painted before, as the page sent it.
    """
    if picture is None:
        return ""
    label = escape(text(lang, "redraw.paint"))
    buttons = "".join(
        f'<button type="button" data-mask-do="{part}">{escape(text(lang, f"redraw.mask_{part}"))}</button>'
        for part in _PARTS
    )
    return (
        f'<div class="painted" data-mask="{escape(mask)}"><p class="quiet">{label}</p>'
        f'<div class="canvas"><img src="{data_uri(pictures.square(picture, 2 * EDGE))}" alt="" draggable="false">'
        f'<canvas width="{EDGE}" height="{EDGE}" role="img" aria-label="{label}"></canvas></div>'
        f"<label>{escape(text(lang, 'redraw.pen'))} "
        f'<input type="range" min="4" max="48" value="20"></label><div class="buttons">{buttons}</div></div>'
    )


def painted(lang: str, event: gr.EventData) -> str:
    """What was sent, kept as it is; it is read when it is used."""
    found = getattr(event, "mask", "")
    return found if isinstance(found, str) and len(found) <= _LONGEST else ""


def read_mask(sent: Any) -> Image.Image | None:
    """The mask, grey, or None when nothing is painted. Raises UnusableMask."""
    if not sent:
        return None
    try:
        if not isinstance(sent, str) or not sent.startswith(_HEAD):
            raise ValueError
        content = base64.b64decode(sent.removeprefix(_HEAD), validate=True)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.size != (EDGE, EDGE):
                wide, high = image.size
                raise errors.UnusableMask(reason=Phrase("mask_size", wide=wide, high=high, edge=EDGE))
            grey = image.convert("RGBA").getchannel("A")
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError) as problem:
        raise errors.UnusableMask(reason=Phrase("file_damaged")) from problem
    return grey if grey.getextrema()[1] >= 128 else None  # type: ignore[operator]  # of one channel a pair of numbers
