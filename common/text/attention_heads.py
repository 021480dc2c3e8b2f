"""Which attention heads look from one token at another, beyond what the two places alone would give.

Many heads look a fixed number of tokens back whatever stands there, and in many everybody looks at the same token,
above all at the first one (an *attention sink*). Such a head says nothing about two words. So each weight is set
against what the head does elsewhere in the same text, and the heads with the largest surplus come first.

Pure functions on arrays; knows nothing about models. A large surplus shows where a head looks, and not why, nor that
the model's answer depends on it.

Source: Clark et al. 2019, *What Does BERT Look At?* (arXiv:1906.04341; heads with one task, heads that look at fixed
distances); Xiao et al. 2023, *Efficient Streaming Language Models with Attention Sinks* (arXiv:2309.17453).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common import errors
from common.errors import Phrase

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Head:
    """A head that was found, counted from 0: its weight from one token to the other, and what was to be expected."""

    layer: int
    head: int
    weight: float
    expected: float


@dataclass(frozen=True, slots=True)
class Word:
    """Tokens that belong together: places ``first`` to ``last`` in the text, both included."""

    text: str
    first: int
    last: int


def link(weights: Floats, source: int, target: int) -> Floats:
    """A weight, and the weight to be expected there: (..., T, T) to (..., 2).

    Expected is the larger of two means over the rest of the text: how much other tokens look at a token equally far
    back, and how much other tokens look at ``target``. Pairs that end at the first token are left out of the former,
    since it is the usual sink; where nothing is left to compare with, 0 is expected.

    Args:
        weights: attention, last axes: the token that looks, the token that is looked at.
        source: the token that looks.
        target: the one it looks at, not after ``source``.

    Raises:
        InvalidInput: places outside the text, or ``target`` after ``source``.
    """
    length = weights.shape[-1]
    if not 0 <= target <= source < length:
        raise errors.InvalidInput(field="link", allowed=Phrase("whole_between", minimum=0, maximum=length - 1))
    back = source - target
    far = [place for place in range(back, length) if place != source and (place > back or target == 0)]
    same_distance = weights[..., far, [place - back for place in far]]
    others = [place for place in range(target + 1, length) if place != source]
    same_target = weights[..., others, target]
    return np.stack([weights[..., source, target], np.maximum(_mean(same_distance), _mean(same_target))], axis=-1)


def _mean(values: Floats) -> Floats:
    """Over the last axis; 0 where there is none."""
    return values.mean(-1) if values.shape[-1] else np.zeros(values.shape[:-1], values.dtype)


def strongest(links: Floats, count: int) -> list[Head]:
    """The heads with the largest surplus of weight over expectation, at most ``count``, none without a surplus.

    Args:
        links: what ``link`` gave for every head: (layers, heads, 2).
    """
    surplus = links[..., 0] - links[..., 1]
    order = np.argsort(-surplus, axis=None, kind="stable")[:count]
    found = []
    for layer, head in zip(*np.unravel_index(order, surplus.shape), strict=True):
        if surplus[layer, head] > 0:
            found.append(Head(int(layer), int(head), *(float(value) for value in links[layer, head])))
    return found


def words(pieces: Sequence[str]) -> list[Word]:
    """The words of a text that was cut into tokens: a token without a space before it continues a word of letters.

    Signs such as a full stop are words of their own.
    """
    found: list[Word] = []
    for place, piece in enumerate(pieces):
        goes_on = place > 0 and pieces[place - 1][-1:].isalnum() and piece[:1].isalnum()
        if goes_on:
            found[-1] = Word(found[-1].text + piece.rstrip(), found[-1].first, place)
        elif piece.strip():
            found.append(Word(piece.strip(), place, place))
    return found
