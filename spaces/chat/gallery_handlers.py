"""What the Failure gallery does: one request as it is, and once more with the fix. Layout: gallery_tab.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from chat_page import ChatPage
from gallery_look import EXAMPLES, HAS_DOCUMENT, HAS_WORDS, Answer, Shown, about_html, shown_html

from common import errors
from common.errors import Phrase
from common.text.actions.calling import read_call, run_call
from common.text.engine import Finished, GenerationRequest, TokenBundle
from common.text.failures import KINDS, Case, as_it_is, judge, with_fix
from common.ui.fields import Choice, Text
from common.ui.streams import StopSignals

KIND = Choice("failure", KINDS[0], KINDS)
FIX = Choice("fix", "off", ("off", "on"))
_FIRST = EXAMPLES[KINDS[0]]
TEXT = Text("prompt", _FIRST.text, 400)
DOCUMENT = Text("document", _FIRST.document, 1000)
WORDS = Text("words", _FIRST.words, 80)


class GalleryTab:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, page: ChatPage) -> None:
        self._models = page.models
        self._stops = StopSignals()

    async def run(
        self, lang: str, request: gr.Request, kind: Any, asked: Any, document: Any, words: Any, fix: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Ask as it is and, if the switch is on, with the fix. Yields (shown, picture)."""
        case = Case(str(KIND.check(kind)), TEXT.check(asked), DOCUMENT.check(document), WORDS.check(words))
        switched = FIX.check(fix) == "on"
        first, second = as_it_is(case), with_fix(case) if switched else None
        if (
            second is not None
            and second.sampling.json_schema
            and not (await self._models.engine().info()).can_constrain
        ):
            raise errors.NotSupported(what=Phrase("constrained"))
        shown = Shown(case, Answer(_prompt(first)), asked=switched)
        async for answer in self._answer(request, case, first, shown.before):
            shown = replace(shown, before=answer)
            yield shown, shown_html(lang, shown)
        if second is None or shown.before.stopped:
            return
        async for answer in self._answer(request, case, second, Answer(_prompt(second))):
            shown = replace(shown, after=answer)
            yield shown, shown_html(lang, shown)

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what is being written; what has come stays."""
        self._stops.stop(request.session_hash)

    def choose(self, lang: str, kind: Any) -> tuple[Any, ...]:
        """Another kind: its example, the switch off. Returns (text, document, words, fix, about, shown, picture)."""
        what = str(KIND.check(kind))
        example = EXAMPLES[what]
        document = gr.update(value=example.document, visible=what in HAS_DOCUMENT)
        words = gr.update(value=example.words, visible=what in HAS_WORDS)
        return example.text, document, words, "off", about_html(lang, what), None, ""

    def tell(self, lang: str, kind: Any) -> tuple[Any, ...]:
        """What the kind is, and which boxes it needs. Returns (about, document, words)."""
        what = str(KIND.check(kind))
        return about_html(lang, what), gr.update(visible=what in HAS_DOCUMENT), gr.update(visible=what in HAS_WORDS)

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The picture in another language."""
        return gr.skip() if shown is None else shown_html(lang, shown)

    async def _answer(
        self, request: gr.Request, case: Case, wanted: GenerationRequest, answer: Answer
    ) -> AsyncIterator[Answer]:
        """An answer as it grows, the last time with what was counted on it."""
        yield answer
        complete = False
        stream = self._models.engine().stream(wanted)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as events:
            async for event in events:
                if isinstance(event, TokenBundle):
                    answer = replace(answer, tokens=(*answer.tokens, *event.tokens))
                    yield answer
                elif isinstance(event, Finished):
                    complete = True
        if not complete:
            yield replace(answer, stopped=True)
            return
        try:
            if wanted.sampling.json_schema:
                done = await run_call(read_call(answer.text.strip()))
                answer = replace(answer, result=done.words)
            said = answer.text if answer.result is None else answer.result
            yield replace(answer, finding=judge(case, said, answer.sureness))
        except errors.InvalidCall as problem:
            yield replace(answer, problem=problem)


def _prompt(request: GenerationRequest) -> str:
    """What the model reads, before its chat template."""
    if request.messages:
        return "\n\n".join(message.content for message in request.messages)
    return request.prompt or ""
