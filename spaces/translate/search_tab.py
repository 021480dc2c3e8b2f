"""The Search tab: one sentence by greedy search, beam search and by chance; layout, wiring and handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from typing import Any

import gradio as gr
from search_drawing import search_html
from search_look import Searched, search
from sentence_form import check_sentence, sentence_form
from translate_page import TranslatePage

from common import errors
from common.translation.models import TranslationModels
from common.ui.errors import guarded
from common.ui.fields import Number
from common.ui.i18n import text
from common.ui.links import link_button

BEAMS = Number("beams", 3, 2, 6)
TEMPERATURE = Number("temperature", 0.8, 0.1, 2.0, 0.1)
SEED = Number("seed", 1, 0, 9999)


class SearchHandlers:
    """The handlers of the tab. ``searched`` is what is on the page, or None."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models

    async def search(
        self, lang: str, sentence: Any, source: Any, target: Any, beams: Any, temperature: Any, seed: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Search in three ways. Yields (searched, picture, note)."""
        wanted = check_sentence(sentence, source, target)
        numbers = (BEAMS.whole(beams), TEMPERATURE.real(temperature), SEED.whole(seed))
        yield gr.skip(), gr.skip(), f'<p class="quiet">{escape(text(lang, "search.working"))}</p>'
        try:
            searched = await search(self._models, *wanted, *numbers)
        except errors.DemystifyError:
            yield gr.skip(), gr.skip(), ""
            raise
        yield searched, search_html(lang, searched), ""

    def relabel(self, lang: str, searched: Searched | None) -> Any:
        """The picture in another language."""
        return gr.skip() if searched is None else search_html(lang, searched)


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = SearchHandlers(page.models), page.words, page.lang
    page.idea("search")
    searched = gr.State(None)
    form = sentence_form(page, "search")
    with gr.Row():
        beams = BEAMS.slider(words, "search.beams", min_width=200, elem_id="search-beams")
        temperature = TEMPERATURE.slider(words, "search.temperature", min_width=200, elem_id="search-temperature")
        seed = SEED.slider(words, "search.seed", min_width=200, elem_id="search-seed")
    go = words(gr.Button, keys={"value": "search.go"}, variant="primary", elem_id="search-go")
    note = gr.HTML("", elem_id="search-note")
    picture = gr.HTML("", elem_id="search-view", padding=False)
    link_button(
        page,
        "search",
        {
            **form.link,
            "beams": (BEAMS, beams),
            "temperature": (TEMPERATURE, temperature),
            "seed": (SEED, seed),
        },
    )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [go.click, form.sentence.submit],
        guarded(handlers.search),
        [lang, *form.boxes, beams, temperature, seed],
        [searched, picture, note],
        trigger_mode="always_last",
        **quiet,
    )
    page.on_language(guarded(handlers.relabel), [searched], [picture])
