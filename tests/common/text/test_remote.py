"""The remote engine against a server that behaves, one that misbehaves, and the provider's road."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from common import errors
from common.config import Settings
from common.text.engine import (
    Finished,
    GenerationRequest,
    Message,
    PromptRead,
    SamplingSettings,
    TextEngine,
    TokenBundle,
)
from common.text.engines.remote import RemoteEngine
from tests.common.text.scripted_server import (
    Answer,
    Reply,
    ScriptedServer,
    all_told,
    ask,
    chat_chunk,
    cuts_off,
    raw_chunk,
    refuses,
    says,
    scripted_server,
    sends_garbage,
    text_of,
)

KEY = "sk-very-secret-0123456789"
HELLO = (Message("user", "Hello"),)
CHAT = GenerationRequest(messages=HELLO)
RAW = GenerationRequest(prompt="Once")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.answer = says(chat_chunk("Hi"), chat_chunk(reason="stop"))
        yield running


def _engine(server: ScriptedServer, silence: float = 20.0, **values: Any) -> RemoteEngine:
    values = {"remote_url": server.url, "remote_key": KEY, **values}
    return RemoteEngine(Settings(_env_file=None, **values), silence)


# -- a server that behaves ------------------------------------------------------------------------------------------


def test_a_chat_streams(server: ScriptedServer) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3}}
    server.answer = says(chat_chunk(""), chat_chunk("Hi"), chat_chunk(" you"), chat_chunk(reason="length"), usage)
    engine = _engine(server)
    assert isinstance(engine, TextEngine)
    first, *between, last = ask(engine, GenerationRequest(messages=HELLO, sampling=SamplingSettings(seed=4)))
    assert first == PromptRead(0, 4)
    assert text_of(between) == "Hi you"
    assert len(between) == 2, "the texts arrive one by one"
    assert isinstance(last, Finished)
    assert (last.reason, last.prompt_tokens, last.new_tokens) == ("length", 11, 3)
    assert 0 < last.first_token <= last.seconds
    (asked,) = server.posts
    assert asked.path == "/v1/chat/completions"
    assert asked.authorization == f"Bearer {KEY}"
    assert (asked.body["model"], asked.body["seed"]) == ("tiny", 4)


def test_a_raw_text_is_continued(server: ScriptedServer) -> None:
    server.answer = says(raw_chunk(" upon"), raw_chunk(" a time", "stop"), done=False)
    *_, last = events = ask(_engine(server), RAW)
    assert text_of(events) == " upon a time"
    assert server.posts[0].path == "/v1/completions"
    assert isinstance(last, Finished)
    assert last.new_tokens == 2, "without the server's count, chunks are counted"


def test_a_seed_is_drawn_and_sent(server: ScriptedServer) -> None:
    engine = _engine(server)
    seeds = {event.seed for _ in range(3) for event in ask(engine, CHAT) if isinstance(event, PromptRead)}
    assert seeds == {asked.body["seed"] for asked in server.posts}
    assert len(seeds) == 3


def test_probabilities_are_used_when_given_and_none_else(server: ScriptedServer) -> None:
    engine = _engine(server)
    rated: dict[str, Any] = {"logprobs": {"content": [{"token": "Hi", "logprob": -0.75}]}}
    server.answer = says(chat_chunk("Hi", **rated), chat_chunk(reason="stop"))
    bundle = next(event for event in ask(engine, CHAT) if isinstance(event, TokenBundle))
    assert (bundle.tokens[0].id, bundle.tokens[0].logprob) == (None, -0.75)
    assert asyncio.run(engine.info()).gives_logprobs
    server.answer = says(chat_chunk("Hi"), chat_chunk(reason="stop"))
    bundle = next(event for event in ask(engine, CHAT) if isinstance(event, TokenBundle))
    assert bundle.tokens[0].logprob is None
    assert not asyncio.run(engine.info()).gives_logprobs


def test_a_stop_text_is_cut_off_and_ends_the_stream(server: ScriptedServer) -> None:
    def answer(reply: Reply) -> None:  # never ends by itself
        reply.begin()
        for text in ("one", " EN", "D", " two"):
            reply.event(chat_chunk(text))
        while True:
            reply.event(chat_chunk(" more"))

    server.answer = answer
    *_, last = events = ask(
        _engine(server), GenerationRequest(messages=HELLO, sampling=SamplingSettings(stop=("END",)))
    )
    assert text_of(events) == "one "
    assert isinstance(last, Finished)
    assert last.reason == "stop"
    assert server.hung_up.wait(10)


def test_line_separators_in_a_text_survive(server: ScriptedServer) -> None:
    server.answer = says(chat_chunk("a\u2028b\u0085c\n"), chat_chunk(reason="stop"))
    assert text_of(ask(_engine(server), CHAT)) == "a\u2028b\u0085c\n"


def test_closing_the_iterator_hangs_up(server: ScriptedServer) -> None:
    def answer(reply: Reply) -> None:
        reply.begin()
        while True:
            reply.event(chat_chunk("more "))

    server.answer = answer
    engine = _engine(server, max_active=1, max_waiting=0)

    async def leave_early() -> None:
        events = engine.stream(CHAT)
        async for event in events:
            if isinstance(event, TokenBundle):
                break
        with pytest.raises(errors.QueueFull):
            await anext(engine.stream(CHAT))
        await events.aclose()

    asyncio.run(leave_early())
    assert server.hung_up.wait(10)
    server.answer = says(chat_chunk("Hi", "stop"))
    assert text_of(ask(engine, CHAT)) == "Hi", "the place is free again"


def test_any_event_loop_may_ask(server: ScriptedServer) -> None:
    engine = _engine(server)
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(text_of(ask(engine, CHAT)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert texts == ["Hi"] * 8


# -- which model ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "context"),
    [({"max_model_len": 4096}, 4096), ({"meta": {"n_ctx": 2048}}, 2048), ({}, 0), ({"max_model_len": "many"}, 0)],
    ids=["vLLM", "llama.cpp", "silent", "odd"],
)
def test_the_server_tells_its_model(server: ScriptedServer, entry: dict[str, Any], context: int) -> None:
    server.models = [{"id": "first", **entry}, {"id": "second"}]
    info = asyncio.run(_engine(server).info())
    assert (info.model, info.engine, info.context) == ("first", "remote", context)
    assert not (info.gives_ids or info.can_beam)
    assert info.device == server.url.removesuffix("/v1")


def test_a_configured_model_needs_no_list(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    server.models = 404
    engine = _engine(server, model="mine")
    ask(engine, CHAT)
    assert server.posts[0].body["model"] == "mine"
    assert "context window stays unknown" in caplog.text
    assert len([asked for asked in server.asked if not asked.body]) == 1


@pytest.mark.parametrize("models", [[], [{"name": "no id"}], 500])
def test_without_list_and_name_there_is_no_model(server: ScriptedServer, models: Any) -> None:
    server.models = models
    with pytest.raises(errors.RemoteServerError):
        asyncio.run(_engine(server).info())


@pytest.mark.parametrize("owner", ["vllm", "llamacpp"])
def test_a_begun_answer_is_continued_where_the_server_can(server: ScriptedServer, owner: str) -> None:
    begun = GenerationRequest(messages=(*HELLO, Message("assistant", "I")), continue_last=True)
    with pytest.raises(errors.NotSupported):
        ask(_engine(server), begun)
    server.models = [{"id": "tiny", "owned_by": owner}]
    ask(_engine(server), begun)
    assert server.posts[0].body["continue_final_message"] is True


# -- settings and the key -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"remote_url": "localhost:8000/v1"},
        {"remote_url": "ftp://host/v1"},
        {"remote_url": "http://"},
        {"remote_url": f"http://user:{KEY}@host/v1"},
        {"remote_url": f"http://host/v1?key={KEY}"},
        {"remote_provider": "auto"},
        {"remote_url": "http://host/v1", "remote_key": f"{KEY}\nX-Other: 1"},
        {"remote_url": "http://host/v1", "remote_key": f"{KEY}é"},
    ],
)
def test_settings_that_name_no_server(values: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        RemoteEngine(Settings(_env_file=None, **values))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        refuses(500, {"error": {"message": f"unexpected header Bearer {KEY}"}}),
        refuses(400, {"error": {"message": "x" * 195 + KEY}}),
        says({"error": {"message": f"who is {KEY}?"}}),
        cuts_off,
        sends_garbage,
    ],
)
def test_the_key_never_shows(server: ScriptedServer, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = answer
    engine = _engine(server)
    with pytest.raises(errors.RemoteServerError) as caught:
        ask(engine, CHAT)
    seen = all_told(caught.value) + caplog.text + repr(engine) + str(engine) + repr(vars(engine))
    assert KEY not in seen
    assert KEY[:8] not in str(caught.value), "not even the beginning, where a long message is cut"
    assert server.posts[0].authorization == f"Bearer {KEY}"
