"""The Scoreboard tab: its layout, and which event sets off which handler. What they do is in board_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
from board_handlers import PER_HOUR, QUESTIONS, BoardTab
from train_page import TrainPage

from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button


def build(page: TrainPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang, owner = BoardTab(page), page.words, page.lang, page.owner
    page.idea("scoreboard")
    answers = gr.State(None)
    with gr.Row():
        chosen = words(
            gr.Dropdown,
            keys={"label": "scoreboard.board"},
            choices=[],
            interactive=True,
            min_width=260,
            elem_id="scoreboard-board",
        )
        again = words(
            gr.Button, keys={"value": "scoreboard.again"}, size="sm", min_width=140, elem_id="scoreboard-again"
        )
    table = gr.HTML("", elem_id="scoreboard-table", padding=False)
    words(gr.Markdown, keys={"value": "scoreboard.step_answers"})
    with gr.Row():
        questions = QUESTIONS.slider(words, "field.board_questions", min_width=200)
        per_hour = PER_HOUR.box(words, "field.hourly_price", min_width=200)
    with gr.Row():
        go = words(gr.Button, keys={"value": "scoreboard.go"}, variant="primary", elem_id="scoreboard-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, elem_id="scoreboard-stop")
    status = gr.HTML("", elem_id="scoreboard-status", padding=False)
    said = gr.HTML("", elem_id="scoreboard-answers", padding=False)
    fields: dict[str, tuple[Field, Any]] = {
        "board_questions": (QUESTIONS, questions),
        "hourly_price": (PER_HOUR, per_hour),
    }
    link_button(page, "scoreboard", fields)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    looked = [chosen, table, said]
    shown = [lang, owner, chosen, per_hour, answers]
    look = guarded(tab.look)
    page.known.then(look, shown, looked, **quiet)
    events = [page.opened.select, chosen.input, again.click, per_hour.change]
    gr.on(events, look, shown, looked, trigger_mode="always_last", **quiet)
    page.on_language(look, shown[1:], looked)
    page.on_language(guarded(tab.status), [owner, answers], [status])
    go.click(guarded(tab.measure), [lang, owner, chosen, questions, per_hour], [status, table, said, answers], **quiet)
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
