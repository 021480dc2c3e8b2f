"""The remote engine against a server that refuses, breaks off, keeps silent or is not there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from common import errors
from common.config import Settings
from common.text.engine import (
    Event,
    GenerationRequest,
    Message,
    SamplingSettings,
)
from common.text.engines.remote import RemoteEngine
from tests.common.text.scripted_server import (
    BAD_STREAMS,
    Answer,
    Reply,
    ScriptedServer,
    ask,
    chat_chunk,
    refuses,
    says,
    scripted_server,
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


@pytest.mark.parametrize(
    ("status", "body", "expected", "phrase"),
    [
        (401, {"error": {"message": "bad key"}}, errors.RemoteServerError, "refused the key"),
        (403, "no", errors.RemoteServerError, "refused the key"),
        (402, {"error": "pay"}, errors.RemoteServerError, "no credit left"),
        (404, {"error": {"message": "The model `tiny` does not exist."}}, errors.RemoteServerError, "no model called"),
        (404, {"detail": "Not Found"}, errors.RemoteServerError, "should end in /v1"),
        (307, "", errors.RemoteServerError, "status 307"),
        (429, {"error": "slow down"}, errors.QueueFull, "1 at the moment"),
        (500, "<html>a page</html>", errors.RemoteServerError, "it failed with status 500)"),
        (503, {"error": {"message": "Loading model"}}, errors.RemoteServerError, "status 503: Loading model"),
        (400, {"error": {"message": "bad role"}}, errors.RemoteServerError, "status 400: bad role"),
        (
            400,
            {"error": {"message": "maximum context length is 64 tokens, but the prompt contains 90 input tokens"}},
            errors.PromptTooLong,
            "90 tokens",
        ),
    ],
)
def test_a_refusal_is_a_sentence(
    server: ScriptedServer, status: int, body: object, expected: type[errors.DemystifyError], phrase: str
) -> None:
    server.answer = refuses(status, body)
    with pytest.raises(expected) as caught:
        ask(_engine(server), CHAT)
    assert phrase in str(caught.value)


def test_a_server_that_wants_a_key_is_told_apart(server: ScriptedServer) -> None:
    server.models = 401
    with pytest.raises(errors.RemoteServerError, match="it asks for a key"):
        asyncio.run(_engine(server, remote_key="", model="mine").info())
    assert server.asked[0].authorization is None


def test_a_setting_that_is_refused_is_said_and_not_dropped(server: ScriptedServer) -> None:
    server.answer = refuses(422, {"detail": "Unexpected fields in the request: {'top_k'}"})
    with pytest.raises(errors.RemoteServerError, match="it does not take top_k"):
        ask(_engine(server), GenerationRequest(messages=HELLO, sampling=SamplingSettings(top_k=5)))
    assert len(server.posts) == 1


def test_probabilities_that_are_refused_are_done_without(server: ScriptedServer) -> None:
    def answer(reply: Reply) -> None:
        if "logprobs" in reply.asked.body:
            reply.send(400, {"error": {"message": "`logprobs` is not supported with this model"}})
        else:
            says(chat_chunk("Hi", "stop"))(reply)

    server.answer = answer
    engine = _engine(server)
    assert text_of(ask(engine, CHAT)) == text_of(ask(engine, CHAT)) == "Hi"
    assert ["logprobs" in asked.body for asked in server.posts] == [True, False, False], "it is asked for once"
    assert not asyncio.run(engine.info()).gives_logprobs


def test_raw_texts_may_be_missing(server: ScriptedServer) -> None:
    server.answer = refuses(404, {"detail": "Not Found"})
    with pytest.raises(errors.NotSupported, match="raw text"):
        ask(_engine(server), RAW)


@pytest.mark.parametrize(("answer", "expected", "phrase"), BAD_STREAMS)
def test_a_broken_stream_is_a_sentence(
    server: ScriptedServer, answer: Answer, expected: type[errors.DemystifyError], phrase: str
) -> None:
    server.answer = answer
    with pytest.raises(expected) as caught:
        ask(_engine(server), CHAT)
    assert phrase in str(caught.value)


def test_a_silent_server_is_given_up(server: ScriptedServer) -> None:
    released = threading.Event()

    def answer(reply: Reply) -> None:
        reply.begin()
        reply.event(chat_chunk("Hi"))
        released.wait(20)

    server.answer = answer
    arrived: list[Event] = []

    async def collect() -> None:
        async for event in _engine(server, silence=0.3).stream(CHAT):
            arrived.append(event)

    with pytest.raises(errors.RemoteServerError, match=r"silent for 0\.3 seconds"):
        asyncio.run(collect())
    released.set()
    assert text_of(arrived) == "Hi"


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        engine = RemoteEngine(
            Settings(_env_file=None, remote_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1", model="mine")
        )
        with pytest.raises(errors.RemoteServerError, match="nothing answers there"):
            ask(engine, CHAT)


def test_no_such_name() -> None:
    engine = RemoteEngine(Settings(_env_file=None, remote_url="http://no-such-machine.invalid:8000/v1", model="mine"))
    with pytest.raises(errors.RemoteServerError, match="there is no machine of this name"):
        ask(engine, CHAT)


@pytest.mark.parametrize(
    ("asked_for", "expected"),
    [
        (GenerationRequest(prompt_ids=(1, 2)), errors.NotSupported),
        (GenerationRequest(messages=HELLO, sampling=SamplingSettings(num_beams=4)), errors.NotSupported),
        (GenerationRequest(prompt=""), errors.EmptyPrompt),
        (GenerationRequest(messages=()), errors.EmptyPrompt),
    ],
)
def test_what_cannot_be_asked(
    server: ScriptedServer, asked_for: GenerationRequest, expected: type[errors.DemystifyError]
) -> None:
    with pytest.raises(expected):
        ask(_engine(server), asked_for)
    assert not server.posts


def test_the_prompts_tokens_stay_there(server: ScriptedServer) -> None:
    with pytest.raises(errors.NotSupported):
        asyncio.run(_engine(server).tokenize(CHAT))
