"""What the Translate tab does: translate as one types, swap, compare, translate back. Its layout: translate_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from translate_look import Shown, alternatives_html, back_html, guess_html, quality_html, status_html
from translate_page import FROM, TARGET, check_field, check_text

from common import errors
from common.catalog import Model
from common.config import settings
from common.translation.codec import Codec
from common.translation.detect import OTHER, Guess, detect
from common.translation.engine import Beams
from common.translation.metrics import compare
from common.translation.models import AUTO, TranslationModels
from common.translation.passage import Progress, translate_text
from common.ui.fields import Number, Text
from common.ui.page import language_of_visit
from common.ui.roles import may_change_models
from common.ui.streams import StopSignals

TEXT = Text("text", "", settings().max_translation_chars)
REFERENCE = Text("reference", "", settings().max_translation_chars)
MODEL = Text("translator", AUTO, 200)
BEAMS = Number("beams", Beams().width, 1, 8)
ALTERNATIVES = Number("alternatives", 1, 1, 8)
# A pause this long while typing sets off a translation, in seconds.
_PAUSE = 0.35
# Alternatives are asked for up to this length: nobody compares them in a book.
_SHORT = 2_000


class TranslateHandlers:
    """The handlers of the tab; the last translation of a visitor comes along as a ``Shown``."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def translate(
        self,
        lang: str,
        text: str,
        source: Any,
        target: Any,
        model: Any,
        beams: Any,
        request: gr.Request,
        pause: float = 0.0,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: translation, language found, alternatives, status, state. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        shown = Shown()
        stream = self._steps(text, source, target, model, beams, pause, request)
        superseded = True
        try:
            async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as steps:
                async for shown in steps:
                    superseded = False
                    yield _updates(lang, shown)
        except errors.DemystifyError:
            if shown.progress.done:
                yield _updates(lang, replace(shown, state="failed"))
            raise
        if not superseded and shown.state == "running":
            yield _updates(lang, replace(shown, state="stopped"))

    async def arrive(
        self, lang: str, text: str, source: Any, target: Any, model: Any, beams: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The first translation of a visit, in the visit's language: the page's switch may not show it yet."""
        stream = self.typed(language_of_visit(request), text, source, target, model, beams, request)
        async with contextlib.aclosing(stream) as updates:  # type: ignore[type-var]
            async for update in updates:
                yield update

    async def typed(
        self, lang: str, text: str, source: Any, target: Any, model: Any, beams: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The same after a pause in typing."""
        stream = self.translate(lang, text, source, target, model, beams, request, _PAUSE)
        async with contextlib.aclosing(stream) as updates:  # type: ignore[type-var]
            async for update in updates:
                yield update

    async def _steps(
        self, text: Any, source: Any, target: Any, model: Any, beams: Any, pause: float, request: gr.Request
    ) -> AsyncGenerator[Shown, None]:
        await asyncio.sleep(pause)
        if not isinstance(text, str) or not text.strip():
            yield Shown()
            return
        search = _search(text, BEAMS.whole(beams))
        wanted = str(TARGET.check(target))
        shown = Shown(target=wanted)
        try:
            found, guess = await self._source(check_text(text), str(FROM.check(source)))
            shown = replace(shown, source=found, guess=guess)
            if not found:
                yield replace(shown, progress=Progress(text, 0, 0, 0.0))
                return
            prepared = await model_for(self._models, found, wanted, model, request)
        except (errors.UnsupportedPair, errors.UnknownLanguage) as problem:
            # A pair that no model knows is passed through while one is still choosing: a note, no alarm.
            guess = shown.guess or (await self._guess(text) if source == AUTO else None)
            yield replace(shown, guess=guess, problem=problem)
            return
        async for progress in self._progress(*prepared, text, found, search):
            state: Any = "done" if progress.complete else "running"
            yield replace(shown, model=prepared[0].title, progress=progress, state=state)

    async def _progress(
        self, model: Model, codec: Codec, text: str, source: str, search: Beams
    ) -> AsyncGenerator[Progress, None]:
        stream = translate_text(self._models.engine(model), codec, text, source, search)
        async with contextlib.aclosing(stream) as steps:
            async for progress in steps:
                yield progress

    async def _guess(self, text: str) -> Guess:
        return await asyncio.to_thread(lambda: detect(text, self._models.languages()))

    async def _source(self, text: str, source: str) -> tuple[str, Guess | None]:
        """The source language, chosen or likeliest; empty when there are no letters.

        Raises:
            UnknownLanguage: it is none of those here.
        """
        if source != AUTO:
            return source, None
        guess = await self._guess(text)
        if guess.language == OTHER:
            raise errors.UnknownLanguage()
        return guess.language, guess

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's translation; what has come stays."""
        self._stops.stop(request.session_hash)

    def swap(self, lang: str, text: str, translation: str, source: str, target: str, shown: Shown | None) -> Any:
        """Updates for: text, source, target. The translation becomes the text."""
        found = shown.source if source == AUTO and shown is not None else source
        if found in ("", AUTO):
            found = "en" if target != "en" else "sk"
        return translation or text, target, found

    def models_for(self, lang: str, source: str, target: str, model: str) -> Any:
        """Which models can do the chosen direction."""
        usable = self._models.usable() if source == AUTO else self._models.for_pair(source, target)
        fitting = [entry for entry in usable if target in entry.targets]
        known = {entry.id for entry in fitting}
        return gr.update(choices=model_choices(lang, fitting), value=model if model in known else AUTO)

    async def compare(self, lang: str, translation: str | None, reference: str | None) -> str:
        """chrF and BLEU beside the reference, once both are there."""
        wanted = check_field(REFERENCE, reference or "")
        said = translation or ""
        if not wanted.strip() or not said.strip():
            return ""
        return quality_html(lang, await asyncio.to_thread(compare, said, wanted))

    async def back(
        self, lang: str, text: str, translation: str, shown: Shown | None, beams: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: the translation translated back, how much of the text that is."""
        said = check_text(translation)
        if shown is None or not shown.source:
            raise errors.EmptyPrompt()
        prepared = await self._models.prepared(shown.target, shown.source)
        stream = self._progress(*prepared, said, shown.target, Beams(BEAMS.whole(beams)))
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as steps:
            async for progress in steps:
                quality = await asyncio.to_thread(compare, progress.text, text) if progress.complete else None
                yield progress.text, back_html(lang, quality)

    def relabel(self, lang: str, shown: Shown | None) -> tuple[Any, ...]:
        """The notes in another language."""
        return _updates(lang, shown or Shown())[1:4]

    async def api(
        self,
        text: str,
        source: str = AUTO,
        target: str = "en",
        beams: int = Beams().width,
        alternatives: int = 1,
        model: str = AUTO,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Translate a text of any length, paragraphs kept.

        Args:
            text: what to translate.
            source: its language (ISO 639-1: sk, cs, de, fr, it, en), or "auto" to find out.
            target: the language wanted.
            beams: 1 (greedy) to 8.
            alternatives: how many translations of each sentence to give, at most as many as beams.
            model: id of a model, or "auto".

        Returns:
            {"translation", "source", "target", "confidence" (of the language found, else 1), "model", "sentences":
            [{"source", "alternatives": [{"text", "score" (mean log-probability per token)}]}]}
        """
        found, guess = await self._source(check_text(text), str(FROM.check(source)))
        wanted, width = str(TARGET.check(target)), BEAMS.whole(beams)
        search = Beams(width, min(ALTERNATIVES.whole(alternatives), width))
        progress, used = Progress(text, 0, 0, 0.0), ""
        if found:  # else there is nothing to translate
            prepared = await model_for(self._models, found, wanted, model, request)
            used = prepared[0].id
            async with contextlib.aclosing(self._progress(*prepared, text, found, search)) as steps:
                progress = [step async for step in steps if step.complete][-1]
        return {
            "translation": progress.text,
            "source": found,
            "target": wanted,
            "confidence": guess.confidence if guess else 1.0,
            "model": used,
            "sentences": [
                {"source": said, "alternatives": [{"text": other.text, "score": other.score} for other in others]}
                for said, others in progress.alternatives
            ],
        }


async def model_for(
    models: TranslationModels, source: str, target: str, name: Any, request: gr.Request | None
) -> tuple[Model, Codec]:
    """The model that a visitor has chosen for a direction, and what makes tokens for it.

    Raises:
        UnsupportedPair, ModelUnavailable, InvalidInput.
        SharedModel: in a room the presenter alone loads what nobody shares.
    """

    def check(chosen: Model) -> None:
        if not (may_change_models(request) or models.is_shared(chosen, source, target)):
            raise errors.SharedModel(model=chosen.title)

    return await models.prepared(source, target, MODEL.check(name), check)


def model_choices(lang: str, models: list[Model]) -> list[tuple[str, str]]:
    """For the box to choose a model: the best by itself, or one of these."""
    from common.ui.i18n import text

    return [(text(lang, "translate.model_auto"), AUTO), *((model.title, model.id) for model in models)]


def _search(text: str, width: int) -> Beams:
    return Beams(width, width if len(text) <= _SHORT else 1)


def _updates(lang: str, shown: Shown) -> tuple[Any, ...]:
    return (
        shown.progress.text,
        guess_html(lang, shown.guess),
        alternatives_html(lang, shown.progress),
        status_html(lang, shown),
        shown,
    )
