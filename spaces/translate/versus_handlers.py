"""What the tab A translator or a chat model? does. Layout: versus_tab.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from translate_page import SOURCE, TARGET, check_field, check_text
from versus_drawing import versus_html
from versus_examples import EXAMPLES, is_example, reference
from versus_prompt import PROMPT, messages
from versus_run import Side, Versus, run

from common import errors
from common.text.models import TextModels
from common.translation.models import TranslationModels
from common.ui.fields import Choice, Number, Text
from common.ui.streams import StopSignals

EXAMPLE = Choice("example", 0, tuple(range(len(EXAMPLES))))
SENTENCE = Text("sentence", EXAMPLES[0][str(SOURCE.default)], 1_000)
REFERENCE = Text("reference", EXAMPLES[0][str(TARGET.default)], 1_000)
ASKED = Text("prompt", PROMPT, 2_000)
SHOTS = Number("shots", 2, 0, 4)


class VersusHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: TranslationModels, chat: TextModels) -> None:
        self._models = models
        self._chat = chat
        self._stops = StopSignals()

    async def run(
        self,
        lang: str,
        sentence: Any,
        source: Any,
        target: Any,
        wanted: Any,
        prompt: Any,
        shots: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Both translations as they grow. Yields (shown, picture)."""
        said, good = check_text(SENTENCE.check(sentence)), check_field(REFERENCE, wanted or "")
        languages = str(SOURCE.check(source)), str(TARGET.check(target))
        count = SHOTS.whole(shots)
        turns = messages(check_field(ASKED, prompt), said, *languages, count)
        shown = Versus(said, *languages, good, turns, few=len(turns) < 2 * count + 1)
        async with contextlib.aclosing(
            self._stops.watch(request.session_hash, run(self._models, self._chat, shown))
        ) as steps:
            async for shown in steps:
                yield shown, versus_html(lang, shown)
        if any(side.state in ("loading", "running") for side in shown.sides):
            first, second = (_stopped(side) for side in shown.sides)
            shown = replace(shown, translator=first, chat=second)
            yield shown, versus_html(lang, shown)

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what is being written; what has come stays."""
        self._stops.stop(request.session_hash)

    def choose(self, lang: str, number: Any, source: Any, target: Any) -> tuple[str, str]:
        """One of the examples: (sentence, reference). Raises InvalidInput: there is none in that language."""
        example = EXAMPLES[int(EXAMPLE.check(number))]
        wanted, into = str(SOURCE.check(source)), str(TARGET.check(target))
        if wanted not in example:
            raise errors.InvalidInput(field="source_language", allowed=", ".join(example))
        return example[wanted], example.get(into, "")

    def turn(self, lang: str, sentence: Any, wanted: Any, source: Any, target: Any) -> tuple[Any, Any]:
        """Other languages: an example follows them, a visitor's own text stays. Gives (sentence, reference)."""
        into = str(TARGET.check(target))
        example = is_example(str(sentence))
        if example is None:
            return gr.skip(), "" if is_example(str(wanted)) else gr.skip()
        return example.get(str(SOURCE.check(source)), gr.skip()), example.get(into, "")

    def typed(self, lang: str, sentence: Any, wanted: Any, target: Any) -> Any:
        """The reference after the sentence was changed: that of an example belongs to no other sentence."""
        if not wanted or is_example(str(wanted)):
            return reference(str(sentence), str(TARGET.check(target)))
        return gr.skip()

    def relabel(self, lang: str, shown: Versus | None) -> Any:
        """The picture in another language."""
        return gr.skip() if shown is None else versus_html(lang, shown)


def _stopped(side: Side) -> Side:
    return replace(side, state="stopped") if side.state in ("loading", "running") else side
