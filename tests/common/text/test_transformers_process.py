"""The transformers worker as the app runs it: in a process of its own, that may die and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import catalog, errors
from common.text.engine import Finished, GenerationRequest, GlassBox, Message, SamplingSettings, TextEngine, TokenBundle
from common.text.engines.inprocess import InProcessEngine
from common.text.engines.process import ProcessEngine
from tests.common.text.conftest import options

pytestmark = pytest.mark.slow
WORKER = "common.text.engines.transformers_worker"


@pytest.fixture(scope="module")
def engine(chat_folder: Path) -> Iterator[ProcessEngine]:
    running = ProcessEngine(WORKER, options(chat_folder, max_active=4), "tiny")
    running.start()
    yield running
    asyncio.run(running.close())


def _request(text: str = "The quick", **sampling: Any) -> GenerationRequest:
    return GenerationRequest(prompt=text, sampling=SamplingSettings(**sampling))


async def _read(events: AsyncIterator[Any]) -> tuple[list[int], Finished]:
    ids: list[int] = []
    finished = None
    async for event in events:
        if isinstance(event, TokenBundle):
            ids += [token.id for token in event.tokens if token.id is not None]
        finished = event
    assert isinstance(finished, Finished)
    return ids, finished


def test_the_engine_is_a_text_engine_and_a_glass_box(engine: ProcessEngine) -> None:
    async def run() -> None:
        info = await engine.info()
        assert (info.engine, info.device, info.context, info.vocabulary) == ("transformers", "cpu", 640, 320)
        (ids, finished), _ = await asyncio.gather(
            _read(engine.stream(_request(temperature=0, max_new_tokens=8, ignore_eos=True))),
            _read(engine.stream(_request("Rivers", max_new_tokens=8, seed=1))),
        )
        assert len(ids) == 8 and finished.reason == "length"
        prompt = [token.id for token in await engine.tokenize(_request())]
        assert ids[0] == int((await engine.next_logits(prompt)).argmax())
        candidates = await engine.candidates([*prompt, *ids], len(prompt), top=3)
        assert [best[0].id for best in candidates[:-1]] == ids
        attentions = await engine.attentions(prompt)
        assert attentions.shape == (3, 4, len(prompt), len(prompt))
        np.testing.assert_allclose(attentions.sum(-1), 1, atol=1e-5)
        np.testing.assert_allclose(await engine.attention(prompt, 1, 2), attentions[1, 2], atol=1e-6)
        np.testing.assert_allclose(await engine.attention(prompt, 1), attentions[1].mean(0), atol=1e-6)
        links = await engine.attention_links(prompt, [(3, 1)])
        np.testing.assert_allclose(links[0, :, :, 0], attentions[:, :, 3, 1], atol=1e-6)
        assert (await engine.hidden_states(prompt)).shape == (4, len(prompt), 64)
        lens = await engine.logit_lens(prompt)
        assert lens[-1][0][0].id == ids[0]

    assert isinstance(engine, TextEngine) and isinstance(engine, GlassBox)
    asyncio.run(run())


def test_errors_cross_the_process_with_their_sentences(engine: ProcessEngine) -> None:
    with pytest.raises(errors.PromptTooLong, match="128"):
        asyncio.run(engine.attentions([5] * 200))
    with pytest.raises(errors.EmptyPrompt):
        asyncio.run(_read(engine.stream(_request(""))))


def test_a_killed_process_says_so_and_serves_again(engine: ProcessEngine) -> None:
    async def run() -> None:
        await engine.info()
        long = engine.stream(_request(max_new_tokens=600, ignore_eos=True))
        await anext(long)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(errors.EngineStopped):
            async for _ in long:
                pass
        ids, _ = await _read(engine.stream(_request(max_new_tokens=4, ignore_eos=True)))
        assert len(ids) == 4

    asyncio.run(run())


def test_the_process_ends_with_a_batch_running(chat_folder: Path) -> None:
    async def run() -> int:
        other = ProcessEngine(WORKER, options(chat_folder, batching="continuous", kv_cache_tokens=1024), "tiny")
        ids, _ = await _read(other.stream(_request(temperature=0, max_new_tokens=6, ignore_eos=True)))
        assert len(ids) == 6
        process = other._process
        assert process is not None and process.stdin is not None
        process.stdin.close()  # what the end of the web process looks like
        return await asyncio.to_thread(process.wait, 30)

    assert asyncio.run(run()) == 0


def test_a_model_in_this_process_answers_the_same(engine: ProcessEngine, chat_folder: Path) -> None:
    async def run() -> None:
        here = InProcessEngine(options(chat_folder), "tiny-here")
        requests = [
            _request(temperature=0, max_new_tokens=8, ignore_eos=True),
            _request(temperature=1.2, seed=3, max_new_tokens=8, ignore_eos=True),
            _request(num_beams=2, max_new_tokens=4),
        ]
        for request in requests:
            (mine, finished), (theirs, _) = await _read(here.stream(request)), await _read(engine.stream(request))
            assert mine == theirs and finished.new_tokens >= len(mine)
        both = await asyncio.gather(*(_read(here.stream(request)) for request in requests[:2]))
        assert both[0][0] != both[1][0]
        prompt = [token.id for token in await here.tokenize(_request())]
        ask: list[Callable[[GlassBox], Awaitable[Any]]] = [
            lambda box: box.next_logits(prompt),
            lambda box: box.attentions(prompt),
            lambda box: box.hidden_states(prompt),
        ]
        for question in ask:
            np.testing.assert_allclose(await question(here), await question(engine), atol=1e-4)
        assert (await here.candidates(prompt, 1, 2))[0][0].id == (await engine.candidates(prompt, 1, 2))[0][0].id
        with pytest.raises(errors.PromptTooLong):
            await here.attentions([5] * 200)
        with pytest.raises(errors.EmptyPrompt):
            await _read(here.stream(_request("")))
        half = here.stream(_request(max_new_tokens=500, ignore_eos=True))
        await anext(half)
        assert here.active == 1
        await half.aclose()
        assert here.active == 0
        await here.close()

    asyncio.run(run())


def test_a_model_that_does_not_load_says_so_in_this_process_too(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelUnavailable):
        asyncio.run(InProcessEngine(options(tmp_path), "nothing").info())


def test_the_embedded_model_answers_and_shows_its_inside() -> None:
    """The real SmolLM2; converted once per cache, which takes ten seconds or so."""

    async def run() -> None:
        path = catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))
        engine = ProcessEngine(WORKER, {"name": "smollm2", "path": str(path), "context": 8192}, "smollm2")
        question = GenerationRequest(
            messages=(Message("user", "What is the capital of France?"),),
            sampling=SamplingSettings(temperature=0, max_new_tokens=20),
        )
        tokens = await engine.tokenize(question)
        assert sum(token.special for token in tokens) == 5  # system and user turn, and the start of the answer
        start = time.perf_counter()
        ids, finished = await _read(engine.stream(question))
        assert finished.reason == "stop" and time.perf_counter() - start > 0
        prompt = [token.id for token in tokens if token.id is not None]
        places = await engine.candidates([*prompt, *ids], len(prompt), top=5)
        assert "Paris" in "".join(place[0].text for place in places)
        assert all(sum(candidate.probability for candidate in place) <= 1.001 for place in places)
        attentions = await engine.attentions(prompt)
        assert attentions.shape == (30, 9, len(prompt), len(prompt))
        np.testing.assert_allclose(attentions.sum(-1), 1, atol=1e-5)
        await engine.close()

    asyncio.run(run())
