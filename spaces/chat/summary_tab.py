"""The Summary tab: its layout, and which event sets off which handler. What they do is in summary_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
import summary_adapter
from chat_page import SEED, TOP_P, ChatPage
from summary_draw import SHOW_SOURCES
from summary_form import (
    FORM,
    KIND,
    MERGE_TEMPLATE,
    OPENING,
    PART_TOKENS,
    REFERENCE,
    SAMPLE,
    SHOT_DOCUMENT,
    SHOT_SUMMARY,
    SHOTS,
    SOURCE,
    SUMMARY_PENALTY,
    SUMMARY_TEMPERATURE,
    SUMMARY_TEMPLATE,
    WORDS,
)
from summary_handlers import SummaryTab
from summary_writers import WRITER

from common.text.tasks.samples import samples
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field, Text
from common.ui.i18n import text
from common.ui.links import link_button


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = SummaryTab(page), page.words, page.lang
    first = samples()[0]
    page.idea("summary")
    with gr.Row(equal_height=True):
        sample = words(
            gr.Dropdown,
            keys={"label": "summary.sample", "choices": [(f"summary.sample_{name}", name) for name in SAMPLE.options]},
            value=SAMPLE.default,
            min_width=220,
            scale=2,
            elem_id="summary-sample",
        )
        kind = words(
            gr.Radio,
            keys={"label": "summary.kind", "choices": [(f"summary.kind_{name}", name) for name in KIND.options]},
            value=first.kind,
            min_width=200,
            elem_id="summary-kind",
        )
        form = words(
            gr.Radio,
            keys={"label": "summary.form", "choices": [(f"summary.form_{name}", name) for name in FORM.options]},
            value=FORM.default,
            min_width=240,
            elem_id="summary-form",
        )
    source = SOURCE.box(
        words,
        "summary.source",
        placeholder="summary.source_hint",
        value=first.document,
        lines=8,
        max_lines=14,
        elem_id="summary-source",
    )
    file = words(
        gr.UploadButton,
        keys={"label": "summary.upload"},
        size="sm",
        elem_id="summary-upload",
    )
    with gr.Row():
        length = WORDS.slider(words, "summary.words", min_width=220, elem_id="summary-words")
        part_tokens = PART_TOKENS.slider(words, "summary.part_tokens", min_width=220, elem_id="summary-part_tokens")
    # Its choices are not the same for everybody: what a visitor has trained is among them.
    writer = words(
        gr.Radio,
        keys={"label": "summary.writer"},
        choices=[(text(words.lang, f"summary.writer_{name}"), name) for name in WRITER.options],
        value=WRITER.default,
        elem_id="summary-writer",
    )
    about = gr.HTML("", elem_id="summary-writer-about", padding=False)
    way = gr.HTML("", elem_id="summary-writer-way", padding=False)
    with words(gr.Accordion, keys={"label": "summary.card"}, open=False, elem_id="summary-card"):
        gr.Markdown(summary_adapter.card())
    with folded(words, "summary.shots", elem_id="summary-shots-box") as shots_box:
        words(gr.Markdown, keys={"value": "summary.shots_hint"})
        shots = words(
            gr.CheckboxGroup,
            keys={"label": "summary.shots_ours", "choices": [(f"summary.shot_{name}", name) for name in SHOTS.options]},
            value=[],
            elem_id="summary-shots",
        )
        with gr.Row():
            shot_document = _box(words, SHOT_DOCUMENT, lines=3)
            shot_summary = _box(words, SHOT_SUMMARY, lines=3)
    with folded(words, "summary.prompts", elem_id="summary-prompts-box"):
        words(gr.Markdown, keys={"value": "summary.prompts_hint"})
        templates = [_box(words, field, lines=3) for field in (SUMMARY_TEMPLATE, MERGE_TEMPLATE, OPENING)]
    with folded(words, "chat.settings"):
        words(gr.Markdown, keys={"value": "summary.settings_hint"})
        with gr.Row():
            temperature = SUMMARY_TEMPERATURE.slider(words, "chat.temperature", min_width=220)
            top_p = TOP_P.slider(words, "chat.top_p", min_width=220)
        with gr.Row():
            penalty = SUMMARY_PENALTY.slider(words, "chat.repetition_penalty", min_width=220)
            seed = SEED.box(words, "chat.seed", min_width=220)
    with gr.Row():
        go = words(gr.Button, keys={"value": "summary.go"}, variant="primary", min_width=150, elem_id="summary-go")
        compare = words(gr.Button, keys={"value": "summary.compare"}, min_width=220, elem_id="summary-compare")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="summary-stop")
    meter = gr.HTML("", elem_id="summary-meter")
    made, compared = gr.State(None), gr.State(None)
    status = gr.HTML("", elem_id="summary-status")
    result = gr.HTML("", elem_id="summary-result", js_on_load=SHOW_SOURCES)
    comparison = gr.HTML("", elem_id="summary-comparison")
    reference = REFERENCE.box(
        words,
        "summary.reference",
        placeholder="summary.reference_hint",
        value=first.references["abstract"],
        lines=2,
        max_lines=8,
        elem_id="summary-reference",
    )
    scores = gr.HTML("", elem_id="summary-scores")
    with words(gr.Accordion, keys={"label": "summary.between"}, open=False, elem_id="summary-between"):
        parts = gr.HTML("", elem_id="summary-parts")
    with words(gr.Accordion, keys={"label": "summary.true_prompt"}, open=False, elem_id="summary-true"):
        prompts = gr.HTML("", elem_id="summary-prompts")
    settings_of_link: dict[str, tuple[Field, Any]] = {
        "sample": (SAMPLE, sample),
        "writer": (WRITER, writer),
        "kind": (KIND, kind),
        "form": (FORM, form),
        "words": (WORDS, length),
        "part_tokens": (PART_TOKENS, part_tokens),
        "shots": (SHOTS, shots),
        "shot_document": (SHOT_DOCUMENT, shot_document),
        "shot_summary": (SHOT_SUMMARY, shot_summary),
        "summary_prompt": (SUMMARY_TEMPLATE, templates[0]),
        "merge_prompt": (MERGE_TEMPLATE, templates[1]),
        "opening": (OPENING, templates[2]),
        "temperature": (SUMMARY_TEMPERATURE, temperature),
        "top_p": (TOP_P, top_p),
        "repetition_penalty": (SUMMARY_PENALTY, penalty),
        "seed": (SEED, seed),
    }
    tab.link = link_button(page, "summary", settings_of_link, later=["writer"])

    by_whom = [page.owner, writer]
    no_task = ("sample", "writer")
    asked: list[Any] = [
        source,
        *(component for name, (_, component) in settings_of_link.items() if name not in no_task),
    ]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    # A text of the visitor's own is no sample any more: a link would open another one.
    source.change(guarded(tab.name_source), [lang, source, sample], sample, **at_once)
    sample.change(guarded(tab.choose), [lang, sample, form], [source, kind, reference], **at_once)
    file.upload(guarded(tab.upload), [lang, file], [source, kind, sample, reference, status], **quiet)
    form.change(guarded(tab.refer), [lang, sample, form], reference, **at_once)
    switch = [writer, about, way]
    page.opened.select(guarded(tab.refresh_writers), [lang, *by_whom], switch, **quiet)
    writer.input(guarded(tab.choose_writer), [lang, *by_whom], switch, trigger_mode="always_last", **quiet)
    page.on_visit(guarded(tab.arrive), [page.owner], switch)
    page.on_language(guarded(tab.refresh_writers), by_whom, switch)

    held = [go, compare]
    works: dict[gr.Button, tuple[Any, list[Any], list[Any]]] = {
        go: (tab.run, [made, reference], [made, status, result, scores, parts, prompts]),
        compare: (tab.compare, [reference], [compared, comparison]),
    }
    for button, (work, known, shown) in works.items():
        run = button.click(lambda: _all_of(held, False), None, held, **at_once).then(
            guarded(work), [lang, *known, *by_whom, *asked], shown, **quiet
        )
        for ended in (run.success, run.failure):  # after an error, gradio goes on with nothing else
            ended(lambda: _all_of(held, True), None, held, **at_once)
    stop.click(guarded(tab.stop), lang, None, **at_once)
    reference.change(guarded(tab.score), [lang, reference, made, compared], [scores, comparison], **quiet)

    counted = [component for component in asked if component not in (source, temperature, top_p, penalty, seed)]
    # Not when the page opens: most visits go to other tabs.
    changes = [source.change, writer.change, *(component.change for component in counted)]
    gr.on(
        [shots_box.expand, go.click, *changes],
        guarded(tab.meter),
        [lang, *by_whom, *asked],
        meter,
        trigger_mode="always_last",
        **quiet,
    )
    page.on_language(guarded(tab.meter), [*by_whom, *asked], [meter])
    page.on_language(
        guarded(tab.relabel), [reference, made, compared], [status, result, scores, parts, prompts, comparison]
    )


def _box(words: Any, field: Text, lines: int) -> gr.Textbox:
    return field.box(
        words, f"summary.{field.name}", lines=lines, max_lines=8, min_width=260, elem_id=f"summary-{field.name}"
    )


def _all_of(components: list[Any], usable: bool) -> list[Any]:
    return [gr.update(interactive=usable)] * len(components)
