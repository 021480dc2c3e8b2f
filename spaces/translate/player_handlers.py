"""What the Step player does: decode a sentence, force a token, go back to the model's choice. Layout: player_tab.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from player_drawing import player_html
from player_look import Shown, look, written_forced
from sentence_form import check_sentence

from common import errors
from common.translation.models import TranslationModels
from common.ui.fields import Number, Text
from common.ui.i18n import text

# On the page, layers and heads count from 1, and 0 is their mean.
LAYER = Number("layer", 0, 0, 64)
HEAD = Number("head", 0, 0, 64)
FORCE = Text("force", "", 600)


class PlayerHandlers:
    """The handlers of the tab. ``shown`` is the sentence on the page, or None."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models

    async def play(
        self, lang: str, shown: Shown | None, sentence: Any, source: Any, target: Any, force: Any, layer: Any, head: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Decode a sentence. Yields (shown, player, forced tokens for the link, note)."""
        wanted = check_sentence(sentence, source, target)
        usual = ""
        if shown is not None and (shown.sentence, shown.source, shown.target) == wanted:
            usual = _usual(shown)
        async for update in self._decode(lang, wanted, FORCE.check(force), usual, 0, layer, head):
            yield update

    async def force(
        self, lang: str, shown: Shown | None, layer: Any, head: Any, event: gr.EventData
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Take the candidate that was clicked; what was forced at later steps belongs to another text."""
        step, candidate = _clicked(shown, event.step, event.candidate)
        assert shown is not None  # noqa: S101 - _clicked has looked
        chosen = shown.steps[step].candidates[candidate][0]
        before = {number: token for number, token in shown.forced.items() if number < step}
        if chosen != shown.steps[step].best:
            before[step] = chosen
        async for update in self._again(lang, shown, before, step, layer, head):
            yield update

    async def release(
        self, lang: str, shown: Shown | None, layer: Any, head: Any, event: gr.EventData
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Back to the model's choice at a step, and at all later ones."""
        step, _ = _clicked(shown, event.step, 0)
        assert shown is not None  # noqa: S101 - _clicked has looked
        kept = {number: token for number, token in shown.forced.items() if number < step}
        async for update in self._again(lang, shown, kept, step, layer, head):
            yield update

    def pick(self, lang: str, event: gr.EventData) -> tuple[int, int]:
        """The layer and head that were picked in the player, for the link."""
        return LAYER.whole(event.layer), HEAD.whole(event.head)

    def relabel(self, lang: str, shown: Shown | None, layer: Any, head: Any) -> Any:
        """The player in another language."""
        if shown is None:
            return gr.skip()
        return player_html(lang, shown, 0, LAYER.whole(layer), HEAD.whole(head))

    async def _again(
        self, lang: str, shown: Shown, forced: dict[int, int], step: int, layer: Any, head: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        written = written_forced(shown.tokens, forced)
        wanted = (shown.sentence, shown.source, shown.target)
        async for update in self._decode(lang, wanted, written, _usual(shown), step + 1, layer, head):
            yield update

    async def _decode(
        self, lang: str, wanted: tuple[str, str, str], forced: str, usual: str, at: int, layer: Any, head: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        picked = LAYER.whole(layer), HEAD.whole(head)
        yield gr.skip(), gr.skip(), gr.skip(), f'<p class="quiet">{text(lang, "player.working")}</p>'
        try:
            async for shown in look(self._models, *wanted, forced, usual):
                written = written_forced(shown.tokens, shown.forced)
                yield shown, player_html(lang, shown, at, *picked), written, ""
        except errors.DemystifyError as problem:
            # Forced tokens that cannot be used came with a link; without them the next click gives a translation.
            yield gr.skip(), gr.skip(), "" if problem.params.get("field") == "force" else gr.skip(), ""
            raise


def _usual(shown: Shown) -> str:
    """The model's own translation as far as it is known."""
    return shown.usual or (shown.text if shown.complete and not shown.forced else "")


def _clicked(shown: Shown | None, step: Any, candidate: Any) -> tuple[int, int]:
    """The step, counted from 0, and candidate that a click names. Raises EmptyPrompt, InvalidInput."""
    if shown is None or not shown.steps:
        raise errors.EmptyPrompt()
    place = Number("step", 0, 0, len(shown.steps) - 1).whole(step)
    return place, Number("candidate", 0, 0, len(shown.steps[place].candidates) - 1).whole(candidate)
