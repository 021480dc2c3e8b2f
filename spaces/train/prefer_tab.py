"""The Align tab: its layout, and which event sets off which handler. What they do is in prefer_handlers.py."""

from __future__ import annotations

from typing import Any

import after_training
import base_models
import both_models
import gradio as gr
from prefer_handlers import BASE, BETA, PASSES, QUESTIONS, RATE, PreferTab
from train_page import TrainPage
from tuned_handlers import QUESTION

from common import catalog
from common.training.pairs import STORAGE_KEY
from common.ui import run_panel
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button

_LOOK_SECONDS = 3.0


def build(page: TrainPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang, owner = PreferTab(page), page.words, page.lang, page.owner
    page.idea("prefer")
    kept = gr.BrowserState("", storage_key=STORAGE_KEY, secret="demystify")  # noqa: S106 - hides nothing
    words(gr.Markdown, keys={"value": "prefer.step_choose"})
    start = words(
        gr.Dropdown,
        keys={"label": "finetune.base"},
        choices=[(base_models.title(catalog.EMBEDDED_CHAT_MODEL), BASE)],
        value=BASE,
        interactive=True,
        elem_id="prefer-start",
    )
    asked = QUESTION.box(words, "field.question", value=QUESTIONS[0], elem_id="prefer-asked")
    write = words(gr.Button, keys={"value": "prefer.write"}, variant="primary", elem_id="prefer-write")
    boxes, buttons = {}, {}
    with gr.Row():
        for which in ("a", "b"):
            with gr.Column(min_width=260):
                boxes[which] = words(
                    gr.Textbox, keys={"label": f"prefer.answer_{which}"}, lines=4, max_lines=10,
                    interactive=False, elem_id=f"prefer-{which}",
                )  # fmt: skip
                buttons[which] = words(
                    gr.Button, keys={"value": f"prefer.better_{which}"}, elem_id=f"prefer-better-{which}"
                )
    pairs = gr.HTML("", elem_id="prefer-pairs")
    forget = words(gr.Button, keys={"value": "prefer.forget"}, size="sm", elem_id="prefer-forget")

    words(gr.Markdown, keys={"value": "prefer.step_train"})
    with gr.Row():
        passes = PASSES.slider(words, "field.passes", min_width=200)
        question = QUESTION.box(words, "finetune.question", max_lines=1, min_width=200)
        name = run_panel.name_box(page, "prefer")
    with folded(words, "scratch.more"), gr.Row():
        rate = RATE.box(words, "scratch.rate", min_width=200)
        beta = BETA.slider(words, "prefer.beta", min_width=200)
    go = words(gr.Button, keys={"value": "prefer.go"}, variant="primary", elem_id="prefer-go")
    panel = run_panel.lay_out(page, "prefer", "answers", _LOOK_SECONDS)
    run, clock = panel.run, panel.clock
    both_models.build(page, tab, run, "prefer")
    after_training.build(page, tab, run, "prefer", mergeable=True)

    fields: dict[str, tuple[Field, Any]] = {
        "asked": (QUESTION, asked),
        "passes": (PASSES, passes),
        "learning_rate": (RATE, rate),
        "beta": (BETA, beta),
        "question": (QUESTION, question),
    }
    link_button(page, "prefer", fields)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    live: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    writing = write.click(guarded(tab.write), [lang, owner, start, asked], list(boxes.values()), **quiet)
    for which, button in buttons.items():
        button.click(
            guarded(tab.choice(which)),
            [lang, kept, asked, *boxes.values()],
            [kept, pairs, asked, *boxes.values()],
            cancels=[writing],  # else the rest of these answers came after the choice, under the next question
            **quiet,
        )
    forget.click(lambda: "", None, kept, queue=False, **quiet).then(guarded(tab.look), [lang, kept], pairs, **quiet)
    # What the browser keeps is read when the tab is first opened, which is after the page has loaded.
    kept.change(guarded(tab.look), [lang, kept], pairs, **live)
    page.on_language(guarded(tab.look), [kept], [pairs], on_visit=True)
    go.click(
        guarded(tab.start),
        [lang, owner, start, kept, passes, rate, beta, name, question],
        [run, clock],
        api_visibility="private",
    )
    run_panel.wire(panel, page, tab, tab.watch).then(guarded(tab.starts), [lang, owner, start], start, **quiet)
    start.focus(guarded(tab.starts), [lang, owner, start], start, **quiet)
