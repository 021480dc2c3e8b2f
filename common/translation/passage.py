"""Texts of any length through the engine: cut into sentences, translated, put together again.

Paragraphs, indentation, emoji and whatever else has no words stay as they are. Knows nothing about files.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from common.translation.codec import Codec, reads
from common.translation.engine import Beams, Output, TranslationEngine
from common.translation.sentences import Piece, split

# A text of so many characters is cut in a millisecond or two; a longer one must not hold up everybody else.
_SHORT = 2_000


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to say a sentence; ``score`` is its mean log-probability per token."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a translation is.

    Attributes:
        text: the translation up to the first sentence that is still missing.
        done, total: sentences with words in them.
        seconds: since it began.
        seconds_left: judged by the characters done so far; None before the first sentence is.
        alternatives: of each translated sentence, the best first; only when complete.
        kept: sentences left as they are, because the model cannot read their letters.
        tokens: written for the best translations of the sentences done.
    """

    text: str
    done: int
    total: int
    seconds: float
    seconds_left: float | None = None
    alternatives: tuple[tuple[str, tuple[Alternative, ...]], ...] = ()
    kept: int = 0
    tokens: int = 0

    @property
    def complete(self) -> bool:
        return self.done == self.total


async def translate_text(
    engine: TranslationEngine, codec: Codec, text: str, language: str, beams: Beams | None = None
) -> AsyncGenerator[Progress, None]:
    """Progress after every batch, the last one complete.

    Args:
        language: of the text, ISO 639-1.

    Raises:
        As ``TranslationEngine.translate``.
    """
    if len(text) < _SHORT:
        pieces, waiting, kept = _sorted(text, language, codec)
    else:
        pieces, waiting, kept = await asyncio.to_thread(_sorted, text, language, codec)
    made: dict[int, list[Output]] = {}
    tokens = 0
    clock = Clock(sum(len(pieces[number].body) for number in waiting))
    if not waiting:
        yield Progress(text, 0, 0, 0.0, kept=kept)
        return
    async with contextlib.aclosing(engine.translate(codec, [pieces[n].body for n in waiting], beams)) as outputs:
        async for index, output in outputs:
            number = waiting[index]
            made[number] = output
            clock.add(len(pieces[number].body))
            tokens += len(output[0].tokens)
            if len(made) < len(waiting):
                if clock.due():
                    said = _joined(pieces, waiting, made, codec)
                    yield Progress(said, len(made), len(waiting), clock.seconds, clock.left, kept=kept, tokens=tokens)
                continue
            others = tuple(
                (pieces[n].body, tuple(Alternative(codec.decode(o.tokens), o.score) for o in made[n])) for n in waiting
            )
            best = {n: ways[0].text for n, (_, ways) in zip(waiting, others, strict=True)}
            said = "".join(best.get(n, piece.body) + piece.after for n, piece in enumerate(pieces))
            yield Progress(said, len(made), len(waiting), clock.seconds, 0.0, others, kept, tokens)


def _sorted(text: str, language: str, codec: Codec) -> tuple[list[Piece], list[int], int]:
    """The pieces, the numbers of those to translate, and how many have words that the model cannot read."""
    pieces = split(text, language)
    worded = [number for number, piece in enumerate(pieces) if piece.has_words]
    waiting = [number for number in worded if reads(codec, pieces[number].body)]
    return pieces, waiting, len(worded) - len(waiting)


def _joined(pieces: list[Piece], waiting: list[int], made: dict[int, list[Output]], codec: Codec) -> str:
    missing = next((number for number in waiting if number not in made), len(pieces))
    said = (codec.decode(made[n][0].tokens) if n in made else piece.body for n, piece in enumerate(pieces[:missing]))
    return "".join(text + piece.after for text, piece in zip(said, pieces, strict=False))


class Clock:
    """Time taken and time left of work with a known amount, and when to show it.

    Five times a second at first; once a second later on, since a long text takes a while to send, too.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._start = time.perf_counter()
        self._shown = self._start

    def add(self, amount: int) -> None:
        self._done += amount

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    @property
    def left(self) -> float | None:
        """Seconds, if the rest goes as fast as what is done."""
        return self.seconds * (self._total - self._done) / self._done if self._done else None

    def due(self) -> bool:
        now = time.perf_counter()
        if now - self._shown < (0.2 if now - self._start < 5 else 1.0):
            return False
        self._shown = now
        return True
