"""What the third part of the Alignment tab does: explain one word of the translation. Layout: align_tab.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from align_look import Aligned
from explain_drawing import explained_html
from explain_look import Explained, explain
from player_handlers import HEAD, LAYER

from common import errors
from common.translation.models import TranslationModels
from common.translation.trace import MAX_STEPS
from common.ui.fields import Number
from common.ui.streams import StopSignals

# Which word of the translation, counted from 1; 0 is none.
EXPLAIN = Number("explain", 0, 0, MAX_STEPS)


class ExplainHandlers:
    """The handlers. ``aligned`` is the sentence on the page, ``explained`` what is known about a word, or None."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def begin(
        self, lang: str, aligned: Aligned | None, layer: Any, head: Any, word: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """A new sentence: its words to choose from, and if a link names one, that one. Yields as ``pick`` does."""
        chosen = EXPLAIN.whole(word)
        self._stops.stop(request.session_hash)
        if aligned is None:
            raise errors.EmptyPrompt()
        yield None, chosen, self.draw(lang, aligned, layer, head, None)
        if chosen:
            async for update in self._explain(lang, aligned, layer, head, chosen, request):
                yield update

    async def pick(
        self, lang: str, aligned: Aligned | None, layer: Any, head: Any, request: gr.Request, event: gr.EventData
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Explain the word that was clicked, or stop. Yields (explained, its number, picture)."""
        self._stops.stop(request.session_hash)
        if aligned is None:
            raise errors.EmptyPrompt()
        if event.name == "stop":
            yield None, 0, explained_html(lang, aligned, None, LAYER.whole(layer), HEAD.whole(head), stopped=True)
            return
        async for update in self._explain(lang, aligned, layer, head, EXPLAIN.whole(event.value), request):
            yield update

    def draw(self, lang: str, aligned: Aligned | None, layer: Any, head: Any, explained: Explained | None) -> Any:
        """The picture, for another head or in another language."""
        if aligned is None:
            return gr.skip()
        return explained_html(lang, aligned, explained, LAYER.whole(layer), HEAD.whole(head))

    async def _explain(
        self, lang: str, aligned: Aligned, layer: Any, head: Any, word: int, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        stream = self._stops.watch(request.session_hash, explain(self._models, aligned, word))
        async with contextlib.aclosing(stream) as steps:
            async for explained in steps:
                yield explained, explained.word, self.draw(lang, aligned, layer, head, explained)
