"""The engine process with the real embedded model: streams, seeds, limits, cancelling, dying and coming back."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from common import catalog, errors
from common.config import Settings
from common.text.engine import (
    Event,
    Finished,
    GenerationRequest,
    Message,
    PromptRead,
    SamplingSettings,
    Token,
    TokenBundle,
)
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, build_engine

pytestmark = pytest.mark.slow


async def _events(engine: ProcessEngine, request: GenerationRequest) -> list[Event]:
    return [event async for event in engine.stream(request)]


def _tokens(events: list[Event]) -> list[Token]:
    return [token for event in events if isinstance(event, TokenBundle) for token in event.tokens]


def _ask(content: str, **sampling: object) -> GenerationRequest:
    return GenerationRequest(messages=(Message("user", content),), sampling=SamplingSettings(**sampling))  # type: ignore[arg-type]


def test_a_stream_begins_with_the_prompt_and_ends_with_the_figures(engine: ProcessEngine) -> None:
    events = asyncio.run(_events(engine, _ask("What is the capital of France?", temperature=0, max_new_tokens=30)))
    assert isinstance(events[0], PromptRead) and events[0].tokens > 20
    finished = events[-1]
    assert isinstance(finished, Finished)
    tokens = _tokens(events)
    assert "Paris" in "".join(token.text for token in tokens)
    assert finished.reason == "stop" and tokens[-1].special
    assert finished.new_tokens == len(tokens)
    assert 0 < finished.first_token <= finished.seconds
    assert all(token.logprob is not None and token.logprob <= 0 for token in tokens)


def test_same_seed_same_beginning_whatever_else_is_in_the_batch(engine: ProcessEngine) -> None:
    async def run() -> list[list[int | None]]:
        request = _ask("Tell me about rivers.", temperature=0.9, seed=7, max_new_tokens=24)
        alone = await _events(engine, request)
        others = [_ask(f"Count to {n}.", seed=n, max_new_tokens=24) for n in range(6)]
        together = await asyncio.gather(*(_events(engine, one) for one in [request, *others]))
        return [[token.id for token in _tokens(events)] for events in (alone, together[0])]

    alone, together = asyncio.run(run())
    # Whole texts are compared in bench/batch_determinism.py: not every processor rounds alike for every size of batch.
    assert alone[:8] == together[:8]


def test_same_seed_same_text_when_alone(engine: ProcessEngine) -> None:
    request = _ask("Tell me about rivers.", temperature=0.9, seed=11, max_new_tokens=24)
    first, second = (_tokens(asyncio.run(_events(engine, request))) for _ in range(2))
    assert [token.id for token in first] == [token.id for token in second]
    other = _tokens(
        asyncio.run(_events(engine, _ask("Tell me about rivers.", temperature=0.9, seed=12, max_new_tokens=24)))
    )
    assert [token.id for token in other] != [token.id for token in first]


def test_a_seed_is_drawn_and_reported_when_none_is_given(engine: ProcessEngine) -> None:
    events = asyncio.run(_events(engine, _ask("Tell me about rivers.", temperature=1.2, max_new_tokens=16)))
    assert isinstance(events[0], PromptRead)
    again = asyncio.run(
        _events(engine, _ask("Tell me about rivers.", temperature=1.2, max_new_tokens=16, seed=events[0].seed))
    )
    assert [t.id for t in _tokens(again)] == [t.id for t in _tokens(events)]


def test_a_stop_text_ends_the_completion(engine: ProcessEngine) -> None:
    request = GenerationRequest(
        prompt="1, 2, 3, 4,", sampling=SamplingSettings(temperature=0, max_new_tokens=40, stop=(" 7",))
    )
    events = asyncio.run(_events(engine, request))
    assert "".join(token.text for token in _tokens(events)).strip() == "5, 6,"
    assert isinstance(events[-1], Finished) and events[-1].reason == "stop"


def test_beam_search_gives_its_text_at_the_end(engine: ProcessEngine) -> None:
    request = GenerationRequest(
        prompt="The capital of France is", sampling=SamplingSettings(num_beams=4, max_new_tokens=12)
    )
    events = asyncio.run(_events(engine, request))
    assert len(_tokens(events)) == 12
    assert "Paris" in "".join(token.text for token in _tokens(events))


def test_a_prefilled_answer_is_continued(engine: ProcessEngine) -> None:
    messages = (Message("user", "What is the capital of France?"), Message("assistant", "The capital of France is"))
    sampling = SamplingSettings(temperature=0, max_new_tokens=6)
    events = asyncio.run(_events(engine, GenerationRequest(messages=messages, sampling=sampling, continue_last=True)))
    assert "".join(token.text for token in _tokens(events)).startswith(" Paris")


def test_tokens_of_a_prompt(engine: ProcessEngine) -> None:
    tokens = asyncio.run(engine.tokenize(GenerationRequest(messages=(Message("user", "Grüße 🙂"),))))
    text = "".join(token.text for token in tokens)
    assert "Grüße 🙂" in text and text.count("<|im_start|>") == 3
    assert [token.text for token in tokens if token.special].count("<|im_end|>") == 2


def test_closing_a_stream_frees_its_place(engine: ProcessEngine) -> None:
    async def run() -> None:
        stream = engine.stream(_ask("Write a long story.", max_new_tokens=400, ignore_eos=True))
        async for event in stream:
            if isinstance(event, TokenBundle):
                break
        assert engine.active == 1
        await stream.aclose()
        assert engine.active == 0
        begin = time.monotonic()
        await _events(engine, _ask("Hi", max_new_tokens=2))
        assert time.monotonic() - begin < 60  # it would not come at all if the step loop were stuck

    asyncio.run(run())


def test_a_prompt_longer_than_the_context_is_refused_and_the_engine_goes_on(engine: ProcessEngine) -> None:
    with pytest.raises(errors.PromptTooLong) as caught:
        asyncio.run(_events(engine, GenerationRequest(prompt="word " * 9000)))
    assert caught.value.params["limit"] < 8192
    assert _tokens(asyncio.run(_events(engine, _ask("Hi", max_new_tokens=2))))


def test_an_empty_prompt_is_refused(engine: ProcessEngine) -> None:
    with pytest.raises(errors.EmptyPrompt):
        asyncio.run(_events(engine, GenerationRequest(prompt="")))


def test_a_full_queue_is_refused(engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    tight = Settings(max_active=1, max_waiting=1)
    monkeypatch.setattr("common.text.engines.process.settings", lambda: tight)

    async def run() -> None:
        streams = [engine.stream(_ask("Count.", max_new_tokens=64, ignore_eos=True)) for _ in range(3)]
        for stream in streams[:2]:
            await anext(stream)
        with pytest.raises(errors.QueueFull):
            await anext(streams[2])
        for stream in streams[:2]:
            await stream.aclose()

    asyncio.run(run())
    assert engine.active == 0


def test_a_killed_process_gives_a_sentence_and_comes_back(engine: ProcessEngine) -> None:
    async def run() -> None:
        stream = engine.stream(_ask("Write a long story.", max_new_tokens=400, ignore_eos=True))
        await anext(stream)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(errors.EngineStopped):
            async for _ in stream:
                pass
        assert engine.active == 0
        assert _tokens(await _events(engine, _ask("Hi", max_new_tokens=2)))

    asyncio.run(run())


def test_a_file_that_is_no_model_is_said_and_not_retried_for_ever(tmp_path: object) -> None:
    options = {
        "name": "broken",
        "path": "/nonexistent.gguf",
        "context": 64,
        "threads": 0,
        "kv_cache_tokens": 1024,
        "max_active": 1,
        "reproducible": True,
    }
    engine = ProcessEngine("common.text.engines.openvino_worker", options, "broken")

    async def run() -> None:
        for _ in range(2):
            with pytest.raises(errors.DemystifyError):
                await engine.info()
        await engine.close()

    asyncio.run(run())


def test_too_little_memory_is_said_before_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.free_memory_gb", lambda: 0.1)
    with pytest.raises(errors.OutOfMemory):
        build_engine(Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), Settings())
