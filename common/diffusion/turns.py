"""Work that needs a pipeline itself, one piece after another: opened runs, noised pictures, pictures out of pictures.

A piece of work is a generator function ``work(opened, request)`` of a module here, which takes ``opened.in_use()`` and
yields what has happened. A thread runs it; handlers await its events. The engine's own batches come in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from common import errors, hardware
from common.diffusion.opened import Opened
from common.diffusion.paint import LENT
from common.hardware import gpu

E = TypeVar("E")
R = TypeVar("R")
Work = Callable[[Opened, R], Iterator[E]]
# Whoever waits for the pipeline gets it between two pieces of work; a lock alone is not fair. In seconds.
_BREATH = 0.02
# Of a lent GPU: seconds until the model is on it, for a step of five rows with what is shown of it, and the steps where
# a request names none.
_MOVING, _SECONDS_A_STEP, _FEW = 15.0, 1.5, 20
_END = object()


class Turns:
    """The line for one model's pipeline.

    Args:
        open_model: gives the loaded model; called in the thread.
        most: pieces of work at a time, the waiting ones included.
    """

    def __init__(self, open_model: Callable[[], Opened], most: int) -> None:
        self._open_model = open_model
        self._most = most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turns")
        self._active = 0
        self._closed = False

    @property
    def active(self) -> int:
        """Pieces of work that are not finished."""
        return self._active

    async def run(self, work: Work[R, E], request: R) -> AsyncGenerator[E, None]:
        """The events of a piece of work; closing the generator ends it between two of them.

        Raises:
            PicturesWaiting: too many others are waiting.
            EngineStopped: the model has been closed, as for another large one.
            What ``work`` raises, and what loading the model does.
        """
        if self._closed:
            raise errors.EngineStopped()
        if self._active >= self._most:
            raise errors.PicturesWaiting(waiting=self._active)
        self._active += 1
        loop, events, gone = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def send(event: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, event)

        done = self._thread.submit(self._do, work, request, send, gone)
        try:
            while (event := await events.get()) is not _END:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            gone.set()
            done.cancel()
            self._active -= 1

    def _do(self, work: Work[R, E], request: R, send: Callable[[Any], None], gone: threading.Event) -> None:
        try:
            opened = self._open_model()
            steps = _lend(opened, work, request) if hardware.on_zerogpu() else work(opened, request)
            with contextlib.closing(steps) as events:  # type: ignore[type-var]  # a generator function's result
                for event in events:
                    if gone.is_set():
                        return
                    send(event)
            send(_END)
        except BaseException as problem:
            send(problem)
        finally:
            time.sleep(_BREATH)

    def close(self) -> None:
        """Take no more work; what runs ends by itself."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)


def _lend(opened: Opened, work: Work[R, E], request: R) -> Iterator[E]:
    LENT[opened.model.id] = opened
    return _on_lent_gpu(opened.model.id, work, request)


def _lent_for(name: str, work: Work[R, E], request: R) -> int:
    """Seconds that a piece of work may take on a lent GPU: moving the model there, and its steps."""
    return hardware.lent_seconds(_MOVING + getattr(request, "steps", _FEW) * _SECONDS_A_STEP)


@gpu(_lent_for)
def _on_lent_gpu(name: str, work: Work[R, E], request: R) -> Iterator[E]:
    """Where a GPU is lent for each call (ZeroGPU), which runs in a copy of this process."""
    yield from work(LENT[name], request)
