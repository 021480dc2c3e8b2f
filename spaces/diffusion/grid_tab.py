"""The Two-knob grid: its layout, and which event sets off which handler. What they do is in grid_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
import prompt_note
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, usual
from grid_form import ACROSS, DOWN, USUAL, VALUES
from grid_handlers import GridHandlers

from common.diffusion.grid import KNOBS
from common.ui.components import folded
from common.ui.download import SAVE
from common.ui.errors import guarded
from common.ui.fields import Choice, Field
from common.ui.i18n import text
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = GridHandlers(page.models), page.words, page.lang
    page.idea("grid")
    prompt = PROMPT.box(words, "image.prompt", max_lines=3, elem_id="grid-prompt")
    cut = prompt_note.place("grid")
    with gr.Row():
        across, across_values = _knob(page, ACROSS, "across")
        down, down_values = _knob(page, DOWN, "down")
    with folded(words, "grid.rest"), gr.Row():
        steps = STEPS.slider(words, "image.steps", min_width=200)
        guidance = GUIDANCE.slider(words, "image.guidance", min_width=200)
        steps.value, guidance.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=130)
    with gr.Row():
        go = words(gr.Button, keys={"value": "grid.go"}, variant="primary", min_width=200, elem_id="grid-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="grid-stop")
        again = next_seed.button(page, "grid")
        save = words(gr.Button, keys={"value": "grid.save"}, min_width=130, elem_id="grid-save")
    progress = gr.HTML("", elem_id="grid-progress", padding=False)
    table = gr.HTML("", elem_id="grid-view", padding=False)
    shown, made = gr.State(None), gr.Textbox("", visible=False)
    inputs: dict[str, tuple[Field, Any]] = {
        "prompt": (PROMPT, prompt),
        "across": (ACROSS, across),
        "x": (VALUES, across_values),
        "down": (DOWN, down),
        "y": (VALUES, down_values),
        "steps": (STEPS, steps),
        "guidance": (GUIDANCE, guidance),
        "seed": (SEED, seed),
    }
    link_button(page, "grid", inputs)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    form = [component for _, component in inputs.values()]
    draw: dict[str, Any] = {
        "fn": guarded(handlers.draw),
        "inputs": [lang, *form],
        "outputs": [progress, table, shown],
        "trigger_mode": "multiple",
        **quiet,
    }
    axes = [across, across_values, down, down_values]
    following = again.click(
        guarded(handlers.next_seeds), [lang, *axes, seed], [across_values, down_values, seed], queue=False, **quiet
    ).success(**draw)
    drawn = gr.on([go.click, prompt.submit], **draw)
    prompt_note.wire(page, cut, prompt, drawn, following, others=axes, prompts=handlers.prompts)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    for knob, values in ((across, across_values), (down, down_values)):
        # By hand alone: a link sets knob and values together.
        knob.input(guarded(handlers.usual), [lang, knob], values, queue=False, **quiet)
    save.click(guarded(handlers.save), [lang, shown], made, **quiet).success(None, made, None, js=SAVE, **quiet)
    page.on_language(guarded(handlers.relabel), [shown], [table])


def _knob(page: DiffusionPage, field: Choice, side: str) -> tuple[gr.Dropdown, gr.Textbox]:
    with gr.Column(min_width=260):
        knob = page.words(
            gr.Dropdown,
            keys={
                "label": f"grid.{side}",
                "choices": lambda lang: [(text(lang, f"grid.knob_{name}"), name) for name in KNOBS],
            },
            value=field.default,
            elem_id=f"grid-{side}",
        )
        values = VALUES.box(
            page.words,
            "grid.values",
            info="grid.values_hint",
            value=USUAL[str(field.default)],
            max_lines=2,
            elem_id=f"grid-{side}-values",
        )
    return knob, values
