"""Every space does its work once, for real: a text, a search, a translation, a training, a picture."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.config import Settings, settings
from common.diffusion.models import DiffusionModels
from common.errors import Phrase
from common.preflight.finding import Finding
from common.text.models import TextModels
from common.training.runs import Run, TrainingRuns
from common.translation.models import TranslationModels

_QUESTION = "What is a language model?"
_TOKENS = 16
_SENTENCE = "Das Haus ist klein."
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Services:
    """What the spaces work with: those of the app, or of the pre-flight's own."""

    text: TextModels
    translation: TranslationModels
    runs: TrainingRuns
    diffusion: DiffusionModels

    @classmethod
    @asynccontextmanager
    async def opened(cls, config: Settings | None = None) -> AsyncIterator[Services]:
        """New ones, closed at the end."""
        services = cls(TextModels(config), TranslationModels(config), TrainingRuns(config), DiffusionModels(config))
        try:
            yield services
        finally:
            await services.text.close()
            services.translation.close()
            services.diffusion.close()


async def chat(services: Services) -> Finding:
    """An answer of the text model, read as it comes."""
    from common.text.engine import Finished, GenerationRequest, Message, SamplingSettings

    start = time.perf_counter()
    engine = await asyncio.to_thread(services.text.engine)
    info = await engine.info()
    loaded = time.perf_counter() - start
    sampling = SamplingSettings(temperature=0, max_new_tokens=_TOKENS)
    done: Finished | None = None
    async with contextlib.aclosing(
        engine.stream(GenerationRequest(messages=(Message("user", _QUESTION),), sampling=sampling))
    ) as events:
        async for event in events:
            if isinstance(event, Finished):
                done = event
    if done is None or not done.new_tokens:
        return _silent("chat")
    detail = Phrase(
        "chat_wrote",
        model=info.model,
        loaded=round(loaded, 1),
        tokens=done.new_tokens,
        seconds=round(done.seconds, 1),
        first=round(done.first_token, 1),
    )
    return Finding("chat", "ok", detail)


async def search() -> Finding:
    """Two texts as vectors, and which of them is nearer to a question."""
    from common.text.retrieval.embedder import EMBEDDING_MODEL, embedder

    texts = ["The house is small.", "A cat sleeps.", "Where does the cat sleep?"]
    start = time.perf_counter()
    house, cat, question = await asyncio.to_thread(embedder().embed, texts)
    if question @ cat <= question @ house:
        return _silent("search")
    seconds = round(time.perf_counter() - start, 1)
    return Finding("search", "ok", Phrase("search_found", model=EMBEDDING_MODEL, seconds=seconds))


async def translation(services: Services) -> Finding:
    """A sentence from German into English."""
    from common.translation.passage import translate_text

    start = time.perf_counter()
    model = await asyncio.to_thread(services.translation.find, "de", "en")
    codec = await asyncio.to_thread(services.translation.codec, model, "de", "en")
    said = ""
    stream = translate_text(services.translation.engine(model), codec, _SENTENCE, "de")
    async with contextlib.aclosing(stream) as progress:
        async for part in progress:
            said = part.text
    if not said.strip():
        return _silent("translation")
    seconds = round(time.perf_counter() - start, 1)
    return Finding("translation", "ok", Phrase("translation_said", model=model.title, text=said, seconds=seconds))


async def training(services: Services) -> Finding:
    """A few steps of a tiny model in a process of its own, as every run is one; its folder is deleted afterwards."""
    from common.training.config import Pace, ScratchConfig, Shape
    from common.training.samples import story

    working = [run for run in await asyncio.to_thread(services.runs.all) if run.state == "running"]
    if len(working) >= settings().max_runs:
        return Finding("training", "ok", Phrase("training_busy", count=len(working)))
    config = ScratchConfig(
        name=f"preflight {secrets.token_hex(4)}",
        owner=f"preflight-{secrets.token_hex(8)}",
        minutes=2,
        shape=Shape(layers=1, heads=1, width=16, context=16),
        pace=Pace(steps=_STEPS, batch=2, evaluate_every=_STEPS),
    )
    start = time.perf_counter()
    run = await asyncio.to_thread(services.runs.create, config, story(5_000))
    try:
        ended = await _ended(services.runs, run)
        if ended.state != "finished" or not ended.folder.has_model:
            return Finding("training", "problem", Phrase("training_failed"), Phrase("advice_log"))
    finally:
        services.runs.delete(run.folder.id, run.config.owner)
    seconds = round(time.perf_counter() - start, 1)
    return Finding("training", "ok", Phrase("training_done", steps=_STEPS, seconds=seconds))


async def _ended(runs: TrainingRuns, run: Run) -> Run:
    while run.state in ("waiting", "running"):
        await asyncio.to_thread(runs.look)  # an app does that by itself, too
        await asyncio.sleep(0.3)
        run = await asyncio.to_thread(runs.find, run.folder.id)
    return run


async def picture(services: Services) -> Finding:
    """A picture in a few steps."""
    from common.diffusion.request import Finished, ImageRequest

    start = time.perf_counter()
    model = await asyncio.to_thread(services.diffusion.find)
    engine = await asyncio.to_thread(services.diffusion.engine, model.id)
    await asyncio.to_thread(engine.opened)
    loaded = time.perf_counter() - start
    request = ImageRequest("a red heart", steps=_STEPS, guidance_scale=1.0, size=model.size or 64)
    seconds = 0.0
    async with contextlib.aclosing(engine.draw(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                seconds = event.seconds
    if not seconds:
        return _silent("picture")
    detail = Phrase(
        "picture_drawn", model=model.title, loaded=round(loaded, 1), steps=_STEPS, seconds=round(seconds, 1)
    )
    return Finding("picture", "ok", detail)


def _silent(check: str) -> Finding:
    return Finding(check, "problem", Phrase("nothing_came"), Phrase("advice_model"))
