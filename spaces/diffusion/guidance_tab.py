"""The Guidance tab: its layout, and which event sets off which handler. What they do is in guidance_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
import prompt_note
import step_strips
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, usual
from guidance_handlers import GuidanceHandlers

from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = GuidanceHandlers(page.models), page.words, page.lang
    page.idea("guidance")
    prompt = PROMPT.box(words, "image.prompt", max_lines=3, elem_id="guidance-prompt")
    cut = prompt_note.place("guidance")
    with gr.Row():
        steps = STEPS.slider(words, "image.steps", min_width=200)
        scale = GUIDANCE.slider(words, "image.guidance", min_width=200)
        steps.value, scale.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=130, elem_id="guidance-seed")
    with gr.Row():
        go = words(gr.Button, keys={"value": "guidance.go"}, variant="primary", min_width=200, elem_id="guidance-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="guidance-stop")
        again = next_seed.button(page, "guidance")
    progress = gr.HTML("", elem_id="guidance-progress", padding=False)
    view = step_strips.place("guidance-view")
    shown = gr.State(None)
    form = [prompt, steps, scale, seed]
    inputs: dict[str, tuple[Field, Any]] = {
        "prompt": (PROMPT, prompt),
        "steps": (STEPS, steps),
        "guidance": (GUIDANCE, scale),
        "seed": (SEED, seed),
    }
    link_button(page, "guidance", inputs)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    run: dict[str, Any] = {
        "fn": guarded(handlers.open),
        "inputs": [lang, *form],
        "outputs": [progress, view, shown],
        "trigger_mode": "multiple",
        **quiet,
    }
    following = next_seed.wire(page, again, [seed], run)
    prompt_note.wire(page, cut, prompt, gr.on([go.click, prompt.submit], **run), following)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    page.on_language(guarded(handlers.player), [shown], [view])
