"""The Retrieval tab: its layout, and which event sets off which handler. What they do is in retrieval_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
from chat_page import ChatPage
from library import forget
from retrieval_handlers import KEPT_SECONDS, OVERLAP, PASSAGES, QUESTION, SIZE, RetrievalTab

from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = RetrievalTab(page), page.words, page.lang
    page.idea("retrieval")
    # No list of file types: a file of another kind gets our sentence in the reader's language.
    files = words(
        gr.File, keys={"label": "retrieval.files"}, file_count="multiple", height=140, elem_id="retrieval-files"
    )
    with gr.Row():
        samples = words(
            gr.Button,
            keys={"value": "retrieval.samples"},
            variant="primary",
            min_width=190,
            elem_id="retrieval-samples",
        )
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="retrieval-stop")
        clear = words(gr.Button, keys={"value": "retrieval.clear"}, min_width=150, elem_id="retrieval-clear")
    status = gr.HTML("", elem_id="retrieval-status")
    with words(gr.Accordion, keys={"label": "retrieval.chunks"}, open=False, elem_id="retrieval-cut"):
        with gr.Row():
            size = SIZE.slider(words, "retrieval.size", min_width=220)
            overlap = OVERLAP.slider(words, "retrieval.overlap", min_width=220)
        again = words(gr.Button, keys={"value": "retrieval.again"}, elem_id="retrieval-again")
        pieces = gr.HTML("", elem_id="retrieval-chunks")
    question = QUESTION.box(
        words,
        "retrieval.question",
        placeholder="retrieval.question_hint",
        max_lines=3,
        elem_id="retrieval-question",
    )
    with gr.Row():
        top = PASSAGES.slider(words, "retrieval.top", min_width=220)
        ask = words(
            gr.Button, keys={"value": "retrieval.ask"}, variant="primary", min_width=150, elem_id="retrieval-ask"
        )
    answers = gr.HTML("", elem_id="retrieval-answers")
    passages = gr.HTML("", elem_id="retrieval-passages")
    with words(gr.Accordion, keys={"label": "retrieval.prompt"}, open=False, elem_id="retrieval-prompt"):
        prompt = gr.Textbox("", lines=4, max_lines=20, show_label=False, container=False, interactive=False)
    library = gr.State(None, time_to_live=KEPT_SECONDS, delete_callback=forget)
    fields: dict[str, tuple[Field, Any]] = {
        "chunk": (SIZE, size),
        "overlap": (OVERLAP, overlap),
        "question": (QUESTION, question),
    }
    link_button(page, "retrieval", {**fields, "passages": (PASSAGES, top)})

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shelf = [files, library, status, pieces]
    files.upload(guarded(tab.upload), [lang, library, files, size, overlap], shelf, **quiet)
    samples.click(guarded(tab.samples), [lang, library, size, overlap], shelf, **quiet)
    again.click(guarded(tab.again), [lang, library, size, overlap], shelf, **quiet)
    shown = [answers, passages, prompt]
    for event in (ask.click, question.submit):
        event(guarded(tab.ask), [lang, library, question, top], shown, **quiet)
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
    clear.click(guarded(tab.clear), [lang, library], [*shelf, *shown], **quiet)
    page.demo.unload(tab.leave)
