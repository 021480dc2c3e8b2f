"""A line for heavy work that visitors set off by a click: one piece for each of them, few at once, the rest in order.

Knows nothing about the work. Everything happens on one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from common import errors


class Line:
    """Who is at work and who waits.

    Args:
        at_once: pieces of work at the same time.
        most: visitors in line, those at work included.

    Attributes:
        turn: to be held while working; those who wait for it get it in the order in which they came.

    Example:
        with line.join(visitor):
            folder = await fetch()  # fetching keeps nobody from working
            async with line.turn:
                await work(folder)
    """

    def __init__(self, at_once: int, most: int) -> None:
        self.turn = asyncio.Semaphore(at_once)
        self._at_once, self._most = at_once, most
        self._joined: set[str] = set()

    @property
    def ahead(self) -> int:
        """How many must end before whoever has joined last has a turn, as far as all others want one."""
        return max(0, len(self._joined) - self._at_once)

    @contextmanager
    def join(self, visitor: str) -> Iterator[None]:
        """A place in line for as long as the block takes.

        Raises:
            StillAtWork: this visitor has one already.
            LineFull: too many others have.
        """
        if visitor in self._joined:
            raise errors.StillAtWork()
        if len(self._joined) >= self._most:
            raise errors.LineFull(waiting=len(self._joined))
        self._joined.add(visitor)
        try:
            yield
        finally:
            self._joined.discard(visitor)
