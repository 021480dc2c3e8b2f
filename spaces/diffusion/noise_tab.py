"""The Forward-noise tab: its layout, and which event sets off which handler. What they do is in noise_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
import picture_input
import prompt_note
import step_strips
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, usual
from noise_handlers import SHARE, NoiseHandlers

from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = NoiseHandlers(page.models), page.words, page.lang
    page.idea("noise")
    source = picture_input.build(page, "noise")
    with gr.Row():
        share = SHARE.slider(words, "noise.share", min_width=230, elem_id="noise-share")
        prompt = PROMPT.box(words, "noise.prompt", max_lines=2, min_width=230, elem_id="noise-prompt")
    cut = prompt_note.place("noise")
    with gr.Row():
        steps = STEPS.slider(words, "noise.steps", min_width=200)
        scale = GUIDANCE.slider(words, "image.guidance", min_width=200)
        steps.value, scale.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=130)
    with gr.Row():
        go = words(gr.Button, keys={"value": "noise.go"}, variant="primary", min_width=200, elem_id="noise-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="noise-stop")
        again = next_seed.button(page, "noise")
    progress = gr.HTML("", elem_id="noise-progress", padding=False)
    view = step_strips.place("noise-view")
    shown = gr.State(None)
    inputs: dict[str, tuple[Field, Any]] = {
        "picture": (picture_input.PICTURE, source.which),
        "prompt": (PROMPT, prompt),
        "share": (SHARE, share),
        "steps": (STEPS, steps),
        "guidance": (GUIDANCE, scale),
        "seed": (SEED, seed),
    }
    link_button(page, "noise", inputs)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    form = [source.own, *(component for _, component in inputs.values())]
    run: dict[str, Any] = {
        "fn": guarded(handlers.run),
        "inputs": [lang, *form],
        "outputs": [progress, view, shown],
        "trigger_mode": "multiple",
        **quiet,
    }
    following = next_seed.wire(page, again, [seed], run)
    prompt_note.wire(page, cut, prompt, gr.on([go.click, prompt.submit], **run), following)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    page.on_language(guarded(handlers.player), [shown], [view])
