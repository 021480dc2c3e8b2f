"""Runs for the Denoising player: one, or two that differ in one thing, with all of their steps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from common.diffusion.engine import DiffusionEngine, Finished, ImageRequest, StepEvent
from common.diffusion.trace import Trace

# Seconds between two updates of a page.
_PAUSE = 0.4
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows, in no language.

    Attributes:
        run: different for every click, so that the page knows a new run from more of the same.
        traces: one, or two side by side.
        named: for each, the title of its scheduler.
        differs: what two runs differ in: "seed", "guidance", "scheduler" or "none".
    """

    run: int
    traces: tuple[Trace, ...]
    named: tuple[str, ...]
    differs: str = "none"

    @property
    def complete(self) -> bool:
        """Whether all pictures are finished."""
        return all(trace.finished is not None for trace in self.traces)


def begin(requests: Sequence[ImageRequest], named: Sequence[str], differs: str) -> Shown:
    """Nothing drawn yet."""
    return Shown(next(_numbers), tuple(Trace(request) for request in requests), tuple(named), differs)


async def follow(engine: DiffusionEngine, shown: Shown) -> AsyncGenerator[Shown, None]:
    """The runs as they grow, a few times a second, and once they are complete.

    Both are asked for at the same time: with the same settings (another seed) they are one batch.
    """
    traces = list(shown.traces)
    changed = asyncio.Event()

    async def run(place: int) -> None:
        async with contextlib.aclosing(engine.draw(traces[place].request)) as events:
            async for event in events:
                trace = traces[place]
                if isinstance(event, StepEvent):
                    traces[place] = replace(trace, steps=(*trace.steps, event))
                elif isinstance(event, Finished):
                    traces[place] = trace.finish(event)
                changed.set()

    runs = asyncio.gather(*(run(place) for place in range(len(traces))))
    try:
        while not runs.done():
            await asyncio.wait({runs}, timeout=_PAUSE)
            if changed.is_set() and not runs.done():
                changed.clear()
                yield replace(shown, traces=tuple(traces))
        await runs
        yield replace(shown, traces=tuple(traces))
    finally:
        runs.cancel()
        await asyncio.gather(runs, return_exceptions=True)
