"""The Failure gallery: kinds of failure, each live on the loaded model, and one switch that may mend it."""

from __future__ import annotations

from typing import Any

import gradio as gr
from chat_page import ChatPage
from gallery_handlers import DOCUMENT, FIX, KIND, TEXT, WORDS, GalleryTab

from common.text.failures import KINDS
from common.ui.errors import guarded
from common.ui.fields import from_address
from common.ui.links import link_button
from common.ui.page import language_of_visit


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = GalleryTab(page), page.words, page.lang
    page.idea("gallery")
    shown = gr.State(None)
    kind = words(
        gr.Radio,
        keys={"label": "gallery.kind", "choices": [(f"gallery.kind_{name}", name) for name in KINDS]},
        value=KIND.default,
        elem_id="gallery-kind",
    )
    about = gr.HTML("", elem_id="gallery-about")  # depends on the kind, so that the switch of language cannot fill it
    asked = TEXT.box(words, "gallery.text", max_lines=4, elem_id="gallery-text")
    document = DOCUMENT.box(words, "gallery.document", max_lines=6, elem_id="gallery-document")
    wanted = WORDS.box(words, "gallery.words", elem_id="gallery-words")
    fix = words(
        gr.Radio,
        keys={"label": "gallery.switch", "choices": [(f"gallery.switch_{name}", name) for name in FIX.options]},
        value=FIX.default,
        elem_id="gallery-fix",
    )
    with gr.Row():
        go = words(gr.Button, keys={"value": "gallery.go"}, variant="primary", min_width=150, elem_id="gallery-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="gallery-stop")
    picture = gr.HTML("", elem_id="gallery-view", padding=False)
    link_button(
        page,
        "gallery",
        {
            "kind": (KIND, kind),
            "text": (TEXT, asked),
            "document": (DOCUMENT, document),
            "words": (WORDS, wanted),
            "fix": (FIX, fix),
        },
    )

    def arrive(request: gr.Request) -> list[Any]:
        named = from_address({"kind": KIND}, dict(request.query_params)).get("kind", KIND.default)
        return list(tab.tell(language_of_visit(request), named))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [go.click, asked.submit, fix.input],
        guarded(tab.run),
        [lang, kind, asked, document, wanted, fix],
        [shown, picture],
        trigger_mode="always_last",
        **quiet,
    )
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
    filled = [asked, document, wanted, fix, about, shown, picture]
    kind.input(guarded(tab.choose), [lang, kind], filled, queue=False, **quiet)
    # An address may name the kind, too. The picture is left to `choose`: what is read here may be from before it.
    told: dict[str, Any] = {"queue": False, "trigger_mode": "always_last", **quiet}
    kind.change(guarded(tab.tell), [lang, kind], [about, document, wanted], **told)
    page.on_language(guarded(tab.tell), [kind], [about, document, wanted])
    page.arrival.add([about, document, wanted], arrive)
    page.on_language(guarded(tab.relabel), [shown], [picture])
