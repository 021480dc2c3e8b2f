"""The remote engine on Hugging Face's Inference Providers, through the real client."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from common import errors
from common.config import Settings
from common.text.engine import (
    Finished,
    GenerationRequest,
    Message,
    SamplingSettings,
    TokenBundle,
)
from common.text.engines.remote import RemoteEngine
from tests.common.text.scripted_server import (
    BAD_STREAMS,
    Answer,
    ScriptedServer,
    all_told,
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


@pytest.fixture
def router(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """The provider's road, through the real client, with its router's address turned to the server here."""
    from huggingface_hub import constants
    from huggingface_hub.inference import _providers

    monkeypatch.setattr(_providers.CONVERSATIONAL_AUTO_ROUTER, "base_url", server.url.removesuffix("/v1"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return server


def _provided(provider: str = "auto", key: str = "hf_secret0123456789") -> RemoteEngine:
    return RemoteEngine(
        Settings(_env_file=None, remote_provider=provider, remote_key=key, model="org/model"), silence=20
    )


@pytest.mark.parametrize(("provider", "model"), [("auto", "org/model"), ("groq", "org/model:groq")])
def test_a_provider_answers(router: ScriptedServer, provider: str, model: str) -> None:
    rated: dict[str, Any] = {"logprobs": {"content": [{"token": "Hi", "logprob": -0.75, "top_logprobs": []}]}}
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}}
    router.answer = says(chat_chunk("Hi", **rated), chat_chunk(reason="stop"), usage)
    sampling = SamplingSettings(temperature=0, top_k=5, seed=1)
    *_, last = events = ask(_provided(provider), GenerationRequest(messages=HELLO, sampling=sampling))
    assert text_of(events) == "Hi"
    assert isinstance(events[1], TokenBundle)
    assert events[1].tokens[0].logprob == -0.75
    assert isinstance(last, Finished)
    assert (last.prompt_tokens, last.new_tokens) == (11, 3)
    (asked,) = router.asked
    assert asked.authorization == "Bearer hf_secret0123456789"
    assert (asked.body["model"], asked.body["top_k"], asked.body["temperature"]) == (model, 5, 0)


@pytest.mark.parametrize(("answer", "expected", "phrase"), BAD_STREAMS[:-1])
def test_a_providers_broken_stream_is_a_sentence(
    router: ScriptedServer, answer: Answer, expected: type[errors.DemystifyError], phrase: str
) -> None:
    router.answer = answer
    with pytest.raises(expected) as caught:
        ask(_provided(), CHAT)
    assert phrase in str(caught.value) or "not JSON" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "expected", "phrase"),
    [
        (401, {"error": "Invalid username or password."}, errors.RemoteServerError, "refused the key"),
        (402, {"error": "You have exceeded your monthly credits"}, errors.RemoteServerError, "no credit left"),
        (429, {"error": "slow"}, errors.QueueFull, "is busy"),
        (400, {"error": {"message": "hf_secret0123456789?"}}, errors.RemoteServerError, "status 400: …?"),
        (422, {"error": {"message": "top_k: unknown"}}, errors.RemoteServerError, "does not take top_k"),
    ],
)
def test_a_providers_refusal_is_a_sentence(
    router: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: object,
    expected: type[errors.DemystifyError],
    phrase: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    router.answer = refuses(status, body)
    engine = _provided()
    with pytest.raises(expected) as caught:
        ask(engine, GenerationRequest(messages=HELLO, sampling=SamplingSettings(top_k=5)))
    assert phrase in str(caught.value)
    assert "hf_secret" not in all_told(caught.value) + caplog.text + repr(engine)


def test_a_provider_takes_only_chats_and_hugging_face_tokens(router: ScriptedServer) -> None:
    with pytest.raises(errors.NotSupported, match="raw text"):
        ask(_provided(), RAW)
    with pytest.raises(errors.RemoteServerError, match="begins with hf_"):
        ask(_provided(key="sk-of-another-house"), CHAT)
    assert not router.asked


def test_offline_a_provider_is_not_asked_and_a_server_is(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(errors.RemoteServerError, match="HF_HUB_OFFLINE"):
        ask(_provided(), CHAT)
    assert text_of(ask(_engine(server), CHAT)) == "Hi"


def test_the_machines_own_token_stays_here(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_the-presenters-own")
    ask(_engine(server, remote_key=""), CHAT)
    assert all(asked.authorization is None for asked in server.asked)
    assert "hf_the" not in json.dumps([asked.body for asked in server.asked])
