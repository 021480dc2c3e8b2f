"""A real HTTP server that answers as a test tells it to, well or badly, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common import errors
from common.text.engine import Event, GenerationRequest, TextEngine, TokenBundle

Answer = Callable[["Reply"], None]


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    authorization: str | None
    body: dict[str, Any]


class Reply:
    """What an answer may do: send a status with a body, or a stream piece by piece."""

    def __init__(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        self._handler = handler
        self.asked = asked

    def send(self, status: int, body: object, kind: str = "application/json") -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Content-Length", str(len(content)))
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def begin(self, kind: str = "text/event-stream") -> None:
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()

    def raw(self, text: str) -> None:
        """One piece of the stream."""
        content = text.encode()
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self._handler.wfile.flush()

    def event(self, value: object) -> None:
        self.raw(f"data: {json.dumps(value, ensure_ascii=False)}\n\n")

    def end(self) -> None:
        self._handler.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Hang up in the middle."""
        self._handler.close_connection = True


@dataclass
class ScriptedServer:
    """The server's address and memory. ``answer`` serves posts, ``models`` is the list of models or a status."""

    url: str = ""
    answer: Answer = lambda reply: reply.send(404, {"detail": "Not Found"})
    models: list[dict[str, Any]] | int = field(default_factory=lambda: [{"id": "tiny"}])
    asked: list[Asked] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    @property
    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.body]


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = self._reply({})
            if isinstance(server.models, int):
                reply.send(server.models, {"detail": "no list here"})
            else:
                reply.send(200, {"object": "list", "data": server.models})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                server.answer(self._reply(body))
            except OSError:
                server.hung_up.set()
                self.close_connection = True

        def _reply(self, body: dict[str, Any]) -> Reply:
            asked = Asked(self.path, self.headers["Authorization"], body)
            server.asked.append(asked)
            return Reply(self, asked)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()


def chat_chunk(text: str = "", reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason, **more}]}


def raw_chunk(text: str = "", reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason, **more}]}


def says(*events: object, done: bool = True) -> Answer:
    """An answer that streams these events."""

    def answer(reply: Reply) -> None:
        reply.begin()
        for event in events:
            reply.event(event)
        if done:
            reply.raw("data: [DONE]\n\n")
        reply.end()

    return answer


def refuses(status: int, body: object) -> Answer:
    """An answer with a status and a body."""
    return lambda reply: reply.send(status, body)


def ask(engine: TextEngine, request: GenerationRequest) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in engine.stream(request)]

    return asyncio.run(collect())


def text_of(events: list[Event]) -> str:
    return "".join(token.text for event in events if isinstance(event, TokenBundle) for token in event.tokens)


def all_told(problem: BaseException) -> str:
    """All that a log or a screen could show of an exception."""
    return "".join((str(problem), repr(problem), repr(vars(problem)), *traceback.format_exception(problem)))


def cuts_off(reply: Reply) -> None:
    reply.begin()
    reply.event(chat_chunk("Hi"))
    reply.drop()


def sends_garbage(reply: Reply) -> None:
    reply.begin()
    reply.event(chat_chunk("Hi"))
    reply.raw("data: {not json\n\n")
    reply.end()


BAD_STREAMS = [
    pytest.param(cuts_off, errors.RemoteServerError, "the connection broke off", id="cut"),
    pytest.param(says(chat_chunk("Hi")), errors.RemoteServerError, "broke off in the middle", id="no reason to end"),
    pytest.param(says(), errors.RemoteServerError, "broke off in the middle", id="nothing"),
    pytest.param(sends_garbage, errors.RemoteServerError, "not JSON", id="garbage"),
    pytest.param(says(["x"]), errors.RemoteServerError, "not part of an answer", id="no chunk"),
    pytest.param(says({"error": {"message": "out of blocks"}}), errors.RemoteServerError, "out of blocks", id="error"),
    pytest.param(
        says({"error": "Model is overloaded", "error_type": "overloaded"}), errors.QueueFull, "is busy", id="overloaded"
    ),
    pytest.param(
        lambda reply: reply.send(200, "<html>sign in to this network</html>", "text/html"),
        errors.RemoteServerError,
        "something else than a stream",
        id="a hotel's sign-in page",
    ),
]
