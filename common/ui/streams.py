"""Stopping a running stream by button without losing what has come so far.

Gradio's own ``cancels`` closes the handler, so it could not keep the half-made text. Here the button sets a signal
that the handler notices between two pieces. Knows nothing about what is streamed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


class StopSignals:
    """One stop signal per visitor (gradio's session hash) for one kind of work."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Event] = {}

    def stop(self, session: str | None) -> None:
        """Ask the visitor's running work to end."""
        signal = self._running.get(session or "")
        if signal is not None:
            signal.set()

    async def watch(self, session: str | None, stream: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The items of ``stream`` until it ends or the visitor stops it; closes ``stream`` in every case."""
        name, signal = session or "", asyncio.Event()
        self._running[name] = signal
        stopped = asyncio.ensure_future(signal.wait())
        try:
            while not signal.is_set():
                item = asyncio.ensure_future(anext(stream))
                try:
                    await asyncio.wait({item, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    if not item.done():
                        return
                    yield item.result()
                except StopAsyncIteration:
                    return
                finally:
                    if not item.done():
                        item.cancel()
                        await asyncio.gather(item, return_exceptions=True)
        finally:
            stopped.cancel()
            if self._running.get(name) is signal:
                del self._running[name]
            await stream.aclose()
