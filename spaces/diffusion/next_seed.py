"""The button that draws with the next seed: for whoever wants another picture, or cannot see a hidden one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from diffusion_page import SEED, DiffusionPage

from common.ui.errors import guarded


def button(page: DiffusionPage, prefix: str) -> gr.Button:
    """The button; ``prefix`` is of its id on the page."""
    return page.words(gr.Button, keys={"value": "image.again"}, min_width=110, elem_id=f"{prefix}-again")


def wire(page: DiffusionPage, again: gr.Button, seeds: Sequence[Any], draw: dict[str, Any]) -> Any:
    """Set the boxes of the seeds to the next ones on a click, then draw. Returns the event that draws.

    Args:
        draw: what gradio's events take.
    """
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    return again.click(guarded(advance), [page.lang, *seeds], list(seeds), **quiet).success(**draw)


def advance(lang: str, *seeds: Any) -> Any:
    """A value for the box of each seed: the next one. Raises InvalidInput."""
    following = [after(SEED.whole(seed)) for seed in seeds]
    return following if len(following) > 1 else following[0]


def after(seed: int, ahead: int = 1) -> int:
    """The seed that is so many further on; after the last one comes 0."""
    return (seed + ahead) % (int(SEED.maximum) + 1)
