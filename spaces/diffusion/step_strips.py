"""Pictures of steps in a page, all at once; denoise-player.js shows one step at a time and asks the server nothing.

The pictures of a kind are one long picture with the steps side by side, so that showing another step only moves it.
Without the script the page shows the first step.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from image_look import data_uri
from PIL import Image

from common.diffusion.request import Pixels
from common.ui.playback import controls_html, script_words

_SCRIPT = Path(__file__).with_name("denoise-player.js")
# WebP takes no longer picture; a strip that would be longer is a PNG.
_LONGEST = 16_383


def place(elem_id: str) -> gr.HTML:
    """An empty place for a ``player``, with the script that plays it."""
    return gr.HTML("", elem_id=elem_id, padding=False, js_on_load=_SCRIPT.read_text(encoding="utf-8"))


def player(lang: str, run: int, complete: bool, steps: int, inside: str, begin: int = 0) -> str:
    """The buttons, and below them ``inside``: sections with ``data-steps``, parts with ``data-at``, strips.

    Args:
        run: different for every click, so that the page knows a new run from more of the same.
        complete: nothing more will come.
        steps: of the longest section.
        begin: the step to show first; 0 shows the newest.
    """
    data: dict[str, Any] = {
        "run": run,
        "complete": complete,
        **script_words(lang, steps),
        "steps": steps,
        "begin": begin,
    }
    trace = escape(json.dumps(data, separators=(",", ":")))
    return f'<div class="player denoised" data-trace="{trace}">{controls_html(lang, steps)}{inside}</div>'


def strip_html(frames: Sequence[Pixels], label: str, kind: str = "", more: str = "") -> str:
    """The pictures of one kind, with their name below.

    Args:
        label: what they are.
        more: HTML after the label, such as parts with ``data-at``.
    """
    return (
        f'<figure class="{kind}"><div class="frame" role="img" aria-label="{escape(label)}" '
        f'style="background-image:url({_uri(np.concatenate(frames, axis=1))});'
        f'background-size:{100 * len(frames)}% 100%"></div><figcaption>{escape(label)}{more}</figcaption></figure>'
    )


def still_html(picture: Image.Image | Pixels, label: str, kind: str = "") -> str:
    """One picture that stays the same at every step, with its name below."""
    return (
        f'<figure class="{kind}"><div class="frame"><img src="{data_uri(picture)}" alt="{escape(label)}"></div>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )


def _uri(strip: Pixels) -> str:
    """Noise hardly shrinks without loss, and a phone shall not have to fetch megabytes."""
    kind = "WEBP" if strip.shape[1] <= _LONGEST else "PNG"
    file = io.BytesIO()
    Image.fromarray(strip).save(file, kind, quality=85)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
