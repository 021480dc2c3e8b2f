"""Constrained decoding: whatever the model, the seed and the temperature, the completion is JSON of the schema."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from common import errors
from common.text.engine import GenerationRequest, SamplingSettings, TextEngine, TokenBundle
from common.text.engines.json_pattern import json_pattern
from common.text.engines.loading import LoadedModel
from common.text.engines.openai_protocol import request_body
from common.text.engines.process import ProcessEngine
from common.text.engines.remote_errors import explain
from common.text.engines.remote_http import Refused
from common.text.engines.transformers_worker import TransformersRunner

TEXT = {"type": "string", "pattern": "^[a-z ]{1,12}$"}
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"name": {"enum": ["one", "two"]}, "text": TEXT},
        "required": ["name", "text"],
        "additionalProperties": False,
    }
)


def _fits(text: str) -> bool:
    values = json.loads(text)
    return (
        list(values) == ["name", "text"]
        and values["name"] in ("one", "two")
        and re.fullmatch("[a-z ]{1,12}", values["text"]) is not None
        and json.dumps(values, separators=(",", ":")) == text
    )


@pytest.mark.parametrize("batching", ["turns", "continuous"])
def test_a_model_of_random_weights_writes_what_the_schema_allows(loaded: LoadedModel, batching: str) -> None:
    runner = TransformersRunner(loaded, {"batching": batching, "max_active": 4, "kv_cache_tokens": 2048})
    try:
        for seed in range(6):
            sampling = SamplingSettings(temperature=1.5 * (seed > 0), json_schema=SCHEMA, max_new_tokens=120)
            runner.add(seed, GenerationRequest(prompt="Rivers", sampling=sampling), seed)
        runner.add(99, GenerationRequest(prompt="Rivers", sampling=SamplingSettings(max_new_tokens=20)), 1)
        texts, ends = dict.fromkeys([*range(6), 99], ""), {}
        while runner.busy:
            for request_id, tokens, end in runner.step():
                texts[request_id] += "".join(token.text for token in tokens if not token.special)
                ends[request_id] = end
                assert all(token.logprob is None or token.logprob <= 0 for token in tokens)
    finally:
        runner.close()
    free = texts.pop(99)
    assert all(_fits(text) for text in texts.values()), texts
    assert {ends[seed] for seed in range(6)} == {"stop"} and len(set(texts.values())) > 1
    assert not free.startswith('{"name"')


def test_beams_and_a_schema_do_not_go_together(loaded: LoadedModel) -> None:
    runner = TransformersRunner(loaded, {"batching": "turns"})
    sampling = SamplingSettings(num_beams=2, json_schema=SCHEMA)
    with pytest.raises(errors.NotSupported):
        runner.add(1, GenerationRequest(prompt="Rivers", sampling=sampling), 0)
    assert not runner.busy


def test_the_pattern_allows_the_schema_and_no_white_space() -> None:
    pattern = json_pattern(SCHEMA)
    assert re.fullmatch(pattern, '{"name":"one","text":"a b"}')
    assert not re.fullmatch(pattern, '{"name": "one","text":"a b"}')
    assert not re.fullmatch(pattern, '{"name":"six","text":"a b"}')
    with pytest.raises(ValueError):
        json_pattern("no schema")


def test_a_server_is_asked_in_its_own_words_and_may_refuse() -> None:
    sampling = SamplingSettings(json_schema=SCHEMA)
    body = request_body(GenerationRequest(prompt="x", sampling=sampling), "m", 1)
    assert body["response_format"]["json_schema"]["schema"] == json.loads(SCHEMA)
    refused = Refused(400, "response_format is not supported")
    problem = explain(refused, "http://x", "m", keyed=False, raw=False, extra=(), waiting=1)
    assert isinstance(problem, errors.NotSupported)


@pytest.mark.slow
def test_the_embedded_model_writes_what_the_schema_allows(engine: TextEngine) -> None:
    assert isinstance(engine, ProcessEngine)

    async def write(seed: int) -> str:
        sampling = SamplingSettings(temperature=1.5, seed=seed, json_schema=SCHEMA, max_new_tokens=60)
        events = engine.stream(GenerationRequest(prompt="My favourite colour is", sampling=sampling))
        return "".join(
            [
                token.text
                async for event in events
                if isinstance(event, TokenBundle)
                for token in event.tokens
                if not token.special
            ]
        )

    async def several() -> list[str]:
        return await asyncio.gather(*map(write, range(6)))

    texts = asyncio.run(several())
    assert all(map(_fits, texts)), texts
