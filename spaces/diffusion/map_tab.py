"""The map of generative AI as a tab: a box with all tasks, and the map, each of which follows the other."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from diffusion_page import DiffusionPage
from map_drawing import TASKS, map_html

from common import errors
from common.ui.components import token_strip
from common.ui.errors import guarded
from common.ui.fields import Choice
from common.ui.i18n import text
from common.ui.links import link_button

TASK = Choice("task", "text_to_image", tuple(TASKS))


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    page.idea("map")
    which = page.words(
        gr.Dropdown,
        keys={
            "label": "map.task",
            "choices": lambda lang: [(text(lang, f"map.task_{name}"), name) for name in TASKS],
        },
        value=TASK.default,
        elem_id="map-task",
    )
    view = token_strip("map-view")
    link_button(page, "map", {"task": (TASK, which)})
    draw = guarded(partial(show, in_hub=page.in_hub))
    at_once: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    view.value = map_html(str(page.lang.value), str(TASK.default), page.in_hub)
    view.select(guarded(choose), page.lang, which, **at_once)
    which.change(draw, [page.lang, which], view, **at_once)
    page.on_language(draw, [which], [view])


def show(lang: str, which: Any, in_hub: bool = False) -> str:
    """The map with that task. Raises InvalidInput."""
    return map_html(lang, str(TASK.check(which)), in_hub)


def choose(lang: str, event: gr.EventData) -> str:
    """The task that was clicked. Raises InvalidInput."""
    number = getattr(event, "index", None)
    if not isinstance(number, int) or not 0 <= number < len(TASKS):
        raise errors.InvalidInput(field=TASK.name, allowed=", ".join(TASKS))
    return tuple(TASKS)[number]
