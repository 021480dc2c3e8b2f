"""One text through the translator and through a chat model at the same time, and what can be said about both results.

The two libraries behind them do not know each other: they meet here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Literal

from versus_prompt import request

from common import catalog, errors
from common.catalog import Model
from common.text.engine import Finished, Message, TokenBundle
from common.text.models import TextModels
from common.translation.codec import Codec
from common.translation.detect import Guess, detect
from common.translation.engine import TranslationEngine
from common.translation.metrics import compare
from common.translation.models import TranslationModels
from common.translation.passage import translate_text

_WARM = "a"  # a text that makes the translator load before its time is taken


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        model: its title.
        state: loading, running, done, stopped by the visitor, or failed because of ``problem``.
        text: what it has written so far.
        tokens: of its own, written so far.
        seconds: since it was asked, its loading not counted.
        guess: the language that the text looks like, once it is done.
        back: the text translated back by the translator, where there is no reference.
        chrf: against the reference, or of ``back`` against the sentence; None where there is nothing to compare.
    """

    model: str
    state: Literal["loading", "running", "done", "stopped", "failed"] = "loading"
    text: str = ""
    tokens: int = 0
    seconds: float = 0.0
    problem: errors.DemystifyError | None = None
    guess: Guess | None = None
    back: str = ""
    chrf: float | None = None

    @property
    def per_second(self) -> float:
        """Tokens a second, reading included."""
        return self.tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Versus:
    """A sentence and both translations of it.

    Attributes:
        sentence, source, target: what was asked for; languages as ISO 639-1 codes.
        reference: a good translation, or empty.
        turns: what the chat model reads, before its template.
        few: fewer examples than wanted, since there are none for these languages.
    """

    sentence: str
    source: str
    target: str
    reference: str
    turns: tuple[Message, ...]
    few: bool = False
    translator: Side = field(default_factory=lambda: Side(""))
    chat: Side = field(default_factory=lambda: Side(""))

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.translator, self.chat


async def run(models: TranslationModels, chat: TextModels, wanted: Versus) -> AsyncGenerator[Versus, None]:
    """Both as they grow, the last time judged. What goes wrong with one is told in its side, and the other goes on.

    Raises:
        UnsupportedPair: no translator here knows these languages.
    """
    translator = await asyncio.to_thread(models.find, wanted.source, wanted.target)
    shown = replace(wanted, translator=Side(translator.title), chat=Side(""))
    yield shown
    news: asyncio.Queue[tuple[str, Side] | None] = asyncio.Queue()

    async def follow(name: str, work: AsyncGenerator[Side, None]) -> None:
        side: Side = getattr(shown, name)
        try:
            async with contextlib.aclosing(work) as grown:
                async for side in grown:
                    news.put_nowait((name, side))
        except errors.DemystifyError as problem:
            news.put_nowait((name, replace(side, state="failed", problem=problem)))
        finally:
            news.put_nowait(None)

    works = {"translator": _translate(models, translator, wanted), "chat": _chat(chat, wanted)}
    tasks = [asyncio.create_task(follow(name, work)) for name, work in works.items()]
    try:
        left = len(tasks)
        while left:
            item = await news.get()
            if item is None:
                left -= 1
                continue
            name, side = item
            shown = replace(shown, translator=side) if name == "translator" else replace(shown, chat=side)
            yield shown
        await asyncio.gather(*tasks)  # raises what nobody expected
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    first, second = [await _judge(models, wanted, side) for side in shown.sides]
    yield replace(shown, translator=first, chat=second)


async def _translate(models: TranslationModels, model: Model, wanted: Versus) -> AsyncGenerator[Side, None]:
    side, engine = Side(model.title), models.engine(model)
    codec = await asyncio.to_thread(models.codec, model, wanted.source, wanted.target)
    if not engine.ready:
        await _whole(engine, codec, _WARM, wanted.source)
    async with contextlib.aclosing(translate_text(engine, codec, wanted.sentence, wanted.source)) as steps:
        async for now in steps:
            state: Literal["done", "running"] = "done" if now.complete else "running"
            yield replace(side, state=state, text=now.text, tokens=now.tokens, seconds=now.seconds)


async def _chat(models: TextModels, wanted: Versus) -> AsyncGenerator[Side, None]:
    engine = await asyncio.to_thread(models.engine)
    name = (await engine.info()).model  # waits until the model is there
    title = next((entry.title for entry in catalog.entries() if entry.id == name), name)
    side = Side(title, "running")
    yield side
    async with contextlib.aclosing(engine.stream(request(wanted.turns, wanted.sentence))) as events:
        async for event in events:
            if isinstance(event, TokenBundle):
                said = side.text + "".join(token.text for token in event.tokens if not token.special)
                side = replace(side, text=said, tokens=side.tokens + len(event.tokens), seconds=event.seconds)
                yield side
            elif isinstance(event, Finished):
                side = replace(side, tokens=event.new_tokens, seconds=event.seconds)
    yield replace(side, state="done", text=side.text.strip())


async def _judge(models: TranslationModels, wanted: Versus, side: Side) -> Side:
    """What language it is in, and how close to the reference; without one, how much comes back."""
    if side.state != "done" or not side.text.strip():
        return side
    languages = await asyncio.to_thread(models.languages)
    side = replace(side, guess=await asyncio.to_thread(detect, side.text, languages))
    if wanted.reference.strip():
        quality = await asyncio.to_thread(compare, side.text, wanted.reference)
        return replace(side, chrf=quality.chrf)
    if repeats(wanted, side) or went_wrong(side, wanted.target):
        return side  # the sentence itself would come back whole
    try:
        model = await asyncio.to_thread(models.find, wanted.target, wanted.source)
    except errors.UnsupportedPair:
        return side
    codec = await asyncio.to_thread(models.codec, model, wanted.target, wanted.source)
    back = await _whole(models.engine(model), codec, side.text, wanted.target)
    quality = await asyncio.to_thread(compare, back, wanted.sentence)
    return replace(side, back=back, chrf=quality.chrf)


def repeats(wanted: Versus, side: Side) -> Literal["sentence", "example", ""]:
    """Whether the text is only what stood in the question: the sentence, or the answer of an example."""
    said = side.text.strip().casefold()
    if said == wanted.sentence.strip().casefold():
        return "sentence"
    answers = {turn.content.casefold() for turn in wanted.turns if turn.role == "assistant"}
    return "example" if said in answers else ""


def went_wrong(side: Side, target: str) -> bool:
    """Whether the text surely is in another language than the one that was wanted."""
    return side.guess is not None and side.guess.sure and side.guess.language != target


async def _whole(engine: TranslationEngine, codec: Codec, sentence: str, language: str) -> str:
    async with contextlib.aclosing(translate_text(engine, codec, sentence, language)) as steps:
        return [step.text async for step in steps][-1]
