"""Pairs of answers to a question, of which a person preferred one: what a run of kind "preference" learns from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common import errors

FEWEST, MOST = 4, 5_000
STORAGE_KEY = "demystify-pairs"  # of what a visitor's browser keeps, on every page that collects choices
_MOST_KEPT = 200  # of one visitor, in their browser
_MOST_CHARACTERS = 5_000  # of a text in it
_HELD_OUT = 0.15  # of the pairs


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, the answer that somebody preferred, and the other one.

    Attributes:
        before: what was said before the question, as (role, content); the system prompt, too.
    """

    question: str
    chosen: str
    rejected: str
    before: tuple[tuple[str, str], ...] = ()

    @property
    def characters(self) -> int:
        """Of the conversation with the longer answer."""
        said = sum(len(content) for _, content in self.before) + len(self.question)
        return said + max(len(self.chosen), len(self.rejected))


def to_jsonl(pairs: Iterable[Pair]) -> str:
    """The pairs as the run's file has them."""
    return "".join(json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in pairs)


def from_jsonl(text: str) -> list[Pair]:
    """What ``to_jsonl`` wrote."""
    return [_pair(json.loads(line)) for line in text.split("\n") if line.strip()]


def _pair(values: dict[str, Any]) -> Pair:
    before = tuple((role, content) for role, content in values.pop("before", ()))
    return Pair(**values, before=before)


def kept_pairs(stored: Any) -> list[Pair]:
    """The pairs that a browser kept as JSON lines; none when it is not what was written here."""
    try:
        pairs = from_jsonl(stored or "")[-_MOST_KEPT:]
        fit = all(_fits(pair) for pair in pairs)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []
    return pairs if fit else []


def with_choice(
    stored: Any, question: str, answers: tuple[str, str], first: bool, before: Sequence[tuple[str, str]] = ()
) -> list[Pair]:
    """The pairs that a browser kept, and one choice more.

    Args:
        stored: what it kept.
        question: what was asked.
        answers: both.
        first: whether the first one is preferred.
        before: what was said before, as (role, content).

    Raises:
        NothingToChoose: one of them is empty, or they are the same.
    """
    one, other = (answer.strip() for answer in answers)
    if not one or not other or one == other:
        raise errors.NothingToChoose()
    chosen, rejected = (one, other) if first else (other, one)
    pair = Pair(question, chosen, rejected, tuple(before))
    return [*kept_pairs(stored), *([pair] if _fits(pair) else [])][-_MOST_KEPT:]


def _fits(pair: Pair) -> bool:
    texts = (pair.question, pair.chosen, pair.rejected, *(said for turn in pair.before for said in turn))
    return all(isinstance(said, str) and len(said) < _MOST_CHARACTERS for said in texts)


def split(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and the last ones to test with. Raises UnusableExamples: too few or too many."""
    found = list(dict.fromkeys(pairs))
    if len(found) < FEWEST:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_few", count=len(found), limit=FEWEST))
    if len(found) > MOST:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_many", count=len(found), limit=MOST))
    held_out = max(1, round(len(found) * _HELD_OUT))
    return found[:-held_out], found[-held_out:]
