"""The map of generative AI: every task where it belongs by what goes in and what comes out, and one of them explained.

Knows where demos are, not what they do. Texts: map.task_<task>, map.about_<task> and map.example_<task>.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from common.ui.i18n import text

HERE = "diffusion"
# What goes in, from top to bottom, and what comes out, from left to right.
INPUTS, OUTPUTS = ("text", "picture", "sound", "both"), ("text", "label", "picture", "sound")
# The fields, each with the colour of one of the page's ideas.
FIELDS = {"language": "prompt", "vision": "attention", "audio": "loss", "multimodal": "completion"}


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of task.

    Attributes:
        field: one of ``FIELDS``.
        goes_in, comes_out: of ``INPUTS`` and ``OUTPUTS``.
        demo: (space, tab) that does it here; None where there is none.
        page: the task's page on the Hugging Face Hub, where there is no demo here.
    """

    field: str
    goes_in: str
    comes_out: str
    demo: tuple[str, str] | None = None
    page: str = ""


TASKS = {
    "text_generation": Task("language", "text", "text", ("chat", "completion")),
    "text_to_text": Task("language", "text", "text", ("chat", "chat")),
    "translation": Task("language", "text", "text", ("translate", "translate")),
    "summarization": Task("language", "text", "text", ("chat", "summary")),
    "question_answering": Task("language", "text", "text", ("chat", "retrieval")),
    "text_classification": Task("language", "text", "label", page="text-classification"),
    "image_classification": Task("vision", "picture", "label", page="image-classification"),
    "object_detection": Task("vision", "picture", "label", page="object-detection"),
    "segmentation": Task("vision", "picture", "picture", page="image-segmentation"),
    "depth": Task("vision", "picture", "picture", page="depth-estimation"),
    "image_to_image": Task("vision", "picture", "picture", (HERE, "redraw")),
    "text_to_speech": Task("audio", "text", "sound", page="text-to-speech"),
    "audio_classification": Task("audio", "sound", "label", page="audio-classification"),
    "speech_recognition": Task("audio", "sound", "text", page="automatic-speech-recognition"),
    "audio_to_audio": Task("audio", "sound", "sound", page="audio-to-audio"),
    "features": Task("multimodal", "text", "label", ("chat", "inside")),
    "text_to_image": Task("multimodal", "text", "picture", (HERE, "image")),
    "stable_diffusion": Task("multimodal", "text", "picture", (HERE, "guidance")),
    "image_to_text": Task("multimodal", "picture", "text", page="image-to-text"),
    "document_questions": Task("multimodal", "both", "text", page="document-question-answering"),
}


def map_html(lang: str, chosen: str, in_hub: bool = False) -> str:
    """The map with one task chosen, explained below its row; a click on another sends its number.

    Args:
        in_hub: the other spaces are pages beside this one.
    """
    heads = "".join(f"<b class='out'>→ {escape(text(lang, f'map.kind_{out}'))}</b>" for out in OUTPUTS)
    about = _about(lang, chosen, in_hub)
    rows = "".join(_row(lang, kind, chosen) + (about if TASKS[chosen].goes_in == kind else "") for kind in INPUTS)
    legend = "".join(
        f'<span class="idea-{kind}"><i></i> {escape(text(lang, f"map.field_{field}"))}</span>'
        for field, kind in FIELDS.items()
    )
    corner = escape(text(lang, "map.corner"))
    return (
        f'<div class="genmap"><div class="lands" role="group" aria-label="{escape(text(lang, "map.tab"))}">'
        f'<b class="corner">{corner}</b>{heads}{rows}</div><div class="legend">{legend}</div></div>'
    )


def _row(lang: str, goes_in: str, chosen: str) -> str:
    cells = []
    for out in OUTPUTS:
        there = [(name, task) for name, task in TASKS.items() if (task.goes_in, task.comes_out) == (goes_in, out)]
        buttons = "".join(_button(lang, name, task, name == chosen) for name, task in there)
        label = f"<small>→ {escape(text(lang, f'map.kind_{out}'))}</small>" if there else ""
        cells.append(f'<div class="land{"" if there else " empty"}">{label}{buttons}</div>')
    return f"<b class='in'>{escape(text(lang, f'map.kind_{goes_in}'))} →</b>{''.join(cells)}"


def _button(lang: str, name: str, task: Task, pressed: bool) -> str:
    return (
        f'<button type="button" data-i="{list(TASKS).index(name)}" aria-pressed="{str(pressed).lower()}" '
        f'class="idea-{FIELDS[task.field]}">{escape(text(lang, f"map.task_{name}"))}</button>'
    )


def _about(lang: str, chosen: str, in_hub: bool) -> str:
    task = TASKS[chosen]
    title, about, example = (escape(text(lang, f"map.{part}_{chosen}")) for part in ("task", "about", "example"))
    way = f"{text(lang, f'map.kind_{task.goes_in}')} → {text(lang, f'map.kind_{task.comes_out}')}"
    return (
        f'<article class="idea-{FIELDS[task.field]}" aria-live="polite"><h3>{title}</h3>'
        f'<p class="quiet">{escape(text(lang, f"map.field_{task.field}"))}: {escape(way)}</p><p>{about}</p>'
        f"<p class='example'>{example}</p>{_demo(lang, task, in_hub)}</article>"
    )


def _demo(lang: str, task: Task, in_hub: bool) -> str:
    """The way to a demo: a link where one can go, else the name of the space that has it, else the hub's page."""
    if task.demo is None:
        words = escape(text(lang, "map.on_hub"))
        return f'<a href="https://huggingface.co/tasks/{task.page}" target="_blank" rel="noopener">↗ {words}</a>'
    space, tab = task.demo
    name = text(lang, f"{tab}.tab")
    if space == HERE or in_hub:
        page = space if in_hub else ""
        return f'<a href="{page}?tab={tab}&amp;lang={escape(lang)}">▶ {escape(name)}</a>'
    words = text(lang, "map.elsewhere", tab=name, space=text(lang, f"hub.{space}"))
    return f'<p class="quiet">{escape(words)}</p>'
