"""The model's side of ``process.py``: takes frames from stdin, answers on stdout, ends when the web process does.

A worker module gives a ``Runner``; this file turns frames into its methods and errors into sentences. It does not
know which library runs the model.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO, Protocol, cast

from common import errors
from common.memory import give_back_freed, settle
from common.text.engine import EngineInfo, GenerationRequest, Token
from common.text.engines.frames import read_frame, write_frame
from common.text.engines.wire import request_from_wire, token_to_wire

# New tokens of all requests leave together this often: at 5 times a second the eye sees a stream, and the web
# process wakes up 5 times a second instead of once per token.
BUNDLE_SECONDS = 0.2
# With more requests than this the pause grows with their number, so that passing tokens on costs the web process a
# constant part of a core, and the model keeps the rest: 60 people see new words twice a second.
_FULL_RATE_REQUESTS = 24


class Runner(Protocol):
    """What a worker module provides. All methods are called from one thread."""

    info: EngineInfo

    def tokenize(self, request: GenerationRequest) -> list[Token]:
        """The prompt as tokens."""

    def add(self, request_id: int, request: GenerationRequest, seed: int) -> int:
        """Join the running batch; returns the number of prompt tokens. Raises DemystifyError."""

    def cancel(self, request_id: int) -> None:
        """Leave the batch."""

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""

    def step(self) -> Sequence[tuple[int, list[Token], str | Exception | None]]:
        """Run one decode step: (request, new tokens, why it ended or what went wrong) for each request with news."""

    def answer(self, kind: str, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Any other question, such as the glass box's: (header, arrays). Raises NotSupported."""


def main(build: Callable[[dict[str, Any]], Runner], options: dict[str, Any]) -> None:
    """Load the model with ``build(options)`` and serve until the web process closes the pipe."""
    give_back_freed()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not into the frames
    try:
        runner = build(options)
    except Exception as problem:
        failure = as_user_error(problem, options.get("name", "?"), loading=True)
        write_frame(out, {"kind": "failed", **failure.to_json()})
        raise SystemExit(1) from problem
    settle()
    inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(cast(BinaryIO, sys.stdin.buffer), inbox), daemon=True).start()
    write_frame(out, {"kind": "ready", "info": asdict(runner.info)})
    _Loop(runner, inbox, out).run()


def _listen(stream: BinaryIO, inbox: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    while (frame := read_frame(stream)) is not None:
        inbox.put(frame[0])
    inbox.put(None)


class _Request:
    """Book-keeping of one generation: what was sent, what waits for the next bundle."""

    def __init__(self, prompt_tokens: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.new_tokens = 0
        self.unsent: list[Token] = []
        self.reason: str | None = None


class _Loop:
    def __init__(self, runner: Runner, inbox: queue.SimpleQueue[dict[str, Any] | None], out: BinaryIO) -> None:
        self._runner, self._inbox, self._out = runner, inbox, out
        self._requests: dict[int, _Request] = {}
        self._last_flush = 0.0

    def run(self) -> None:
        while True:
            if not self._runner.busy:
                self._flush(list(self._requests))
            while not self._inbox.empty() or not self._runner.busy:
                header = self._inbox.get()
                if header is None:
                    return
                self._take(header)
            self._step()

    def _take(self, header: dict[str, Any]) -> None:
        kind, request_id = header["kind"], header["id"]
        try:
            if kind == "generate":
                count = self._runner.add(request_id, request_from_wire(header["request"]), header["seed"])
                self._requests[request_id] = _Request(count)
                write_frame(self._out, {"kind": "prompt", "id": request_id, "tokens": count})
            elif kind == "cancel":
                if self._requests.pop(request_id, None) is not None:
                    self._runner.cancel(request_id)
            elif kind == "tokenize":
                tokens = self._runner.tokenize(request_from_wire(header["request"]))
                write_frame(
                    self._out, {"kind": "answer", "id": request_id, "tokens": [token_to_wire(t) for t in tokens]}
                )
            else:
                answer, arrays = self._runner.answer(kind, header)
                write_frame(self._out, {"kind": "answer", "id": request_id, **answer}, arrays)
        except BrokenPipeError:
            raise SystemExit(0) from None
        except Exception as problem:
            self._report(request_id, problem)

    def _step(self) -> None:
        try:
            news = self._runner.step()
        except Exception as problem:  # the batch is lost; the process goes on with the next requests
            for request_id in list(self._requests):
                del self._requests[request_id]
                self._runner.cancel(request_id)
                self._report(request_id, problem)
            return
        urgent: set[int] = set()
        for request_id, tokens, reason in news:
            request = self._requests.get(request_id)
            if request is None:
                continue
            if isinstance(reason, Exception):  # this request is lost, the others go on
                del self._requests[request_id]
                self._report(request_id, reason)
                continue
            if reason is not None or (request.new_tokens == 0 and tokens):
                urgent.add(request_id)
            request.new_tokens += len(tokens)
            request.unsent += tokens
            request.reason = reason
        now = time.perf_counter()
        if now - self._last_flush >= BUNDLE_SECONDS * max(1.0, len(self._requests) / _FULL_RATE_REQUESTS):
            self._last_flush = now
            self._flush(list(self._requests))
        elif urgent:  # a first token or an end does not wait for the others
            self._flush(urgent)

    def _flush(self, request_ids: Iterable[int]) -> None:
        items: list[dict[str, Any]] = []
        for request_id in request_ids:
            request = self._requests[request_id]
            if request.unsent:
                items.append({"kind": "tokens", "id": request_id, "tokens": [token_to_wire(t) for t in request.unsent]})
                request.unsent = []
            if request.reason is not None:
                items.append(
                    {
                        "kind": "finished",
                        "id": request_id,
                        "reason": request.reason,
                        "prompt_tokens": request.prompt_tokens,
                        "new_tokens": request.new_tokens,
                    }
                )
                del self._requests[request_id]
        if items:
            write_frame(self._out, {"kind": "bundles", "items": items})

    def _report(self, request_id: int, problem: Exception) -> None:
        failure = as_user_error(problem, self._runner.info.model)
        write_frame(self._out, {"kind": "error", "id": request_id, **failure.to_json()})


def as_user_error(problem: BaseException, model: str, loading: bool = False) -> errors.DemystifyError:
    """The error a user can act on; the technical one goes to the log. What stops a model from loading is its files."""
    if isinstance(problem, errors.DemystifyError):
        return problem
    print(f"{model}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
    text = str(problem).lower()
    if (
        isinstance(problem, MemoryError)
        or "out of memory" in text
        or "bad_alloc" in text
        or "allocate memory" in text
        or "not enough memory" in text
    ):
        import psutil

        free = psutil.virtual_memory().available / 1e9
        return errors.OutOfMemory(available=round(free, 1))
    if loading or isinstance(problem, (OSError, ImportError)):
        return errors.ModelUnavailable(model=model, reason=errors.Phrase("see_log", name=type(problem).__name__))
    return errors.DemystifyError()
