"""What the Alignment tab knows about one word of a translation: what each word of the source counts for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from align_look import Aligned
from player_look import open_glass

from common.translation.attribution import POINTS, Attribution, attribute
from common.translation.models import TranslationModels

# How often a page gets how far it is, in seconds. A short sentence is finished about then.
_PAUSE = 0.3


@dataclass(frozen=True, slots=True)
class Explained:
    """One word of the translation.

    Attributes:
        word: its number, counted from 1.
        done: steps computed so far.
        found: what came out; None until all are.
    """

    word: int
    done: int = 0
    found: Attribution | None = None

    @property
    def points(self) -> int:
        """Steps in all."""
        return self.found.points if self.found else POINTS


async def explain(models: TranslationModels, aligned: Aligned, word: int) -> AsyncGenerator[Explained, None]:
    """How far it is, a few times a second, and at last what came out. Closing the generator ends the work.

    Args:
        word: counted from 1; one that the translation does not have means its last.

    Raises:
        UnsupportedPair, ModelUnavailable: the model that made the translation is gone.
    """
    glass = await asyncio.to_thread(open_glass, models, *aligned.languages)
    number = min(max(word, 1), len(aligned.target))
    chosen = aligned.target[number - 1]
    gone, done = threading.Event(), 0

    def seen(steps: int) -> None:
        nonlocal done
        if gone.is_set():
            raise _Gone
        done = steps

    def work() -> Attribution:
        ids = [piece.id for piece in aligned.pieces]
        with glass.in_use():
            return attribute(glass.model, ids, aligned.written, chosen.start, chosen.stop, seen=seen)

    working = asyncio.create_task(asyncio.to_thread(work))
    try:
        while not working.done():
            yield Explained(number, done)
            await asyncio.wait({working}, timeout=_PAUSE)
        yield Explained(number, POINTS, await working)
    finally:
        gone.set()
        await asyncio.gather(working, return_exceptions=True)


class _Gone(Exception):
    """Nobody waits for it any more."""
