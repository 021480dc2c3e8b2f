"""The Text-to-image tab: its layout, and which event sets off which handler. What they do is in image_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import next_seed
from diffusion_page import (
    DECODER,
    GUIDANCE,
    IMAGES,
    MODEL,
    NEGATIVE,
    PROMPT,
    SCHEDULER,
    SEED,
    SIZE,
    STEPS,
    DiffusionPage,
    page_model,
    scheduler_choices,
)
from image_handlers import STYLE, STYLES, ImageHandlers, model_choices

from common import errors
from common.config import settings
from common.diffusion.models import AUTO
from common.diffusion.opened import decoders, sizes, usual_guidance, usual_steps
from common.ui.api import endpoint
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.i18n import text
from common.ui.links import link_button


def build(page: DiffusionPage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = ImageHandlers(page.models), page.words, page.lang
    # First of all, since a name that is taken gets a number.
    endpoint("draw", handlers.api, queue=False)
    page.idea("image")
    with gr.Column(elem_classes=["prompt-room"]):
        prompt = PROMPT.box(words, "image.prompt", info="image.prompt_hint", max_lines=4, elem_id="image-prompt")
    with gr.Row(elem_classes=["button-room"]):
        go = words(gr.Button, keys={"value": "image.go"}, variant="primary", min_width=120, elem_id="image-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=80, elem_id="image-stop")
        again = next_seed.button(page, "image")
        surprise = words(gr.Button, keys={"value": "image.surprise"}, min_width=130, elem_id="image-surprise")
    note = gr.HTML("", elem_id="image-note")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            canvas = gr.HTML("", elem_id="image-canvas", padding=False)
        with gr.Column(scale=2, min_width=280), words(gr.Accordion, keys={"label": "image.settings"}, open=True):
            form = _settings(page)
    with words(gr.Accordion, keys={"label": "image.gallery"}, open=True):
        gallery = words(
            gr.Gallery,
            keys={"label": "image.gallery"},
            show_label=False,
            format="png",
            columns=5,
            fit_columns=False,
            height="auto",
            object_fit="contain",
            interactive=False,
            buttons=["download"],
            elem_id="image-gallery",
        )
    with words(gr.Accordion, keys={"label": "image.restore"}, open=False, elem_id="image-restore-part"):
        words(gr.Markdown, keys={"value": "image.restore_hint"})
        file = words(
            gr.File, keys={"label": "image.restore"}, file_types=["image"], height=120, elem_id="image-restore"
        )
        restored = gr.HTML("", elem_id="image-restored")
    shown, kept = gr.State(None), gr.State([])
    inputs: dict[str, tuple[Field, Any]] = {
        "prompt": (PROMPT, prompt),
        "negative": (NEGATIVE, form["negative"]),
        "style": (STYLE, form["style"]),
        "steps": (STEPS, form["steps"]),
        "guidance": (GUIDANCE, form["guidance"]),
        "seed": (SEED, form["seed"]),
        "size": (SIZE, form["size"]),
        "scheduler": (SCHEDULER, form["scheduler"]),
        "images": (IMAGES, form["images"]),
        "decoder": (DECODER, form["decoder"]),
        "model": (MODEL, form["model"]),
    }
    link_button(page, "image", inputs, first=True)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    boxes = [component for _, component in inputs.values()]
    wanted = [boxes[0], *(form[name] for name in _ORDER)]
    results = [canvas, shown, kept, gallery]
    draw: dict[str, Any] = {
        "fn": guarded(handlers.draw),
        "inputs": [lang, kept, *wanted],
        "outputs": results,
        "trigger_mode": "multiple",
        **quiet,
    }
    following = again.click(guarded(handlers.next_seed), [lang, form["seed"], form["images"]], form["seed"], **at_once)
    surprised = surprise.click(guarded(handlers.surprise), [lang, form["model"]], [prompt, form["seed"]], **at_once)
    for drawn in (gr.on([go.click, prompt.submit], **draw), following.success(**draw), surprised.then(**draw)):
        # A model that was loaded for this picture has a pace from now on.
        drawn.then(guarded(handlers.foresee), [lang, *wanted], note, **at_once)
    stop.click(guarded(handlers.stop), lang, None, **at_once)
    gr.on(
        [prompt.change, *(form[name].change for name in _ORDER)],
        guarded(handlers.foresee),
        [lang, *wanted],
        note,
        trigger_mode="always_last",
        **at_once,
    )
    page.on_language(guarded(handlers.foresee), wanted, [note])
    page.demo.load(guarded(handlers.settle), [lang, *wanted], note, **quiet)
    form["model"].input(
        guarded(handlers.for_model),
        [lang, form["model"]],
        [form[name] for name in ("steps", "guidance", "size", "scheduler", "decoder")],
        **at_once,
    )
    file.upload(
        guarded(handlers.restore),
        [lang, file, form["model"]],
        [prompt, *(form[name] for name in _ORDER), restored],
        **quiet,
    )
    page.on_language(guarded(handlers.relabel), [shown], [canvas])
    page.on_language(guarded(handlers.schedulers), [form["model"]], [form["scheduler"]])


_ORDER = ("negative", "style", "steps", "guidance", "seed", "size", "scheduler", "images", "decoder", "model")


def _settings(page: DiffusionPage) -> dict[str, Any]:
    """The boxes beside the prompt, by name; they begin with what suits the model of the page."""
    words = page.words
    try:
        model = page.models.find()
        steps, guidance, size, offered = usual_steps(model), usual_guidance(model), model.size, sizes(model.size)
        choice = len(decoders(model)) > 1
    except errors.DemystifyError:  # said in the status line, and on a click
        steps, guidance, size, offered = int(STEPS.default or 20), GUIDANCE.default or 4.0, 64, sizes(64)
        choice = False
    form: dict[str, Any] = {}
    form["steps"] = STEPS.slider(words, "image.steps", elem_id="image-steps")
    form["guidance"] = GUIDANCE.slider(words, "image.guidance", elem_id="image-guidance")
    form["steps"].value, form["guidance"].value = steps, guidance
    with gr.Row():
        form["seed"] = SEED.box(words, "image.seed", min_width=130, elem_id="image-seed")
        form["images"] = IMAGES.slider(words, "image.images", min_width=130, elem_id="image-images")
    with gr.Row():
        form["size"] = words(
            gr.Dropdown,
            keys={"label": "image.size"},
            choices=list(offered),
            value=size,
            # A link may name another model's size: the model says whether it has it, not gradio's list.
            allow_custom_value=True,
            min_width=110,
            elem_id="image-size",
        )
        form["scheduler"] = words(
            gr.Dropdown,
            keys={"label": "image.scheduler"},
            choices=scheduler_choices(words.lang, page_model(page.models)),  # then those of the model that is chosen
            value=SCHEDULER.default,
            allow_custom_value=True,
            min_width=210,
            elem_id="image-scheduler",
        )
    form["decoder"] = words(
        gr.Radio,
        keys={
            "label": "image.decoder",
            "choices": lambda lang: [(text(lang, f"image.decoder_{name}"), name) for name in DECODER.options],
        },
        value=DECODER.default,
        visible=choice,
        elem_id="image-decoder",
    )
    form["negative"] = NEGATIVE.box(words, "image.negative", max_lines=3, elem_id="image-negative")
    with gr.Row():
        form["style"] = words(
            gr.Dropdown,
            keys={
                "label": "image.style",
                "info": "image.style_note",
                "choices": lambda lang: [(text(lang, f"image.style_{name}"), name) for name in STYLES],
            },
            value=STYLE.default,
            min_width=210,
            elem_id="image-style",
        )
        form["model"] = words(
            gr.Dropdown,
            keys={
                "label": "image.model",
                "choices": lambda lang: model_choices(lang, page.models),
                **({"info": "common.shared_model"} if settings().for_a_room else {}),
            },
            value=AUTO,
            min_width=210,
            elem_id="image-model",
        )
    return form
