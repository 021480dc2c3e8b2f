"""The From scratch tab: its layout, and which event sets off which handler. What they do is in scratch_handlers.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import after_training
import gradio as gr
from scratch_handlers import (
    ARCHITECTURE,
    BATCH,
    COLUMN,
    CONTEXT,
    DATASET,
    HEADS,
    LAYERS,
    MINUTES,
    OPENING,
    PASTED,
    PRESET_RATES,
    PRESETS,
    RATE,
    SOURCE,
    TEMPERATURE,
    TOKENIZER,
    VOCABULARY,
    WIDTH,
    ScratchTab,
)
from scratch_look import history_html
from train_page import TrainPage

from common.training.uploads import KINDS
from common.ui import run_panel
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button

_LOOK_SECONDS = 2.0


def build(page: TrainPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = ScratchTab(page), page.words, page.lang
    page.idea("scratch")
    owner, own = page.owner, gr.State(None)
    words(gr.Markdown, keys={"value": "scratch.step_text"})
    source = words(
        gr.Radio,
        keys={"label": "scratch.corpus", "choices": [(f"scratch.corpus_{name}", name) for name in SOURCE.options]},
        value=SOURCE.default,
        elem_id="scratch-source",
    )
    with folded(words, "scratch.own", elem_id="scratch-own"):
        pasted = PASTED.box(
            words,
            "scratch.paste",
            placeholder="scratch.paste_hint",
            lines=4,
            max_lines=10,
            elem_id="scratch-pasted",
        )
        with gr.Row():
            take = words(gr.Button, keys={"value": "scratch.take"}, min_width=150, elem_id="scratch-take")
            upload = words(
                gr.UploadButton,
                keys={"label": "scratch.upload"},
                file_types=list(KINDS),
                type="filepath",
                min_width=150,
                elem_id="scratch-upload",
            )
    with folded(words, "scratch.hub", elem_id="scratch-hub"), gr.Row():
        dataset = DATASET.box(
            words,
            "field.dataset",
            placeholder="scratch.dataset_hint",
            max_lines=1,
            min_width=220,
            elem_id="scratch-dataset",
        )
        column = COLUMN.box(
            words,
            "field.column",
            placeholder="scratch.column_hint",
            max_lines=1,
            min_width=200,
            elem_id="scratch-column",
        )
        get = words(gr.Button, keys={"value": "scratch.fetch"}, min_width=150, elem_id="scratch-fetch")
    corpus = gr.HTML("", elem_id="scratch-corpus")

    words(gr.Markdown, keys={"value": "scratch.step_tokens"})
    with gr.Row():
        kind = words(
            gr.Radio,
            keys={"label": "scratch.tokenizer", "choices": [(f"scratch.{name}", name) for name in TOKENIZER.options]},
            value=TOKENIZER.default,
            min_width=220,
            elem_id="scratch-tokenizer",
        )
        vocabulary = VOCABULARY.slider(words, "scratch.vocabulary", min_width=220)
    cut = gr.HTML("", elem_id="scratch-tokens")

    words(gr.Markdown, keys={"value": "scratch.step_model"})
    with gr.Row():
        presets = {
            name: words(
                gr.Button, keys={"value": f"scratch.preset_{name}"}, size="sm", min_width=150, elem_id=f"scratch-{name}"
            )
            for name in PRESETS
        }
    with gr.Row():
        minutes = MINUTES.slider(words, "scratch.minutes", min_width=200, elem_id="scratch-minutes")
        layers = LAYERS.slider(words, "scratch.layers", min_width=200, elem_id="scratch-layers")
        width = WIDTH.slider(words, "scratch.width", min_width=200)
    with folded(words, "scratch.more"):
        with gr.Row():
            architecture = words(
                gr.Radio,
                keys={"label": "scratch.architecture"},
                choices=[("Llama", "llama"), ("GPT-2", "gpt2")],
                value=ARCHITECTURE.default,
                min_width=200,
            )
            heads = HEADS.slider(words, "scratch.heads", min_width=200)
            context = CONTEXT.slider(words, "scratch.context", min_width=200)
        with gr.Row():
            batch = BATCH.slider(words, "scratch.batch", min_width=200)
            rate = RATE.box(words, "scratch.rate", min_width=200, elem_id="scratch-rate")
            seed = gr.Number(0, visible=False)
    numbers = gr.HTML("", elem_id="scratch-numbers")

    words(gr.Markdown, keys={"value": "scratch.step_train"})
    with gr.Row():
        name = run_panel.name_box(page, "scratch")
        opening = OPENING.box(words, "scratch.opening", max_lines=1, min_width=200, elem_id="scratch-opening")
    go = words(gr.Button, keys={"value": "scratch.go"}, variant="primary", elem_id="scratch-go")
    panel = run_panel.lay_out(page, "scratch", "written", _LOOK_SECONDS, compare="scratch.compare")
    run, clock = panel.run, panel.clock
    words(gr.HTML, keys={"value": history_html}, elem_id="scratch-history")

    words(gr.Markdown, keys={"value": "scratch.step_try"})
    with gr.Row():
        beginning = OPENING.box(
            words, "scratch.beginning", max_lines=2, min_width=220, scale=2, elem_id="scratch-beginning"
        )
        temperature = TEMPERATURE.slider(words, "chat.temperature", min_width=200)
    write = words(gr.Button, keys={"value": "scratch.write"}, elem_id="scratch-write")
    text_out = words(gr.Textbox, keys={"label": "scratch.result"}, lines=4, max_lines=12, elem_id="scratch-result")

    after_training.build(page, tab, run, "scratch")

    form: list[Any] = [architecture, layers, heads, width, context, batch, minutes, kind, vocabulary]
    fields: dict[str, tuple[Field, Any]] = {
        "corpus": (SOURCE, source),
        "dataset": (DATASET, dataset),
        "column": (COLUMN, column),
        "tokenizer": (TOKENIZER, kind),
        "vocabulary": (VOCABULARY, vocabulary),
        "architecture": (ARCHITECTURE, architecture),
        "layers": (LAYERS, layers),
        "heads": (HEADS, heads),
        "width": (WIDTH, width),
        "context": (CONTEXT, context),
        "batch": (BATCH, batch),
        "minutes": (MINUTES, minutes),
        "learning_rate": (RATE, rate),
        "opening": (OPENING, opening),
    }
    link_button(page, "scratch", fields, first=True)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    live: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    text_of = [source, own]
    gr.on([source.change, own.change], guarded(tab.look), [lang, *text_of], corpus, **live)
    gr.on(
        [source.change, own.change, kind.change, vocabulary.release],
        guarded(tab.cut),
        [lang, *text_of, kind, vocabulary],
        cut,
        **live,
    )
    sized = [source, own, *form]
    gr.on([part.change for part in sized], guarded(tab.numbers), [lang, *sized], numbers, **live)
    # While one setting is measured, others may be chosen: what is drawn afterwards are those that are set by then.
    gr.on([page.opened.select, *(part.change for part in sized)], guarded(tab.time), [lang, *sized], None, **live).then(
        guarded(tab.numbers), [lang, *sized], numbers, **quiet
    )
    page.known.then(guarded(tab.timed_numbers), [lang, *sized], numbers, **quiet)
    page.on_language(guarded(tab.look), text_of, [corpus], on_visit=True)
    page.on_language(guarded(tab.cut), [*text_of, kind, vocabulary], [cut], on_visit=True)
    page.on_language(guarded(tab.numbers), sized, [numbers], on_visit=True)
    take.click(guarded(tab.paste), [lang, own, pasted], [own, source], **quiet)
    upload.upload(guarded(tab.take_upload), [lang, own, upload], [own, source], **quiet)
    get.click(guarded(tab.fetch), [lang, own, dataset, column], [own, source], api_visibility="private")
    for preset, button in presets.items():
        button.click(partial(_preset, preset), None, [*form, rate], **at_once)
    go.click(
        guarded(tab.start), [lang, owner, *text_of, name, rate, seed, opening, *form], [run, clock], **quiet
    ).success(guarded(tab.runs_of), [lang, owner, run], [run, clock], **quiet)
    run_panel.wire(panel, page, tab, tab.watch)
    write.click(guarded(tab.write), [lang, owner, run, beginning, temperature], text_out, **quiet)


def _preset(name: str) -> list[Any]:
    return [*PRESETS[name], PRESET_RATES[name]]
