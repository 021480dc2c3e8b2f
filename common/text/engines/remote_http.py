"""The road to a remote model: opens the connection, reads the events, and says in plain words what went wrong.

Two roads give the same events: a server with an address (any that speaks OpenAI's protocol), and Hugging Face's
Inference Providers. Each request has a connection of its own, so that any event loop may ask and closing the iterator
hangs up, which is how the server learns to stop. What the events mean is not known here.

A server with an address is not asked through ``AsyncInferenceClient``, because that one refuses every address while
HF_HUB_OFFLINE is set, also one in the same room, and sends the machine's saved Hugging Face token to whatever server
it is pointed at when no key is given.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncGenerator, Iterator
from functools import cache
from typing import Any

import httpx2
from pydantic import SecretStr

from common import errors
from common.errors import Phrase
from common.text.engines.openai_protocol import JsonObject, ServerFailure, error_message

EXAMPLE_ADDRESS = "http://localhost:8000/v1"
_CONNECT_SECONDS = 10.0
_ERROR_BYTES = 65_536  # more than this of an error page is not read
_MESSAGE_LIMIT = 200  # characters of a server's own message that a user gets to read


class Refused(Exception):
    """The server answered, with a status that is no success. ``message`` is its own, short and without the key."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class Unreachable(Exception):
    """No answer, half an answer, or one that cannot be read. ``reason`` says it in plain words."""

    def __init__(self, reason: Phrase) -> None:
        super().__init__(str(reason))
        self.reason = reason


def checked_key(key: SecretStr) -> SecretStr:
    """The key without blanks around it. A key that no HTTP header can carry would show up in the library's error.

    Raises:
        InvalidInput.
    """
    secret = key.get_secret_value().strip()
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise errors.InvalidInput(field="DEMYSTIFY_REMOTE_KEY", allowed=Phrase("key_signs"))
    return SecretStr(secret)


def checked_address(url: str) -> str:
    """What users may see of a server's address: scheme, host and port. Raises InvalidInput."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise errors.InvalidInput(field="DEMYSTIFY_REMOTE_URL", allowed=Phrase("address_like", example=EXAMPLE_ADDRESS))
    if parsed.userinfo or parsed.query:  # both are where keys hide, and both would be logged
        raise errors.InvalidInput(field="DEMYSTIFY_REMOTE_URL", allowed=Phrase("address_without_key"))
    return f"{parsed.scheme}://{parsed.netloc.decode()}"


@cache
def _certificates() -> ssl.SSLContext:
    """The trusted certificates; reading them takes 50 ms, which only the first request pays."""
    return httpx2.create_ssl_context()


def _client(key: SecretStr, silence: float) -> httpx2.AsyncClient:
    """A client for one request. ``silence`` is the longest wait for the next piece of an answer, in seconds."""
    secret = key.get_secret_value()
    return httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {secret}"} if secret else {},
        timeout=httpx2.Timeout(silence, connect=min(silence, _CONNECT_SECONDS)),
        verify=_certificates(),
    )


async def fetch_json(url: str, key: SecretStr, silence: float) -> Any:
    """What the server has at ``url``. Raises Refused, Unreachable."""
    try:
        async with _client(key, silence) as client:
            response = await client.get(url)
            if not response.is_success:
                raise Refused(response.status_code, _message(response.content[:_ERROR_BYTES], key))
            return response.json()
    except httpx2.HTTPError as problem:
        raise Unreachable(_in_words(problem, silence)) from problem
    except ValueError as problem:
        raise Unreachable(Phrase("answer_not_json")) from problem


async def server_events(url: str, body: JsonObject, key: SecretStr, silence: float) -> AsyncGenerator[object]:
    """Posts ``body`` and yields the server-sent events of the answer, each as the JSON value it carries.

    Raises:
        Refused: before the first event.
        Unreachable: before or between events.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    try:
        async with _client(key, silence) as client, client.sse(url, method="POST", json=body) as events:
            if not events.response.is_success:
                raise Refused(events.response.status_code, _message(await _start_of(events.response), key))
            async for event in events:
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield json.loads(event.data)
    except httpx2.HTTPError as problem:
        raise Unreachable(_in_words(problem, silence)) from problem
    except ValueError as problem:
        raise Unreachable(Phrase("answer_not_json")) from problem


async def provider_events(
    provider: str, body: JsonObject, extra: JsonObject, key: SecretStr, silence: float
) -> AsyncGenerator[object]:
    """The same events from Hugging Face's Inference Providers, for a chat.

    The provider is named behind the model's id and Hugging Face's router finds it. (Given to the client, the name
    would make it ask the hub for the provider's address first, with a call that stops the whole event loop.)

    Args:
        provider: "auto" or a provider's name.
        body: fields of OpenAI's protocol, which are the client's arguments too.
        extra: further fields.
        key: a Hugging Face token; when empty the client takes the one that ``hf auth login`` has saved.
        silence: longest wait for the next piece of the answer, in seconds.

    Raises:
        Refused, Unreachable, ServerFailure.

    Source: https://huggingface.co/docs/inference-providers
    """
    from huggingface_hub import AsyncInferenceClient
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, OverloadedError, TextGenerationError

    model = body["model"] if provider == "auto" else f"{body['model']}:{provider}"
    token = key.get_secret_value() or None
    try:
        async with AsyncInferenceClient(provider="auto", api_key=token, timeout=silence) as client:
            try:
                answer = await client.chat_completion(**{**body, "model": model}, extra_body=extra or None)
            except HfHubHTTPError:  # before ValueError, because a bad request is both
                raise
            except ValueError as problem:  # the client's own check: no token at all, or somebody else's
                raise Unreachable(Phrase("key_not_hugging_face")) from problem
            async for event in answer:
                yield event
    except HfHubHTTPError as problem:
        text = problem.response.content if problem.response.is_stream_consumed else b""
        raise Refused(problem.response.status_code, _message(text, key)) from None
    except TextGenerationError as problem:
        raise ServerFailure(error_message(problem.args[0]), isinstance(problem, OverloadedError)) from None
    except OfflineModeIsEnabled as problem:
        raise Unreachable(Phrase("hub_offline")) from problem
    except httpx2.HTTPError as problem:
        raise Unreachable(_in_words(problem, silence)) from problem
    except (ValueError, AttributeError) as problem:  # what the client's reader raises on JSON that is no chunk
        raise Unreachable(Phrase("answer_not_json")) from problem


def plain(message: str, key: SecretStr) -> str:
    """A server's message for a user's eyes: short, and without the key, which some servers repeat in their errors."""
    secret = key.get_secret_value()
    text = message.replace(secret, "…") if secret else message
    return text if len(text) <= _MESSAGE_LIMIT else text[: _MESSAGE_LIMIT - 1] + "…"


async def _start_of(response: httpx2.Response) -> bytes:
    start = b""
    async for piece in response.aiter_bytes():
        start += piece
        if len(start) >= _ERROR_BYTES:
            break
    return start


def _message(content: bytes, key: SecretStr) -> str:
    """The message in an error's body, or nothing when it has none that can be read (an HTML page, say)."""
    try:
        return plain(error_message(json.loads(content)), key)
    except ValueError:
        return ""


def _in_words(problem: httpx2.HTTPError, silence: float) -> Phrase:
    """What a failed connection means."""
    if isinstance(problem, httpx2.ConnectTimeout):
        return Phrase("connect_timeout")
    if isinstance(problem, httpx2.TimeoutException | TimeoutError):
        return Phrase("silent", seconds=silence)
    if isinstance(problem, httpx2.ConnectError):
        causes = list(_causes(problem))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return Phrase("no_such_machine")
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return Phrase("not_secure")
        return Phrase("nothing_answers")
    if isinstance(problem, httpx2.SSEError):
        return Phrase("no_event_stream")
    return Phrase("connection_broke_off")


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """An exception and all that led to it, also those that were collected in groups."""
    yield problem
    if isinstance(problem, BaseExceptionGroup):
        for part in problem.exceptions:
            yield from _causes(part)
    if before := problem.__cause__ or problem.__context__:
        yield from _causes(before)
