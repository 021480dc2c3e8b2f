"""The Translate tab: its layout, and which event sets off which handler."""

from __future__ import annotations

import gradio as gr
from translate_page import EXAMPLE, SOURCE, TARGET, TranslatePage


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    page.idea("translate")
    with gr.Row():
        page.languages("translate.from", SOURCE, min_width=160, elem_id="translate-source")
        page.languages("translate.into", TARGET, min_width=160, elem_id="translate-target")
    page.words(gr.Textbox, keys={"label": "translate.text"}, value=EXAMPLE, lines=4, elem_id="translate-text")
