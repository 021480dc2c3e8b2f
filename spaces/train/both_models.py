"""The part of a tab that asks two models the same: the one a run began with, and its own."""

from __future__ import annotations

from typing import Any

import gradio as gr
from train_page import TrainPage
from tuned_handlers import QUESTION, SEED, TEMPERATURE, TunedHandlers

from common.ui.errors import guarded


def build(page: TrainPage, tab: TunedHandlers, run: Any, prefix: str) -> None:
    """Lay it out and wire it; ``run`` is the list in which a run is chosen, ``prefix`` that of the elements' ids."""
    words = page.words
    words(gr.Markdown, keys={"value": f"{prefix}.step_try"})
    with gr.Row():
        prompt = QUESTION.box(words, "field.question", min_width=260, scale=2, elem_id=f"{prefix}-prompt")
        temperature = TEMPERATURE.slider(words, "chat.temperature", min_width=200)
        seed = SEED.box(words, "field.seed", min_width=120)
    ask = words(gr.Button, keys={"value": "finetune.ask"}, elem_id=f"{prefix}-ask")
    with gr.Row():
        before, after = (
            words(
                gr.Textbox,
                keys={"label": f"finetune.answer_{name}"},
                lines=5,
                max_lines=12,
                min_width=260,
                elem_id=f"{prefix}-{name}",
            )
            for name in ("before", "after")
        )
    ask.click(
        guarded(tab.ask),
        [page.lang, page.owner, run, prompt, temperature, seed],
        [before, after],
        api_visibility="private",
        show_progress="hidden",
    )
