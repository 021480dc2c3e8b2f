"""The tab A translator or a chat model?: its layout, and which event sets off which handler."""

from __future__ import annotations

from typing import Any

import gradio as gr
from translate_page import SOURCE, TARGET, TranslatePage
from versus_examples import EXAMPLES
from versus_handlers import ASKED, EXAMPLE, REFERENCE, SENTENCE, SHOTS, VersusHandlers

from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.links import link_button


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = VersusHandlers(page.models, page.chat), page.words, page.lang
    page.idea("versus")
    shown = gr.State(None)
    example = words(
        gr.Dropdown,
        keys={"label": "versus.example", "choices": lambda code: [(one[code], n) for n, one in enumerate(EXAMPLES)]},
        value=EXAMPLE.default,
        elem_id="versus-example",
    )
    sentence = SENTENCE.box(words, "player.sentence", max_lines=5, elem_id="versus-sentence")
    with gr.Row():
        source = page.languages("translate.from", SOURCE, min_width=130, elem_id="versus-source")
        target = page.languages("translate.into", TARGET, min_width=130, elem_id="versus-target")
    wanted = REFERENCE.box(
        words, "translate.reference", info="versus.reference_hint", max_lines=5, elem_id="versus-reference"
    )
    with folded(words, "versus.asked", elem_id="versus-asked"):
        prompt = ASKED.box(
            words, "versus.prompt", info="versus.prompt_hint", lines=3, max_lines=10, elem_id="versus-prompt"
        )
        shots = SHOTS.slider(words, "versus.shots", elem_id="versus-shots")
    with gr.Row():
        go = words(gr.Button, keys={"value": "versus.go"}, variant="primary", min_width=200, elem_id="versus-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="versus-stop")
    picture = gr.HTML("", elem_id="versus-view", padding=False)
    link_button(
        page,
        "versus",
        {
            "q": (SENTENCE, sentence),
            "src": (SOURCE, source),
            "tgt": (TARGET, target),
            "ref": (REFERENCE, wanted),
            "prompt": (ASKED, prompt),
            "shots": (SHOTS, shots),
        },
    )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    gr.on(
        [go.click, sentence.submit, wanted.submit],
        guarded(handlers.run),
        [lang, sentence, source, target, wanted, prompt, shots],
        [shown, picture],
        trigger_mode="once",
        **quiet,
    )
    stop.click(guarded(handlers.stop), lang, None, **at_once)
    example.input(guarded(handlers.choose), [lang, example, source, target], [sentence, wanted], **at_once)
    gr.on(
        [source.input, target.input],
        guarded(handlers.turn),
        [lang, sentence, wanted, source, target],
        [sentence, wanted],
        **at_once,
    )
    sentence.input(
        guarded(handlers.typed), [lang, sentence, wanted, target], wanted, trigger_mode="always_last", **at_once
    )
    page.on_language(guarded(handlers.relabel), [shown], [picture])
