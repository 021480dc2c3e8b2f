"""The Lifecycle tab: a project with generative AI as a map, from the first question to a program that people use.

Every step of the map opens the demo that does it. Knows where demos are, not what they do.
"""

from __future__ import annotations

from functools import partial
from html import escape

import gradio as gr
from train_page import TrainPage

from common.ui.i18n import text
from common.ui.links import link_button

HERE = "train"
# The steps of every stage, each with the places (space, tab) that show it: the first one there is gets the link.
STAGES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "scope": {"task": (("chat", "summary"),)},
    "select": {
        "choose": ((HERE, "sizes"),),
        "pretrain": ((HERE, "scratch"),),
        "afford": ((HERE, "cost"),),
    },
    "adapt": {
        "prompt": (("chat", "completion"),),
        "finetune": ((HERE, "finetune"),),
        "align": ((HERE, "prefer"),),
    },
    "evaluate": {
        "measure": ((HERE, "scoreboard"), ("chat", "summary")),
        "break": (("translate", "fails"),),
    },
    "integrate": {
        "augment": (("chat", "retrieval"),),
        "act": (("chat", "actions"),),
        "serve": (("chat", "chat"),),
    },
}
# The colour of every stage, one of the page's ideas.
_KINDS = {"scope": "prompt", "select": "attention", "adapt": "loss", "evaluate": "completion", "integrate": "noise"}


def build(page: TrainPage) -> None:
    """Lay out the tab; it has nothing to set."""
    page.idea("lifecycle")
    page.words(
        gr.HTML,
        keys={"value": partial(lifecycle_html, tabs=page.tabs, in_hub=page.in_hub)},
        elem_id="lifecycle-map",
    )
    link_button(page, "lifecycle", {})


def lifecycle_html(lang: str, tabs: tuple[str, ...], in_hub: bool = False) -> str:
    """The map: five stages in a row, below one another on a phone, and the way back from evaluating to adapting.

    Args:
        tabs: those of this space.
        in_hub: the other spaces are pages beside this one.
    """
    stages = "".join(
        f'<li class="{stage} idea-{_KINDS[stage]}"><h3>{number}. {escape(text(lang, f"lifecycle.stage_{stage}"))}</h3>'
        f"{''.join(_step(lang, step, places, tabs, in_hub) for step, places in steps.items())}</li>"
        for number, (stage, steps) in enumerate(STAGES.items(), start=1)
    )
    back = escape(text(lang, "lifecycle.back"))
    return f'<ol class="lifecycle">{stages}</ol><p class="lifecycle-back"><b aria-hidden="true">↺</b> {back}</p>'


def _step(lang: str, step: str, places: tuple[tuple[str, str], ...], tabs: tuple[str, ...], in_hub: bool) -> str:
    title, about, example = (escape(text(lang, f"lifecycle.{part}_{step}")) for part in ("step", "about", "example"))
    return (
        f"<article><h4>{title}</h4><p>{about}</p><p class='example'>{example}</p>"
        f"{_demo(lang, places, tabs, in_hub)}</article>"
    )


def _demo(lang: str, places: tuple[tuple[str, str], ...], tabs: tuple[str, ...], in_hub: bool) -> str:
    """The way to the step's demo: a link where one can go, else the name of the space that has it."""
    there = next(((space, tab) for space, tab in places if space != HERE or tab in tabs), None)
    if there is None:
        return f'<p class="quiet">{escape(text(lang, "lifecycle.no_demo"))}</p>'
    space, tab = there
    name = text(lang, f"{tab}.tab")
    if space == HERE or in_hub:
        page = space if in_hub else ""
        return f'<a href="{page}?tab={tab}&amp;lang={escape(lang)}">▶ {escape(name)}</a>'
    words = text(lang, "lifecycle.elsewhere", tab=name, space=text(lang, f"hub.{space}"))
    return f'<p class="quiet">{escape(words)}</p>'
