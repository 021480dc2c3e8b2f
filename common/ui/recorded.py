"""The way to the recorded runs: a line at the head of every tab that has one, the dialog that plays it, and a page.

Nothing here needs a model: what it plays lies beside ``common/recordings``.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from common.recordings import recording
from common.ui.errors import guarded
from common.ui.fields import Choice
from common.ui.i18n import text
from common.ui.recorded_drawing import dialog_html, made

if TYPE_CHECKING:
    from common.ui.page import Page

_SCRIPT = Path(__file__).with_name("recorded-player.js")


def way_html(lang: str, tab: str) -> str:
    """The line that opens a tab's recorded run; empty where there is none.

    It is quiet while the model is ready, and stands out while it is not (theme.css).
    """
    name = recording.shown_by(tab)
    if name is None:
        return ""
    return (
        f'<p class="recorded-way">{_button(lang, name)} <span class="said">'
        f"<b>{escape(text(lang, 'recorded.trouble'))}</b>"
        f"<span>{escape(made(lang, recording.read(name)))}</span></span></p>"
    )


def player(page: Page) -> None:
    """The dialog of a page, which any button with ``data-recorded`` opens."""
    box = gr.HTML("", elem_id="recorded", padding=False, js_on_load=_SCRIPT.read_text(encoding="utf-8"))
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    box.recall(guarded(_opened), page.lang, box, **quiet)


def build(page: Page) -> None:
    """The page with all of them."""
    page.words(gr.HTML, keys={"value": list_html}, elem_id="recordings")


def list_html(lang: str) -> str:
    """All recorded runs by space, each with a button that plays it."""
    found = [recording.read(name) for name in recording.names()]
    groups = []
    for space in dict.fromkeys(("chat", "translate", "train", "diffusion")):
        rows = "".join(
            f"<li><b>{escape(text(lang, f'{one.tab}.tab'))}</b><span>{escape(made(lang, one))}</span>"
            f"{_button(lang, one.tab)}</li>"
            for one in found
            if one.space == space
        )
        groups.append(f"<section><h2>{escape(text(lang, f'hub.{space}'))}</h2><ul>{rows}</ul></section>")
    return f'<p class="about">{escape(text(lang, "recorded.about"))}</p>{"".join(groups)}'


def _button(lang: str, name: str) -> str:
    label = escape(text(lang, "recorded.play"))
    title = escape(f"{text(lang, 'recorded.play')}: {text(lang, f'{name}.tab')}")
    return f'<button type="button" data-recorded="{escape(name)}" aria-label="{title}">▶ {label}</button>'


async def _opened(lang: str, event: gr.EventData) -> str:
    """The dialog for a run. Raises InvalidInput: there is none of this name."""
    names = recording.names()
    return dialog_html(lang, recording.read(str(Choice("recorded", names[0], names).check(event.run))))
