"""A model in this process, for ZeroGPU: the GPU is lent for one call at a time, to functions marked at import.

Each call runs in a copy of this process that has the GPU; the weights wait in this one's memory and follow it there. A
batch cannot outlive a call, so every request writes alone, and those of many users wait in ZeroGPU's own line. Anywhere
else the calls simply run here, on CPU too. Knows nothing about pages.

Source: Hugging Face Hub documentation, *Spaces ZeroGPU*.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from common import errors, hardware
from common.text.engine import EngineInfo, Event, Finished, GenerationRequest, PromptRead, Token, TokenBundle
from common.text.engines.glass import GlassBoxCalls
from common.text.engines.wire import request_from_wire, request_to_wire
from common.text.engines.worker import BUNDLE_SECONDS, as_user_error

if TYPE_CHECKING:
    from common.text.engines.transformers_worker import TransformersRunner

# Of a lent GPU: seconds until the model is on it and for a token, generously; a question of the glass box is one pass.
_MOVING, _SECONDS_A_TOKEN, _ANSWERING = 15.0, 0.06, 30
# What a marked function takes and gives travels between two processes, and a model must not: it is found by its path.
_RUNNERS: dict[str, TransformersRunner] = {}
_END = object()


def _lent_for(path: str, name: str, wire: dict[str, Any], seed: int) -> int:
    """Seconds that a text may take on a lent GPU."""
    return hardware.lent_seconds(_MOVING + request_from_wire(wire).sampling.max_new_tokens * _SECONDS_A_TOKEN)


@hardware.gpu(_lent_for)
def _generate(path: str, name: str, wire: dict[str, Any], seed: int) -> Generator[Any, None, None]:
    """Yields the number of prompt tokens, then lists of tokens, then the reason of the end; or an error."""
    try:
        runner = _RUNNERS[path].for_one_call()
        yield runner.add(0, request_from_wire(wire), seed)
        unsent: list[Token] = []
        last, reason = 0.0, None
        while reason is None:
            for _, tokens, end in runner.step():
                if isinstance(end, Exception):
                    raise end
                unsent += tokens
                reason = end
            if unsent and (reason is not None or time.perf_counter() - last >= BUNDLE_SECONDS):
                yield unsent
                unsent, last = [], time.perf_counter()
        yield reason
    except Exception as problem:  # an error raised here would arrive without its sentence
        yield as_user_error(problem, name)


@hardware.gpu(_ANSWERING)
def _answer(path: str, name: str, kind: str, header: dict[str, Any]) -> Any:
    """The answer to a question of the glass box, or an error."""
    try:
        return _RUNNERS[path].for_one_call().answer(kind, header)
    except Exception as problem:
        return as_user_error(problem, name)


class InProcessEngine(GlassBoxCalls):
    """See TextEngine and GlassBox. Begins to load at once.

    Args:
        options: those of ``transformers_worker``.
        name: what users know the model by.
    """

    def __init__(self, options: dict[str, Any], name: str) -> None:
        self.name = name
        self._options = options
        self._path = str(options["path"])
        self._streams = 0
        self._failure: errors.DemystifyError | None = None
        self._loader = threading.Thread(target=self._load, daemon=True, name=f"{name}-loader")
        self._loader.start()

    def _load(self) -> None:
        from common.text.engines.loading import load
        from common.text.engines.transformers_worker import TransformersRunner

        # Batches do not outlive a call, and outside a call there is no GPU: load to the CPU and take turns.
        on_zerogpu = hardware.on_zerogpu()
        options = self._options | {"batching": "turns"}
        if on_zerogpu:
            options |= {"device": "cpu", "dtype": "bfloat16"}
        try:
            runner = TransformersRunner(load(options), options)
        except Exception as problem:
            self._failure = as_user_error(problem, self.name, loading=True)
            return
        if on_zerogpu:
            runner.info = replace(runner.info, device="zerogpu")
        _RUNNERS[self._path] = runner

    @property
    def active(self) -> int:
        """Generations under way or waiting for the GPU."""
        return self._streams

    async def info(self) -> EngineInfo:
        """See TextEngine.info."""
        await asyncio.to_thread(self._loader.join)
        if self._failure is not None:
            raise self._failure
        return _RUNNERS[self._path].info

    async def tokenize(self, request: GenerationRequest) -> list[Token]:
        """See TextEngine.tokenize. Needs no GPU."""
        await self.info()
        return await asyncio.to_thread(_RUNNERS[self._path].tokenize, request)

    async def stream(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """See TextEngine.stream."""
        await self.info()
        seed = request.sampling.seed if request.sampling.seed is not None else secrets.randbelow(2**31)
        accepted, first = time.perf_counter(), 0.0
        prompt_tokens = new_tokens = 0
        news = _generate(self._path, self.name, request_to_wire(request), seed)
        self._streams += 1
        try:
            item: Any
            while (item := await asyncio.to_thread(next, news, _END)) is not _END:
                now = time.perf_counter() - accepted
                if isinstance(item, errors.DemystifyError):
                    raise item
                if isinstance(item, int):
                    prompt_tokens = item
                    yield PromptRead(prompt_tokens, seed)
                elif isinstance(item, list):
                    first, new_tokens = first or now, new_tokens + len(item)
                    yield TokenBundle(tuple(item), now)
                else:
                    yield Finished(item, prompt_tokens, new_tokens, first or now, now)
        finally:
            self._streams -= 1
            await asyncio.to_thread(news.close)

    async def call(self, kind: str, **params: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """One question of the glass box."""
        await self.info()
        answer: Any = await asyncio.to_thread(_answer, self._path, self.name, kind, params)
        if isinstance(answer, errors.DemystifyError):
            raise answer
        header, arrays = answer
        return header, arrays

    async def close(self) -> None:
        """See TextEngine.close."""
        await asyncio.to_thread(self._loader.join)
        _RUNNERS.pop(self._path, None)
