"""The Fine-tune tab: its layout, and which event sets off which handler. What they do is in finetune_handlers.py."""

from __future__ import annotations

from typing import Any

import after_training
import base_models
import both_models
import gradio as gr
from finetune_handlers import (
    ANSWER,
    BASE,
    METHOD,
    MINUTES,
    RANK,
    RATE,
    RATES,
    ROW,
    ROWS,
    SOURCE,
    FinetuneTab,
    Form,
)
from train_page import TrainPage
from tuned_handlers import QUESTION

from common.training.instructions import KINDS
from common.ui import run_panel
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button

_LOOK_SECONDS = 3.0


def build(page: TrainPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang, owner = FinetuneTab(page), page.words, page.lang, page.owner
    page.idea("finetune")
    own = gr.State(None)
    words(gr.Markdown, keys={"value": "finetune.step_examples"})
    source = words(
        gr.Radio,
        keys={"label": "finetune.examples", "choices": [(f"finetune.set_{name}", name) for name in SOURCE.options]},
        value=SOURCE.default,
        elem_id="finetune-source",
    )
    with folded(words, "finetune.own", elem_id="finetune-own"):
        words(gr.Markdown, keys={"value": "finetune.own_about"})
        with gr.Row():
            asked = QUESTION.box(words, "field.question", value="", min_width=220, elem_id="finetune-asked")
            said = ANSWER.box(words, "field.answer", min_width=220, elem_id="finetune-said")
        with gr.Row():
            add = words(gr.Button, keys={"value": "finetune.add"}, min_width=130, elem_id="finetune-add")
            upload = words(
                gr.UploadButton,
                keys={"label": "finetune.upload"},
                file_types=list(KINDS),
                type="filepath",
                min_width=130,
                elem_id="finetune-upload",
            )
            clear = words(gr.Button, keys={"value": "finetune.clear"}, min_width=130, elem_id="finetune-clear")
        count = gr.HTML("", elem_id="finetune-count")
    examples = gr.HTML("", elem_id="finetune-examples")
    show = words(gr.Button, keys={"value": "finetune.show_mask"}, size="sm", elem_id="finetune-show")
    mask = gr.HTML("", elem_id="finetune-mask")

    words(gr.Markdown, keys={"value": "finetune.step_method"})
    with gr.Row():
        method = words(
            gr.Radio,
            keys={"label": "finetune.method", "choices": [(f"finetune.method_{name}", name) for name in RATES]},
            value="lora",
            min_width=260,
            elem_id="finetune-method",
        )
        rank = RANK.slider(words, "finetune.rank", min_width=220, elem_id="finetune-rank")
    numbers = gr.HTML("", elem_id="finetune-numbers")
    with folded(words, "scratch.more"):
        base = words(
            gr.Dropdown,
            keys={"label": "finetune.base"},
            choices=[(base_models.title(name), name) for name in base_models.IDS],
            value=BASE.default,
            elem_id="finetune-base",
        )
        with gr.Row():
            rows = ROWS.slider(words, "finetune.rows", min_width=200)
            row = ROW.slider(words, "finetune.row", min_width=200)
            rate = RATE.box(words, "scratch.rate", min_width=200, elem_id="finetune-rate")

    words(gr.Markdown, keys={"value": "finetune.step_train"})
    with gr.Row():
        minutes = MINUTES.slider(words, "scratch.minutes", min_width=220, elem_id="finetune-minutes")
        question = QUESTION.box(words, "finetune.question", max_lines=1, min_width=220, elem_id="finetune-question")
        name = run_panel.name_box(page, "finetune")
    passes = gr.HTML("", elem_id="finetune-passes")
    go = words(gr.Button, keys={"value": "finetune.go"}, variant="primary", elem_id="finetune-go")
    panel = run_panel.lay_out(page, "finetune", "answers", _LOOK_SECONDS)
    run, clock = panel.run, panel.clock
    both_models.build(page, tab, run, "finetune")
    after_training.build(page, tab, run, "finetune", mergeable=True)

    fields: dict[str, tuple[Field, Any]] = {
        "examples": (SOURCE, source),
        "base": (BASE, base),
        "method": (METHOD, method),
        "rank": (RANK, rank),
        "rows": (ROWS, rows),
        "row": (ROW, row),
        "minutes": (MINUTES, minutes),
        "learning_rate": (RATE, rate),
        "question": (QUESTION, question),
    }
    link_button(page, "finetune", fields)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    live: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    gr.on([source.change, own.change], guarded(tab.look), [lang, source, own], examples, **live)
    own.change(guarded(tab.count), [lang, own], count, **live)
    show.click(guarded(tab.mask), [lang, base, source, own], mask, api_visibility="private")
    add.click(guarded(tab.add), [lang, own, asked, said], [own, source, count, asked, said], **quiet)
    upload.upload(guarded(tab.take_upload), [lang, upload], [own, source], **quiet)
    clear.click(lambda: (None, SOURCE.default), None, [own, source], queue=False, **quiet)
    sized: list[Any] = [base, method, rank, rows, row]
    gr.on([part.change for part in sized], guarded(tab.numbers), [lang, *sized], numbers, **live)
    form = Form(base=base, method=method, rank=rank, rows=rows, row=row, minutes=minutes, source=source, own=own)
    gr.on([part.change for part in form], guarded(tab.passes), [lang, *form], passes, **live)
    # While one setting is measured, others may be chosen: what is drawn afterwards are those that are set by then.
    gr.on([page.opened.select, *(part.change for part in form)], guarded(tab.time), [lang, *form], None, **live).then(
        guarded(tab.passes), [lang, *form], passes, **quiet
    )
    page.on_language(guarded(tab.look), [source, own], [examples], on_visit=True)
    page.on_language(guarded(tab.count), [own], [count])
    page.on_language(guarded(tab.numbers), sized, [numbers], on_visit=True)
    page.on_language(guarded(tab.passes), form, [passes], on_visit=True)
    method.input(_suiting_rate, method, rate, queue=False, **quiet)
    go.click(
        guarded(tab.start),
        [lang, owner, rate, name, question, *form],
        [run, clock],
        api_visibility="private",
    )
    run_panel.wire(panel, page, tab, tab.watch)


def _suiting_rate(method: str) -> float:
    """The learning rate that a method usually takes."""
    return next((rate for name, rate in RATES.items() if name == method), float(RATE.default or 0))
