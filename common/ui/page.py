"""The frame around every space: masthead, language switch, status line, and the wiring of the language.

A space calls ``page_frame`` and lays its tabs out inside. Knows nothing about any particular space.

Conventions for tabs: a tab is a module with ``build(page)``, called inside its ``gr.Tab``. Components with texts are
made through ``page.words``. Handlers take the language first (``page.lang`` is the component) and are wrapped in
``common.ui.errors.guarded``; long ones are async generators.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from common.config import LANGUAGES, Language, settings
from common.ui.components import idea_html
from common.ui.i18n import Localizer, text, wanted_language

# Keeps the choice in the address, so that a reload and a shared link keep it, and tells assistive technology.
_LANGUAGE_TO_ADDRESS = """(lang) => {
  const address = new URL(window.location);
  address.searchParams.set('lang', lang);
  window.history.replaceState(null, '', address);
  document.documentElement.lang = lang;
  return [lang];
}"""
# A visitor can be quicker than the answer to the page's first question; what they chose stays.
_UNLESS_SWITCHED = "(wanted, now) => [now === '%s' ? wanted : now]"
# How often the status line is asked for: quickly while something is still loading, rarely afterwards.
_LOADING_SECONDS, _READY_SECONDS = 2, 15
Status = Callable[[str], Awaitable[tuple[str, bool]]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a tab gets to build itself.

    Attributes:
        demo: the Blocks it is part of.
        words: makes components whose texts follow the language.
        lang: the language component, first input of every handler.
    """

    demo: gr.Blocks
    words: Localizer
    lang: gr.Radio

    def idea(self, section: str) -> None:
        """The head of a tab, from the texts ``<section>.idea``, ``.try`` and ``.reveal``."""
        self.words(gr.HTML, keys={"value": lambda lang: idea_html(lang, section)})


@contextmanager
def page_frame(section: str, status: Status | None = None, in_hub: bool = False) -> Iterator[Page]:
    """Blocks with masthead and language switch; the body of the ``with`` is the page.

    Args:
        section: texts ``<section>.title`` and ``<section>.subtitle``.
        status: gives, for a language, the status line as HTML and whether everything is ready.
        in_hub: the page is one of the hub's, and links back to its front page.
    """
    default: Language = "en" if settings().lang == "auto" else wanted_language(None, None)
    words = Localizer(default)
    with gr.Blocks(title=text(default, f"{section}.title"), analytics_enabled=False, fill_width=True) as demo:
        with gr.Row(equal_height=True):
            with gr.Column(scale=5, min_width=260):
                words(gr.HTML, keys={"value": lambda lang: _masthead(lang, section, in_hub)})
                line = gr.HTML("", elem_id="status")
            with gr.Column(scale=1, min_width=210):
                lang = words(
                    gr.Radio,
                    keys={"label": "common.language"},
                    choices=[(code.upper(), code) for code in LANGUAGES],
                    value=default,
                    container=False,
                    elem_id="language",
                    interactive=True,
                )
        page = Page(demo, words, lang)
        yield page

        lang.change(
            words.updates,
            lang,
            words.components,
            js=_LANGUAGE_TO_ADDRESS,
            queue=False,
            api_visibility="private",
            show_progress="hidden",
        )
        wanted = gr.Textbox(default, visible=False)
        demo.load(language_of_visit, None, wanted, queue=False, api_visibility="private", show_progress="hidden").then(
            None, [wanted, lang], lang, js=_UNLESS_SWITCHED % default, api_visibility="private"
        )
        if status is not None:
            tick = gr.Timer(_LOADING_SECONDS)

            async def look(lang: str) -> tuple[str, Any]:
                html, ready = await status(lang)
                return html, gr.Timer(_READY_SECONDS if ready else _LOADING_SECONDS)

            async def look_first(request: gr.Request) -> tuple[str, Any]:
                return await look(language_of_visit(request))

            quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
            demo.load(look_first, None, [line, tick], **quiet)
            for event in (tick.tick, lang.change):
                event(look, lang, [line, tick], **quiet)


def _masthead(lang: str, section: str, in_hub: bool) -> str:
    title, subtitle = escape(text(lang, f"{section}.title")), escape(text(lang, f"{section}.subtitle"))
    home = f'<a href="./?lang={escape(lang)}">← {escape(text(lang, "hub.title"))}</a>' if in_hub else ""
    return f'<div class="masthead">{home}<h1>{title}</h1><p>{subtitle}</p></div>'


def language_of_visit(request: gr.Request) -> Language:
    """The language a page opens in. While it loads, the language component still has its default: ask here."""
    return wanted_language(request.query_params.get("lang"), request.headers.get("accept-language"))
