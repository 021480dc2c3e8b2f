"""The Essay tab: its layout, and which event sets off which handler. What they do is in essay_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
from chat_page import REPETITION_PENALTY, SEED, TEMPERATURE, TOP_P, ChatPage
from essay_handlers import (
    AUDIENCE,
    AUDIENCES,
    DOCUMENT,
    LANGUAGE,
    OUTLINE,
    OUTLINE_PROMPT,
    SECTION_OPENING,
    SECTION_PROMPT,
    TONE,
    TOPIC,
    WORDS,
    EssayTab,
)

from common.config import LANGUAGES
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.links import link_button

# Saves what the handler gave in base64, and forgets it. The file's name is fixed: none comes from a visitor's text.
_SAVE = """(content) => {
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], {type: '%s'}));
  link.download = '%s';
  link.click();
  URL.revokeObjectURL(link.href);
  return [''];
}"""
_FILES = {
    "markdown": ("text/markdown", "demystify-essay.md"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "demystify-essay.docx"),
}


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = EssayTab(page), page.words, page.lang
    page.idea("essay")
    topic = TOPIC.box(words, "essay.topic", placeholder="essay.topic_hint", max_lines=2, elem_id="essay-topic")
    with gr.Row():
        audience = words(
            gr.Dropdown,
            keys={"label": "essay.audience", "choices": [(f"essay.audience_{name}", name) for name in AUDIENCES]},
            value=AUDIENCE.default,
            allow_custom_value=True,
            min_width=200,
            elem_id="essay-audience",
        )
        tone = words(
            gr.Dropdown,
            keys={"label": "essay.tone", "choices": [(f"essay.tone_{name}", name) for name in TONE.options]},
            value=TONE.default,
            min_width=140,
        )
        language = words(
            gr.Dropdown,
            keys={"label": "essay.language", "info": "essay.language_hint"},
            choices=[(code.upper(), code) for code in LANGUAGES],
            value=LANGUAGE.default,
            min_width=200,
        )
        length = WORDS.slider(words, "essay.words", min_width=220, elem_id="essay-words")
    with folded(words, "essay.prompts", elem_id="essay-prompts"):
        words(gr.Markdown, keys={"value": "essay.prompts_hint"})
        boxes = [
            field.box(words, f"essay.{field.name}", lines=2, max_lines=8, elem_id=f"essay-{field.name}")
            for field in (OUTLINE_PROMPT, SECTION_PROMPT, SECTION_OPENING)
        ]
    with folded(words, "chat.settings"):
        with gr.Row():
            temperature = TEMPERATURE.slider(words, "chat.temperature", min_width=220)
            top_p = TOP_P.slider(words, "chat.top_p", min_width=220)
        with gr.Row():
            penalty = REPETITION_PENALTY.slider(words, "chat.repetition_penalty", min_width=220)
            seed = SEED.box(words, "chat.seed", min_width=220)
    plan = words(
        gr.Button, keys={"value": "essay.make_outline"}, variant="primary", min_width=150, elem_id="essay-plan"
    )
    outline = OUTLINE.box(words, "essay.outline", lines=3, max_lines=12, elem_id="essay-outline")
    with gr.Row():
        go = words(gr.Button, keys={"value": "essay.write"}, variant="primary", min_width=150, elem_id="essay-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="essay-stop")
    written = gr.State(None)
    status = gr.HTML("", elem_id="essay-status")
    document = DOCUMENT.box(words, "essay.document", lines=12, max_lines=28, elem_id="essay-document")
    with gr.Row():
        which = words(
            gr.Dropdown,
            keys={"label": "essay.section"},
            choices=[],
            interactive=True,
            min_width=220,
            scale=2,
            elem_id="essay-section",
        )
        again = words(gr.Button, keys={"value": "essay.again"}, min_width=200, elem_id="essay-again")
    file = gr.Textbox("", visible=False)
    with gr.Row():
        saves = {
            kind: words(gr.Button, keys={"value": f"essay.{kind}"}, min_width=150, elem_id=f"essay-{kind}")
            for kind in _FILES
        }
    inputs: dict[str, tuple[Field, Any]] = {
        "topic": (TOPIC, topic),
        "audience": (AUDIENCE, audience),
        "tone": (TONE, tone),
        "words": (WORDS, length),
        "language": (LANGUAGE, language),
        "temperature": (TEMPERATURE, temperature),
        "top_p": (TOP_P, top_p),
        "repetition_penalty": (REPETITION_PENALTY, penalty),
        "seed": (SEED, seed),
        **{
            box.name: (box, shown)
            for box, shown in zip((OUTLINE_PROMPT, SECTION_PROMPT, SECTION_OPENING), boxes, strict=True)
        },
    }
    link_button(page, "essay", {**inputs, "outline": (OUTLINE, outline)})

    form = [component for _, component in inputs.values()]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once: dict[str, Any] = {"queue": False, **quiet}
    # While the model writes, nobody else does: what a visitor typed into the document would be overwritten.
    held = [plan, go, again, document, outline]
    works = {
        plan: (tab.outline, [lang, *form], [outline, written, status]),
        go: (tab.write, [lang, outline, *form], [document, which, written, status]),
        again: (tab.again, [lang, document, which, *form], [document, which, written, status]),
    }
    for button, (work, given, shown) in works.items():
        run = button.click(lambda: _all_of(held, False), None, held, **at_once).then(
            guarded(work), given, shown, **quiet
        )
        for ended in (run.success, run.failure):  # after an error, gradio goes on with nothing else
            ended(lambda: _all_of(held, True), None, held, **at_once)
    stop.click(guarded(tab.stop), lang, None, **at_once)
    document.blur(guarded(tab.sections), [lang, document, which], which, **at_once)
    page.on_language(guarded(tab.relabel), [written], [status])
    for kind, make in (("markdown", tab.markdown), ("docx", tab.docx)):
        made = saves[kind].click(guarded(make), [lang, document], file, **quiet)
        made.success(None, file, file, js=_SAVE % _FILES[kind], **quiet)


def _all_of(components: list[Any], usable: bool) -> list[Any]:
    return [gr.update(interactive=usable)] * len(components)
