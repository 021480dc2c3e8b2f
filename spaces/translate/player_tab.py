"""The Step player tab: its layout, and which event sets off which handler. What they do is in player_handlers.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from player_handlers import FORCE, HEAD, LAYER, PlayerHandlers
from sentence_form import sentence_form
from translate_page import TranslatePage

from common.ui.errors import guarded
from common.ui.links import link_button

_SCRIPT = Path(__file__).with_name("step-player.js")


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = PlayerHandlers(page.models), page.words, page.lang
    page.idea("player")
    shown = gr.State(None)
    form = sentence_form(page, "player")
    go = words(gr.Button, keys={"value": "player.go"}, variant="primary", elem_id="player-go")
    note = gr.HTML("", elem_id="player-note")
    player = gr.HTML("", elem_id="player-view", padding=False, js_on_load=_SCRIPT.read_text(encoding="utf-8"))
    # What a link carries beside the boxes: chosen inside the player.
    force = gr.Textbox(FORCE.default, visible=False)
    layer, head = (gr.Number(field.default, visible=False, precision=0) for field in (LAYER, HEAD))
    link_button(
        page,
        "player",
        {
            **form.link,
            "layer": (LAYER, layer),
            "head": (HEAD, head),
            "force": (FORCE, force),
        },
    )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shows = [shown, player, force, note]
    gr.on(
        [go.click, form.sentence.submit],
        guarded(handlers.play),
        [lang, shown, *form.boxes, force, layer, head],
        shows,
        trigger_mode="always_last",
        **quiet,
    )
    for event, handler in ((player.force, handlers.force), (player.release, handlers.release)):
        event(guarded(handler), [lang, shown, layer, head], shows, trigger_mode="always_last", **quiet)
    player.pick(guarded(handlers.pick), lang, [layer, head], queue=False, trigger_mode="always_last", **quiet)
    page.on_language(guarded(handlers.relabel), [shown, layer, head], [player])
    # Tokens that were forced belong to the sentence and the languages they were chosen for.
    gr.on([box.input for box in form.boxes], None, None, force, js="() => ''", **quiet)
