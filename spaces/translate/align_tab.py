"""The Alignment tab: which words of a translation look at which words of the source; layout, wiring and handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from typing import Any

import gradio as gr
from align_drawing import cross_html, own_html
from align_look import Aligned, align
from explain_handlers import EXPLAIN, ExplainHandlers
from player_handlers import HEAD, LAYER
from sentence_form import check_sentence, sentence_form
from translate_page import TranslatePage

from common import errors
from common.translation.models import TranslationModels
from common.ui.errors import guarded
from common.ui.fields import Number
from common.ui.i18n import text
from common.ui.links import link_button

WORD = Number("word", 1, 1, 64)
# The slides' sentence. Who has the book? Slovak has to say so: "knihou" is the means, "s knihou" is who has it.
AMBIGUOUS = ("The teacher taught the student with the book.", "en", "sk")
_BOOK = 9  # its word "book", behind the token that names the language
# A click on one of the choices in a picture.
_PICK = """
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('[data-pick]');
  if (chosen) trigger('pick', {name: chosen.dataset.pick, value: Number(chosen.dataset.value)});
});
"""


class AlignHandlers:
    """The handlers of the tab. ``aligned`` is what is on the page, or None."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models

    async def align(
        self, lang: str, sentence: Any, source: Any, target: Any, *picked: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Translate and draw. ``picked`` as for ``draw``. Yields (aligned, first picture, second picture, note)."""
        wanted = check_sentence(sentence, source, target)
        _numbers(*picked)
        yield gr.skip(), gr.skip(), gr.skip(), f'<p class="quiet">{escape(text(lang, "align.working"))}</p>'
        try:
            aligned = await align(self._models, *wanted)
        except errors.DemystifyError:
            yield gr.skip(), gr.skip(), gr.skip(), ""
            raise
        yield aligned, *self.draw(lang, aligned, *picked), ""

    def draw(self, lang: str, aligned: Aligned | None, *picked: Any) -> tuple[Any, Any]:
        """Both pictures. ``picked``: layer and head of the first, word, layer and head of the second."""
        if aligned is None:
            return gr.skip(), gr.skip()
        layer, head, word, own_layer, own_head = _numbers(*picked)
        return cross_html(lang, aligned, layer, head), own_html(lang, aligned, word, own_layer, own_head)

    def pick_cross(
        self, lang: str, aligned: Aligned | None, layer: Any, head: Any, event: gr.EventData
    ) -> tuple[Any, ...]:
        """Another layer or head. Gives (layer, head, picture)."""
        if aligned is None:
            raise errors.EmptyPrompt()
        chosen = {"layer": LAYER.whole(layer), "head": HEAD.whole(head), **_picked(event)}
        return chosen["layer"], chosen["head"], cross_html(lang, aligned, chosen["layer"], chosen["head"])

    def pick_own(
        self, lang: str, aligned: Aligned | None, word: Any, layer: Any, head: Any, event: gr.EventData
    ) -> tuple[Any, ...]:
        """Another word, layer or head of the encoder. Gives (word, layer, head, picture)."""
        if aligned is None:
            raise errors.EmptyPrompt()
        found = {"word": WORD.whole(word), "layer": LAYER.whole(layer), "head": HEAD.whole(head), **_picked(event)}
        chosen = found["word"], found["layer"], found["head"]
        return *chosen, own_html(lang, aligned, *chosen)


def _numbers(layer: Any, head: Any, word: Any, own_layer: Any, own_head: Any) -> tuple[int, int, int, int, int]:
    return LAYER.whole(layer), HEAD.whole(head), WORD.whole(word), LAYER.whole(own_layer), HEAD.whole(own_head)


def _picked(event: gr.EventData) -> dict[str, int]:
    """What a click chose. Raises InvalidInput."""
    fields = {"layer": LAYER, "head": HEAD, "word": WORD}
    if event.name not in fields:
        raise errors.InvalidInput(field="layer", allowed=LAYER.allowed)
    return {event.name: fields[event.name].whole(event.value)}


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = AlignHandlers(page.models), page.words, page.lang
    explaining = ExplainHandlers(page.models)
    page.idea("align")
    aligned, explained = gr.State(None), gr.State(None)
    form = sentence_form(page, "align")
    with gr.Row():
        go = words(gr.Button, keys={"value": "align.go"}, variant="primary", min_width=200, elem_id="align-go")
        example = words(gr.Button, keys={"value": "align.example"}, min_width=200, elem_id="align-example")
    note = gr.HTML("", elem_id="align-note")
    cross = gr.HTML("", elem_id="align-cross", padding=False, js_on_load=_PICK)
    own = gr.HTML("", elem_id="align-own", padding=False, js_on_load=_PICK)
    reasons = gr.HTML("", elem_id="align-reasons", padding=False, js_on_load=_PICK)
    # What a link carries beside the boxes: chosen inside the pictures.
    layer, head, word, own_layer, own_head, explain = (
        gr.Number(field.default, visible=False, precision=0) for field in (LAYER, HEAD, WORD, LAYER, HEAD, EXPLAIN)
    )
    link_button(
        page,
        "align",
        {
            **form.link,
            "layer": (LAYER, layer),
            "head": (HEAD, head),
            "word": (WORD, word),
            "enclayer": (LAYER, own_layer),
            "enchead": (HEAD, own_head),
            "explain": (EXPLAIN, explain),
        },
    )

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    picked = [layer, head, word, own_layer, own_head]
    aligning: dict[str, Any] = {
        "fn": guarded(handlers.align),
        "inputs": [lang, *form.boxes, *picked],
        "outputs": [aligned, cross, own, note],
        **quiet,
    }
    results = [explained, explain, reasons]
    around = [lang, aligned, layer, head]
    begin: dict[str, Any] = {"fn": guarded(explaining.begin), "inputs": [*around, explain], "outputs": results, **quiet}
    gr.on([go.click, form.sentence.submit], trigger_mode="always_last", **aligning).success(**begin)
    example.click(
        lambda: (*AMBIGUOUS, _BOOK, EXPLAIN.default),
        None,
        [*form.boxes, word, explain],
        queue=False,
        **quiet,
    ).then(**aligning).success(**begin)
    redraw: dict[str, Any] = {
        "fn": guarded(explaining.draw),
        "inputs": [*around, explained],
        "outputs": reasons,
        "queue": False,
        **quiet,
    }
    cross.pick(
        guarded(handlers.pick_cross), [lang, aligned, layer, head], [layer, head, cross], queue=False, **quiet
    ).success(**redraw)
    own.pick(
        guarded(handlers.pick_own),
        [lang, aligned, word, own_layer, own_head],
        [word, own_layer, own_head, own],
        queue=False,
        **quiet,
    )
    reasons.pick(guarded(explaining.pick), around, results, trigger_mode="multiple", **quiet)
    page.on_language(guarded(handlers.draw), [aligned, *picked], [cross, own])
    page.on_language(guarded(explaining.draw), [*around[1:], explained], [reasons])
