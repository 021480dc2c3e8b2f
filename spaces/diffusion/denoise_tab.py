"""The Denoising player: its layout, and which event sets off which handler. What they do is in denoise_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
import prompt_note
import step_strips
from denoise_handlers import COMPARE, DenoiseHandlers
from diffusion_page import GUIDANCE, PROMPT, SCHEDULER, SEED, STEPS, DiffusionPage, page_model, scheduler_choices, usual

from common.ui.download import SAVE
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.i18n import text
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = DenoiseHandlers(page.models), page.words, page.lang
    page.idea("denoise")
    prompt = PROMPT.box(words, "image.prompt", max_lines=3, elem_id="denoise-prompt")
    cut = prompt_note.place("denoise")
    with gr.Row():
        steps = STEPS.slider(words, "image.steps", min_width=200)
        guidance = GUIDANCE.slider(words, "image.guidance", min_width=200)
        steps.value, guidance.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=130, elem_id="denoise-seed")
        scheduler = _schedulers(page, "image.scheduler", SCHEDULER.default)
    with gr.Row():
        compare = words(
            gr.Dropdown,
            keys={
                "label": "denoise.compare",
                "choices": lambda lang: [(text(lang, f"denoise.compare_{name}"), name) for name in COMPARE.options],
            },
            value=COMPARE.default,
            min_width=200,
            elem_id="denoise-compare",
        )
        other_seed = words(
            gr.Number, keys={"label": "denoise.other_seed"}, value=8, precision=0, visible=False, min_width=150
        )
        other_guidance = GUIDANCE.slider(words, "denoise.other_guidance", visible=False, min_width=200)
        other_guidance.value = 1.0
        other_scheduler = _schedulers(page, "denoise.other_scheduler", "euler_a", visible=False)
    with gr.Row():
        go = words(gr.Button, keys={"value": "denoise.go"}, variant="primary", min_width=200, elem_id="denoise-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="denoise-stop")
        again = next_seed.button(page, "denoise")
        as_gif = words(gr.Button, keys={"value": "denoise.gif"}, min_width=130, elem_id="denoise-gif")
        as_strip = words(gr.Button, keys={"value": "denoise.strip"}, min_width=130, elem_id="denoise-strip")
    note = gr.HTML("", elem_id="denoise-note")
    player = step_strips.place("denoise-view")
    shown, made = gr.State(None), gr.Textbox("", visible=False)
    form = [prompt, steps, guidance, seed, scheduler, compare, other_seed, other_guidance, other_scheduler]
    fields: list[Field] = [PROMPT, STEPS, GUIDANCE, SEED, SCHEDULER, COMPARE, SEED, GUIDANCE, SCHEDULER]
    names = ("prompt", "steps", "guidance", "seed", "scheduler", "compare", "seed2", "guidance2", "scheduler2")
    link_button(page, "denoise", dict(zip(names, zip(fields, form, strict=True), strict=True)))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    play: dict[str, Any] = {
        "fn": guarded(handlers.play),
        "inputs": [lang, *form],
        "outputs": [player, shown, note],
        "trigger_mode": "multiple",
        **quiet,
    }
    # Two runs that differ in the seed go on differing in it.
    following = next_seed.wire(page, again, [seed, other_seed], play)
    prompt_note.wire(page, cut, prompt, gr.on([go.click, prompt.submit], **play), following)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    compare.change(
        guarded(handlers.choose), [lang, compare], [other_seed, other_guidance, other_scheduler], queue=False, **quiet
    )
    for button, handler in ((as_gif, handlers.save_gif), (as_strip, handlers.save_strip)):
        button.click(guarded(handler), [lang, shown], made, **quiet).success(None, made, None, js=SAVE, **quiet)
    page.on_language(guarded(handlers.relabel), [shown], [player])


def _schedulers(page: DiffusionPage, key: str, value: Any, **props: Any) -> gr.Dropdown:
    return page.words(
        gr.Dropdown,
        keys={"label": key, "choices": lambda lang: scheduler_choices(lang, page_model(page.models))},
        value=value,
        allow_custom_value=True,  # what a link names beside them is refused by our own sentence, not by gradio's
        min_width=170,
        **props,
    )
