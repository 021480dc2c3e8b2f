"""The stop button: ends the right visitor's stream, keeps what came, closes what drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from common.ui.streams import StopSignals


class _Source:
    """Counts up, then hangs; remembers that it was closed."""

    def __init__(self, count: int) -> None:
        self.count, self.closed = count, False

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.count):
                yield number
            await asyncio.sleep(3600)
        finally:
            self.closed = True


def test_stop_ends_a_stream_that_hangs() -> None:
    async def run() -> list[int]:
        stops, source, seen = StopSignals(), _Source(3), []
        async for item in stops.watch("ada", source.stream()):
            seen.append(item)
            if item == 2:
                stops.stop("somebody else")
                asyncio.get_running_loop().call_later(0.01, stops.stop, "ada")
        assert source.closed
        return seen

    assert asyncio.run(asyncio.wait_for(run(), 10)) == [0, 1, 2]


def test_leaving_closes_the_stream() -> None:
    async def run() -> None:
        stops, source = StopSignals(), _Source(3)
        watched = stops.watch("ada", source.stream())
        assert await anext(watched) == 0
        await watched.aclose()
        assert source.closed

    asyncio.run(run())


def test_an_ended_stream_ends() -> None:
    async def finite() -> AsyncGenerator[int, None]:
        yield 1

    async def run() -> list[int]:
        return [item async for item in StopSignals().watch(None, finite())]

    assert asyncio.run(run()) == [1]
