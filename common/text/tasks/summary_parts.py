"""Cutting a long text into parts of about equal size, counted in the model's own tokens, at the ends of sentences.

Where a model cannot count (a remote server), a token is taken to be three letters, which is rather too many tokens.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from common import errors
from common.text.engine import GenerationRequest, TextEngine

_LETTERS_PER_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """Pieces of a text with their sizes.

    Attributes:
        units: sentences, or turns of a dialogue.
        sizes: their lengths in tokens.
        estimated: the sizes are a guess from the number of letters.
    """

    units: tuple[str, ...]
    sizes: tuple[int, ...]
    estimated: bool = False

    @property
    def total(self) -> int:
        """Tokens altogether."""
        return sum(self.sizes)


async def count(engine: TextEngine, units: Sequence[str]) -> Counted:
    """Count units with the model's own tokenizer, all of them in one question."""
    text = "\n".join(units)
    try:
        tokens = await engine.tokenize(GenerationRequest(prompt=text)) if text else []
    except errors.NotSupported:
        guess = tuple(math.ceil(len(unit) / _LETTERS_PER_TOKEN) for unit in units)
        return Counted(tuple(units), guess, estimated=True)
    token_ends = list(itertools.accumulate(len(token.text) for token in tokens))
    unit_ends = itertools.accumulate(len(unit) + 1 for unit in units)
    before = [bisect.bisect_left(token_ends, end) + 1 for end in unit_ends]
    before = [min(place, len(tokens)) for place in before]
    sizes = tuple(max(after - start, 1) for start, after in itertools.pairwise([0, *before]))
    return Counted(tuple(units), sizes)


def parts(counted: Counted, room: int) -> list[tuple[str, ...]]:
    """Parts of at most ``room`` tokens, about equal in size; a longer unit is cut between words."""
    units, sizes = _cut_long(counted, room)
    fair = sum(sizes) / max(math.ceil(sum(sizes) / room), 1)
    found: list[tuple[str, ...]] = []
    here: list[str] = []
    filled = done = 0
    for unit, size in zip(units, sizes, strict=True):
        # Half of a unit may stand over a part's fair share, but never over what the model may be given.
        if here and (filled + size > room or done + filled + size / 2 > fair * (len(found) + 1)):
            found.append(tuple(here))
            done += filled
            here, filled = [], 0
        here.append(unit)
        filled += size
    return [*found, tuple(here)] if here else found


def _cut_long(counted: Counted, room: int) -> tuple[list[str], list[int]]:
    units: list[str] = []
    sizes: list[int] = []
    for unit, size in zip(counted.units, counted.sizes, strict=True):
        many = math.ceil(size / room)
        if many <= 1:
            units.append(unit)
            sizes.append(size)
            continue
        # A word without an end is cut too: no text may be larger than the room.
        step = max(math.ceil(len(unit) / (many + 1)), 1)
        start = 0
        while start < len(unit):
            end = min(start + step, len(unit))
            space = unit.rfind(" ", start + 1, end) if end < len(unit) else -1
            end = space if space > start + step // 2 else end
            units.append(unit[start:end].strip())
            sizes.append(min(math.ceil(size * (end - start) / len(unit)), room))
            start = end
    return units, sizes
