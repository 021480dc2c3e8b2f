"""A model in a process of its own: started, watched, restarted, and spoken to from any event loop.

Why a process: `openvino_genai` holds Python's interpreter lock for the whole of a decode step, and a crash in native
code takes its process with it. Here it takes only the model's, users get a sentence, and the web page lives on.

This is the web process's side. The other side is ``worker.py``. Neither knows which model or library runs.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from numpy.typing import NDArray

from common import errors
from common.config import settings
from common.text.engine import EngineInfo, Event, Finished, GenerationRequest, PromptRead, Token, TokenBundle
from common.text.engines.frames import read_frame, write_frame
from common.text.engines.glass import GlassBoxCalls
from common.text.engines.wire import request_to_wire

log = logging.getLogger(__name__)

Reply = tuple[dict[str, Any], dict[str, NDArray[Any]]]
# A process that dies this often within the window is not started again by itself: something is wrong with the model.
_MAX_RESTARTS, _RESTART_WINDOW = 5, 60.0


class _Channel:
    """Where the replies to one request arrive: a queue in the event loop that asked."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Reply | errors.DemystifyError] = asyncio.Queue()

    def put(self, item: Reply | errors.DemystifyError) -> None:
        with suppress(RuntimeError):  # the loop that asked is closed: nobody is waiting any more
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def get(self) -> Reply:
        item = await self._queue.get()
        if isinstance(item, errors.DemystifyError):
            raise item
        return item


class ProcessEngine(GlassBoxCalls):
    """A text engine whose model lives in ``python -m <module>``.

    Args:
        module: the worker's module, for example ``common.text.engines.openvino_worker``.
        options: JSON-able options handed to the worker.
        name: what users know the model by.
        idle_seconds: end the process after this long without use; it starts again at the next use. 0 keeps it.
    """

    def __init__(self, module: str, options: dict[str, Any], name: str, idle_seconds: float = 0.0) -> None:
        self.name = name
        self._module, self._options, self._idle = module, options, idle_seconds
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self._channels: dict[int, _Channel] = {}
        self._streams = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._info: EngineInfo | None = None
        self._failure: errors.DemystifyError | None = None
        self._ready = threading.Event()
        self._closed = False
        self._starts: list[float] = []
        self._last_use = time.monotonic()
        atexit.register(self._kill)

    # -- life of the process ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process if it is not running; returns at once (the model loads meanwhile)."""
        with self._lock:
            if self._closed or (self._process is not None and self._process.poll() is None):
                return
            now = time.monotonic()
            self._starts = [moment for moment in self._starts if now - moment < _RESTART_WINDOW] + [now]
            self._ready.clear()
            self._failure = None
            root = Path(__file__).resolve().parents[3]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path[1:2]])}
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, orjson.dumps(self._options).decode()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=root,
                env=environment,
            )
            threading.Thread(target=self._read, args=(self._process,), daemon=True, name=f"{self.name}-reader").start()
            if self._idle:
                threading.Thread(target=self._end_when_idle, args=(self._process,), daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the process is up and the model loaded."""
        return self._ready.is_set() and self._failure is None

    @property
    def active(self) -> int:
        """Generations under way or waiting in line."""
        return self._streams

    @property
    def pid(self) -> int | None:
        """Process id while the process runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Reader thread: hands every reply to the channel that waits for it, and notices the end."""
        stream = cast(BinaryIO, process.stdout)
        with suppress(ValueError, OSError):
            while (frame := read_frame(stream)) is not None:
                header, arrays = frame
                if header["kind"] == "ready":
                    self._info = EngineInfo(**header["info"])
                    self._ready.set()
                elif header["kind"] == "failed":
                    self._failure = errors.from_json(header)
                    self._ready.set()
                elif header["kind"] == "bundles":  # the new tokens of all requests travel together
                    for item in header["items"]:
                        self._deliver(item["id"], (item, {}))
                else:
                    self._deliver(header["id"], (header, arrays))
        process.wait()
        self._on_end(process)

    def _deliver(self, request_id: int, reply: Reply) -> None:
        channel = self._channels.get(request_id)
        if channel is None:
            return
        header = reply[0]
        if header["kind"] == "error":
            channel.put(errors.from_json(header))
        else:
            channel.put(reply)

    def _on_end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if process is not self._process:
                return
            waiting = list(self._channels.values())
            expected = self._closed or self._failure is not None or (not waiting and process.returncode == 0)
            again = not expected and len(self._starts) < _MAX_RESTARTS
            if not expected:
                log.error("the process of %s ended with code %s", self.name, process.returncode)
                if not again or not self._ready.is_set():
                    self._failure = errors.EngineStopped()
                    again = again and self._ready.is_set()
                    self._ready.set()
            if self._failure is None:
                self._ready.clear()
            self._process = None
        for channel in waiting:
            channel.put(self._failure or errors.EngineStopped())
        if again:
            self.start()

    def _end_when_idle(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(min(self._idle, 5.0))
            with self._lock:
                idle = not self._channels and time.monotonic() - self._last_use > self._idle
                if idle and self._ready.is_set() and process.stdin:
                    process.stdin.close()  # the worker ends by itself, with code 0
                    return

    def _kill(self) -> None:
        self._closed = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(30)  # longer than a busy machine needs to end it

    async def close(self) -> None:
        """End the process and free its memory; waiting requests get EngineStopped."""
        await asyncio.to_thread(self._kill)
        atexit.unregister(self._kill)

    # -- speaking to it -----------------------------------------------------------------------------------------

    async def info(self) -> EngineInfo:
        """Waits until the model is loaded. Raises what the worker failed with, or EngineStarting after a while."""
        if self._failure is not None and not self._closed:
            failure, self._failure = self._failure, None  # said once; the next request tries again
            self._starts.clear()
            raise failure
        self.start()
        limit = settings().start_timeout
        deadline = time.monotonic() + limit
        while not self._ready.is_set():
            if time.monotonic() > deadline:
                raise errors.EngineStarting(seconds=round(limit))
            await asyncio.sleep(0.02)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._info is None:
            raise errors.EngineStopped()
        return self._info

    def _send(self, header: dict[str, Any], arrays: dict[str, NDArray[Any]] | None = None) -> None:
        with self._lock:
            process = self._process
            if process is None or process.stdin is None:
                raise errors.EngineStopped()
            try:
                write_frame(cast(BinaryIO, process.stdin), header, arrays)
            except (OSError, ValueError) as problem:
                raise errors.EngineStopped() from problem

    async def call(self, kind: str, **params: Any) -> Reply:
        """One question, one answer. Raises the worker's error, or EngineStopped."""
        await self.info()
        request_id, channel = next(self._ids), _Channel()
        self._channels[request_id] = channel
        try:
            self._send({"kind": kind, "id": request_id, **params})
            return await channel.get()
        finally:
            self._channels.pop(request_id, None)
            self._last_use = time.monotonic()

    async def tokenize(self, request: GenerationRequest) -> list[Token]:
        """See TextEngine.tokenize."""
        header, _ = await self.call("tokenize", request=request_to_wire(request))
        return [Token(*fields) for fields in header["tokens"]]

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """See TextEngine.stream."""
        limits = settings()
        if self._streams >= limits.max_active + limits.max_waiting:
            raise errors.QueueFull(waiting=self._streams)
        self._streams += 1
        request_id, done = next(self._ids), False
        accepted = time.perf_counter()
        try:
            await self.info()
            channel = self._channels[request_id] = _Channel()
            seed = request.sampling.seed if request.sampling.seed is not None else secrets.randbelow(2**31)
            self._send({"kind": "generate", "id": request_id, "request": request_to_wire(request), "seed": seed})
            first = 0.0
            while not done:
                header, _ = await channel.get()
                now = time.perf_counter() - accepted
                if header["kind"] == "prompt":
                    yield PromptRead(header["tokens"], seed)
                elif header["kind"] == "tokens":
                    first = first or now
                    yield TokenBundle(tuple(Token(*fields) for fields in header["tokens"]), now)
                else:
                    done = True
                    yield Finished(header["reason"], header["prompt_tokens"], header["new_tokens"], first or now, now)
        finally:
            self._streams -= 1
            if self._channels.pop(request_id, None) is not None and not done:
                with suppress(errors.EngineStopped):
                    self._send({"kind": "cancel", "id": request_id})
            self._last_use = time.monotonic()
