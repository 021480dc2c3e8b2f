"""The Translate tab: its layout, and which event sets off which handler. What they do is in translate_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
from translate_files import FileHandlers
from translate_handlers import BEAMS, MODEL, TEXT, TranslateHandlers, model_choices
from translate_page import EXAMPLE, FROM, TARGET, TranslatePage

from common.config import settings
from common.translation.documents import FORMATS
from common.translation.models import AUTO
from common.ui.api import endpoint
from common.ui.components import folded
from common.ui.download import SAVE
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.i18n import number, text
from common.ui.links import link_button

_EXAMPLES = (
    (EXAMPLE, "sk", "en"),
    ("Où est la gare ? Je voudrais un café, s’il vous plaît.", "fr", "en"),
    ("Das Haus ist alt. Es hat einen großen Garten.", "de", "en"),
    ("I love the DSA seminar.", "en", "sk"),
)


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = TranslateHandlers(page.models), page.words, page.lang
    # First of all, since a name that is taken gets a number.
    # Past gradio's queue: the engine has a line of its own, and one request is answered sooner than three.
    endpoint("translate", handlers.api, queue=False)
    page.idea("translate")
    with gr.Row(equal_height=True):
        source = page.languages("translate.from", FROM, min_width=130, elem_id="translate-source")
        swap = words(gr.Button, keys={"value": "translate.swap"}, min_width=120, scale=0, elem_id="translate-swap")
        target = page.languages("translate.into", TARGET, min_width=130, elem_id="translate-target")
    with gr.Row():
        with gr.Column(min_width=280):
            box = TEXT.box(
                words,
                "translate.text",
                placeholder="translate.text_hint",
                value=EXAMPLE,
                lines=5,
                max_lines=16,
                elem_id="translate-text",
            )
            found = gr.HTML("", elem_id="translate-found")
        with gr.Column(min_width=280):
            translation = words(
                gr.Textbox,
                keys={"label": "translate.translation"},
                lines=5,
                max_lines=16,
                interactive=False,
                buttons=["copy"],
                elem_id="translate-translation",
            )
            status = gr.HTML("", elem_id="translate-status")
    with gr.Row(elem_classes=["example-row"]):
        examples = [gr.Button(sentence, size="sm") for sentence, _, _ in _EXAMPLES]
    with gr.Row():
        go = words(gr.Button, keys={"value": "translate.go"}, variant="primary", min_width=120, elem_id="translate-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="translate-stop")
        back_go = words(gr.Button, keys={"value": "translate.back_go"}, min_width=150, elem_id="translate-back-go")
    with words(gr.Accordion, keys={"label": "translate.alternatives"}, open=True):
        others = gr.HTML("", elem_id="translate-others")
    with words(gr.Accordion, keys={"label": "translate.back"}, open=True, visible=False) as back_part:
        back = words(
            gr.Textbox,
            keys={"label": "translate.back"},
            show_label=False,
            interactive=False,
            max_lines=12,
            elem_id="translate-back",
        )
        came_back = gr.HTML("", elem_id="translate-came-back")
    with folded(words, "translate.compare", elem_id="translate-compare"):
        reference = TEXT.box(
            words,
            "translate.reference",
            info="translate.reference_hint",
            lines=2,
            max_lines=8,
            elem_id="translate-reference",
        )
        quality = gr.HTML("", elem_id="translate-quality")
    with words(gr.Accordion, keys={"label": "chat.settings"}, open=False, elem_id="translate-settings"), gr.Row():
        model = words(
            gr.Dropdown,
            keys={
                "label": "translate.model",
                "choices": lambda lang: model_choices(lang, list(page.models.usable())),
                **({"info": "common.shared_model"} if settings().for_a_room else {}),
            },
            value=AUTO,
            min_width=220,
            elem_id="translate-model",
        )
        beams = BEAMS.slider(words, "translate.beams", min_width=220, elem_id="translate-beams")
    _file_part(page, source, target, model, beams)
    shown = gr.State(None)
    inputs: dict[str, tuple[Field, Any]] = {
        "q": (TEXT, box),
        "src": (FROM, source),
        "tgt": (TARGET, target),
        "beams": (BEAMS, beams),
    }
    link_button(page, "translate", {**inputs, "model": (MODEL, model)}, first=True)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    form = [lang, box, source, target, model, beams]
    results = [translation, found, others, status, shown]
    # Every change sets off a run, which ends the visitor's run before it: the newest text wins.
    page.demo.load(guarded(handlers.arrive), form, results, **quiet)
    gr.on(
        [box.change, source.change, target.change, model.change, beams.release],
        guarded(handlers.typed),
        form,
        results,
        trigger_mode="multiple",
        **quiet,
    )
    go.click(guarded(handlers.translate), form, results, trigger_mode="multiple", **quiet)
    stop.click(guarded(handlers.stop), lang, None, **at_once)
    swap.click(
        guarded(handlers.swap), [lang, box, translation, source, target, shown], [box, source, target], **at_once
    )
    for button, example in zip(examples, _EXAMPLES, strict=True):
        button.click(lambda example=example: example, None, [box, source, target], **at_once)
    gr.on([source.change, target.change], guarded(handlers.models_for), [lang, source, target, model], model, **at_once)
    gr.on(
        [reference.change, translation.change],
        guarded(handlers.compare),
        [lang, translation, reference],
        quality,
        trigger_mode="always_last",
        **at_once,
    )
    box.change(None, None, [back, came_back], js="() => ['', '']", **quiet)  # with every letter: no request for it
    back_go.click(lambda: gr.update(visible=True), None, back_part, **at_once)
    back_go.click(guarded(handlers.back), [lang, box, translation, shown, beams], [back, came_back], **quiet)
    page.on_language(guarded(handlers.relabel), [shown], [found, others, status])
    page.on_language(guarded(handlers.compare), [translation, reference], [quality])


def file_hint(lang: str) -> str:
    """Which files may come, as the settings have it."""
    config = settings()
    size, letters = number(lang, config.max_upload_mb), number(lang, config.max_translation_chars)
    return text(lang, "translate.file_hint", size=size, letters=letters)


def _file_part(page: TranslatePage, source: Any, target: Any, model: Any, beams: Any) -> None:
    """The part of the tab for files."""
    handlers, words, lang = FileHandlers(page.models), page.words, page.lang
    with words(gr.Accordion, keys={"label": "translate.file"}, open=False, elem_id="translate-file-part"):
        words(gr.Markdown, keys={"value": file_hint})
        file = words(
            gr.File,
            keys={"label": "translate.file_choose"},
            file_types=[f".{ending}" for ending in (*FORMATS, "htm", "markdown")],
            height=140,
            elem_id="translate-file",
        )
        with gr.Row():
            go = words(
                gr.Button,
                keys={"value": "translate.file_go"},
                variant="primary",
                min_width=150,
                elem_id="translate-file-go",
            )
            stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="translate-file-stop")
            save = words(
                gr.Button,
                keys={"value": "translate.file_save"},
                interactive=False,
                min_width=150,
                elem_id="translate-file-save",
            )
        status = gr.HTML("", elem_id="translate-file-status")
    made = gr.Textbox("", visible=False)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    go.click(guarded(handlers.translate), [lang, file, source, target, model, beams], [status, made, save], **quiet)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    save.click(None, made, None, js=SAVE, **quiet)
    file.change(lambda: ("", "", gr.update(interactive=False)), None, [status, made, save], queue=False, **quiet)
