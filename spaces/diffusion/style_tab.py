"""Teach it a style: the layout, and which event sets off which handler. What they do is in style_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
import prompt_note
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, DiffusionPage, usual
from style_handlers import (
    CAPTIONS,
    RANK,
    RATE,
    SAMPLED,
    SET,
    STRENGTH,
    TRAIN_STEPS,
    StyleHandlers,
)

from common.diffusion.restyle import PROMPTS
from common.ui import run_panel
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button

_LOOK_SECONDS = 3.0


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang, owner = StyleHandlers(page), page.words, page.lang, page.owner
    page.idea("teach")
    own = gr.State(None)
    words(gr.Markdown, keys={"value": "teach.step_pictures"})
    with gr.Row():
        with gr.Column(min_width=240):
            source = words(
                gr.Radio,
                keys={"label": "teach.source", "choices": [(f"teach.set_{name}", name) for name in SET.options]},
                value=SET.default,
                elem_id="style-source",
            )
            upload = words(
                gr.UploadButton,
                keys={"label": "teach.upload"},
                file_types=["image"],
                file_count="multiple",
                type="filepath",
                elem_id="style-upload",
            )
            show = words(gr.Button, keys={"value": "teach.show"}, elem_id="style-show")
        captions = CAPTIONS.box(
            words,
            "teach.captions",
            value="\n".join(PROMPTS),
            interactive=False,
            lines=5,
            max_lines=8,
            min_width=240,
            elem_id="style-captions",
        )
    captions_cut = prompt_note.place("style-captions")
    examples = gr.HTML("", elem_id="style-examples", padding=False)

    words(gr.Markdown, keys={"value": "teach.step_train"})
    with gr.Row():
        steps = TRAIN_STEPS.slider(words, "teach.steps", min_width=220, elem_id="style-steps")
        sampled = SAMPLED.box(words, "teach.prompt", max_lines=1, min_width=200, elem_id="style-sampled")
        name = run_panel.name_box(page, "style")
    sampled_cut = prompt_note.place("style-sampled")
    with folded(words, "scratch.more"), gr.Row():
        rank = RANK.slider(words, "finetune.rank", min_width=200)
        rate = RATE.box(words, "scratch.rate", min_width=200, elem_id="style-rate")
    expected = gr.HTML("", elem_id="style-time", padding=False)
    go = words(gr.Button, keys={"value": "scratch.go"}, variant="primary", elem_id="style-go")
    panel = run_panel.lay_out(page, "style", "samples", _LOOK_SECONDS)
    run, clock = panel.run, panel.clock

    words(gr.Markdown, keys={"value": "teach.step_try"})
    with gr.Row():
        prompt = PROMPT.box(
            words, "image.prompt", value=SAMPLED.default, max_lines=2, min_width=220, elem_id="style-prompt"
        )
        strength = STRENGTH.slider(words, "teach.strength", min_width=220, elem_id="style-strength")
    cut = prompt_note.place("style")
    with gr.Row():
        drawn = STEPS.slider(words, "image.steps", min_width=200)
        scale = GUIDANCE.slider(words, "image.guidance", min_width=200)
        drawn.value, scale.value = usual(page.models)
        seed = SEED.box(words, "image.seed", min_width=120)
    with gr.Row():
        draw = words(gr.Button, keys={"value": "teach.draw"}, min_width=200, elem_id="style-draw")
        again = next_seed.button(page, "style")
    both = gr.HTML("", elem_id="style-both", padding=False)
    download = words(gr.Button, keys={"value": "teach.download"}, elem_id="style-download")
    file = words(gr.File, keys={"label": "teach.file"}, interactive=False, visible=False, elem_id="style-file")
    inputs: dict[str, tuple[Field, Any]] = {
        "pictures": (SET, source),
        "steps": (TRAIN_STEPS, steps),
        "sampled": (SAMPLED, sampled),
        "prompt": (PROMPT, prompt),
        "strength": (STRENGTH, strength),
        "seed": (SEED, seed),
    }
    link_button(page, "teach", inputs)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    upload.upload(guarded(tab.take_upload), [lang, upload], [own, source, captions], **quiet)
    source.input(tab.captions, [source, own], captions, queue=False, **quiet)
    gr.on(
        [show.click, own.change, source.input],
        guarded(tab.show),
        [lang, source, own, captions],
        examples,
        trigger_mode="always_last",
        **quiet,
    )
    gr.on([steps.change, run.change], guarded(tab.time), [lang, steps], expected, **quiet)
    page.on_language(guarded(tab.time), [steps], [expected])
    started = go.click(
        guarded(tab.start),
        [lang, owner, source, own, captions, steps, sampled, name, rank, rate],
        [examples, run, clock],
        **quiet,
    )
    run_panel.wire(panel, page, tab, tab.watch)
    compare: dict[str, Any] = {
        "fn": guarded(tab.both),
        "inputs": [lang, owner, run, prompt, strength, drawn, scale, seed],
        "outputs": both,
        "trigger_mode": "always_last",
        **quiet,
    }
    compared = gr.on([draw.click, prompt.submit, strength.release], **compare)
    prompt_note.wire(page, cut, prompt, compared, next_seed.wire(page, again, [seed], compare))
    prompt_note.wire(page, sampled_cut, sampled, started, field=SAMPLED)
    prompt_note.wire(page, captions_cut, captions, started, field=CAPTIONS, prompts=str.splitlines)
    download.click(guarded(tab.download), [lang, owner, run], file, api_visibility="private")
    run.change(lambda: (gr.update(value=None, visible=False), ""), None, [file, both], queue=False, **quiet)
