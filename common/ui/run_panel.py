"""The part of a tab that shows the visitor's runs of one kind: the list, what can be done with them, how they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from common.ui.errors import guarded
from common.ui.visitor_runs import NAME, VisitorRuns


@dataclass(frozen=True, slots=True)
class RunPanel:
    """Its components.

    Attributes:
        run: the list in which a run is chosen.
        others: lists of further runs to show beside it.
        stop, resume, delete: what can be done with it.
        state, curves, written: how it stands, its curves, and what the model wrote on the way.
        clock: looks again while the run is at work.
    """

    run: gr.Dropdown
    others: tuple[gr.Dropdown, ...]
    stop: gr.Button
    resume: gr.Button
    delete: gr.Button
    state: gr.HTML
    curves: gr.HTML
    written: gr.HTML
    clock: gr.Timer


def name_box(page: Any, prefix: str) -> gr.Textbox:
    """The box for the name of a run that is to begin; ``prefix`` is of the element's id."""
    return NAME.box(
        page.words,
        "scratch.name",
        placeholder="scratch.name_hint",
        max_lines=1,
        min_width=200,
        elem_id=f"{prefix}-name",
    )


def lay_out(page: Any, prefix: str, written: str, seconds: float, compare: str = "") -> RunPanel:
    """Lay out the panel.

    Args:
        page: a Page with ``owner`` and ``known`` (visitor.py).
        prefix: of the elements' ids.
        written: the end of the id of what the model wrote.
        seconds: how often a run at work is looked at.
        compare: the text over a second list of runs; without it there is none.
    """
    words = page.words
    labels = {"run": "scratch.my_runs"} | ({"other": compare} if compare else {})
    with gr.Row():
        run, *others = (
            words(
                gr.Dropdown,
                keys={"label": label},
                choices=[],
                interactive=True,
                min_width=220,
                elem_id=f"{prefix}-{name}",
            )
            for name, label in labels.items()
        )
    with gr.Row():
        stop, resume, delete = (
            words(gr.Button, keys={"value": key}, min_width=90, elem_id=f"{prefix}-{name}")
            for name, key in (("stop", "common.stop"), ("resume", "scratch.resume"), ("delete", "scratch.delete"))
        )
    state, curves, made = (gr.HTML("", elem_id=f"{prefix}-{name}") for name in ("state", "curves", written))
    clock = gr.Timer(seconds, active=False)
    return RunPanel(run, tuple(others), stop, resume, delete, state, curves, made, clock)


def wire(panel: RunPanel, page: Any, tab: VisitorRuns, watch: Callable[..., Any]) -> Any:
    """Connect the panel with the handlers of its tab.

    ``watch`` gives state, curves, what was written, the clock and the lists. Returns the event after which the list is
    filled.
    """
    lang, owner, run, clock = page.lang, page.owner, panel.run, panel.clock
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    watched = [owner, run, *panel.others]
    drawn = [panel.state, panel.curves, panel.written, clock, run, *panel.others]
    gr.on(
        [run.change, *(other.change for other in panel.others), clock.tick],
        guarded(watch),
        [lang, *watched],
        drawn,
        trigger_mode="always_last",
        **quiet,
    )
    page.on_language(guarded(watch), watched, drawn)
    panel.stop.click(guarded(tab.stop), [lang, owner, run], clock, **quiet)
    panel.resume.click(guarded(tab.resume), [lang, owner, run], clock, **quiet)
    panel.delete.click(guarded(tab.delete), [lang, owner, run], run, **quiet)
    return page.known.then(guarded(tab.runs_of), [lang, owner, run], [run, clock], **quiet)
