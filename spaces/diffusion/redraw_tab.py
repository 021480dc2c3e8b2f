"""Image to image and inpainting: the layout, and which event sets off which handler. See redraw_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import mask_input
import next_seed
import picture_input
import prompt_note
import step_strips
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, usual
from redraw_handlers import STRENGTH, RedrawHandlers

from common.ui.download import SAVE
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = RedrawHandlers(page.models), page.words, page.lang
    page.idea("redraw")
    source = picture_input.build(page, "redraw", mask_input.mask_html, mask_input.SCRIPT)
    mask = gr.State("")
    with gr.Row():
        prompt = PROMPT.box(words, "image.prompt", max_lines=2, min_width=230, elem_id="redraw-prompt")
        strength = STRENGTH.slider(words, "redraw.strength", min_width=230, elem_id="redraw-strength")
    cut = prompt_note.place("redraw")
    with gr.Row():
        steps = STEPS.slider(words, "noise.steps", min_width=200)
        scale = GUIDANCE.slider(words, "image.guidance", min_width=200)
        steps.value, scale.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=130)
    with gr.Row():
        go = words(gr.Button, keys={"value": "redraw.go"}, variant="primary", min_width=200, elem_id="redraw-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="redraw-stop")
        again = next_seed.button(page, "redraw")
        on = words(gr.Button, keys={"value": "redraw.go_on"}, min_width=130, elem_id="redraw-on")
        save = words(gr.Button, keys={"value": "image.save"}, min_width=100, elem_id="redraw-save")
    progress = gr.HTML("", elem_id="redraw-progress", padding=False)
    view = step_strips.place("redraw-view")
    shown, made = gr.State(None), gr.Textbox("", visible=False)
    inputs: dict[str, tuple[Field, Any]] = {
        "picture": (picture_input.PICTURE, source.which),
        "prompt": (PROMPT, prompt),
        "strength": (STRENGTH, strength),
        "steps": (STEPS, steps),
        "guidance": (GUIDANCE, scale),
        "seed": (SEED, seed),
    }
    link_button(page, "redraw", inputs)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    form = [source.own, mask, *(component for _, component in inputs.values())]
    run: dict[str, Any] = {
        "fn": guarded(handlers.draw),
        "inputs": [lang, *form],
        "outputs": [progress, view, shown],
        "trigger_mode": "multiple",
        **quiet,
    }
    following = next_seed.wire(page, again, [seed], run)
    prompt_note.wire(page, cut, prompt, gr.on([go.click, prompt.submit], **run), following)
    stop.click(guarded(handlers.stop), lang, None, **at_once)
    source.shown.select(guarded(mask_input.painted), lang, mask, **at_once)
    # Another picture has nothing painted on it.
    gr.on([source.which.change, source.own.change], lambda: "", None, mask, **at_once)
    on.click(guarded(handlers.go_on), [lang, shown], [source.which, source.own, source.shown, mask], **quiet)
    save.click(guarded(handlers.save), [lang, shown], made, **quiet).success(None, made, None, js=SAVE, **quiet)
    page.on_language(guarded(handlers.relabel), [shown, source.which, source.own, mask], [view, source.shown])
