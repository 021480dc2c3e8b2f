"""Pairs of answers to a question, of which a person preferred one: what a run of kind "preference" learns from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from common import errors

FEWEST, MOST = 4, 5_000
_HELD_OUT = 0.15  # of the pairs


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, the answer that somebody preferred, and the other one."""

    question: str
    chosen: str
    rejected: str


def to_jsonl(pairs: Iterable[Pair]) -> str:
    """The pairs as the run's file has them."""
    return "".join(json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in pairs)


def from_jsonl(text: str) -> list[Pair]:
    """What ``to_jsonl`` wrote."""
    return [Pair(**json.loads(line)) for line in text.split("\n") if line.strip()]


def split(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and the last ones to test with. Raises UnusableExamples: too few or too many."""
    found = list(dict.fromkeys(pairs))
    if len(found) < FEWEST:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_few", count=len(found), limit=FEWEST))
    if len(found) > MOST:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_many", count=len(found), limit=MOST))
    held_out = max(1, round(len(found) * _HELD_OUT))
    return found[:-held_out], found[-held_out:]
