"""Can one set of logits give two columns of probabilities at two temperatures? A test, with a verdict.

Temperature divides the logits: log p_i - log p_j = (z_i - z_j) / T. Between any two words the gap of the
log-probabilities at the cool temperature is therefore the same number of times the gap at the warm one, and that number
is T_warm / T_cool. The words need not be the whole vocabulary: what the others have changes no gap.

Numbers on a slide are rounded, so a pair of columns fails only when no numbers that round to it would pass.
Knows nothing about models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from common import errors
from common.text.sampling import apply_temperature, softmax

# Slack for the last bits of a logarithm; far below anything a printed number can show.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Pair:
    """What two words, taken alone, say about T_warm / T_cool.

    Attributes:
        first, second: their places in the columns; the first is the likelier one in the cool column.
        low, high: smallest and largest ratio that the printed numbers allow; low > high when they allow none.
    """

    first: int
    second: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """The verdict on two columns of n words.

    Attributes:
        possible: whether one set of logits gives both columns.
        ratio: T_warm / T_cool that fits best (least squares on the log-probabilities of the warm column); None when
            no ratio does better than an endless one, which makes all words equal.
        ratio_range: smallest and largest ratio that give both columns within the rounding; None when there is none.
        clash: the proof when it is not possible: one pair of words that suits no ratio, or two pairs whose ratios have
            nothing in common, the one that asks for less first. Empty when it is possible.
        warm_expected: what the warm column would be under ``ratio``, with the geometric mean of the given one; (n,).
        worst: index of the word that is furthest off.
        worst_factor: how many times too large (above 1) or too small (below 1) that word is.
    """

    possible: bool
    ratio: float | None
    ratio_range: tuple[float, float] | None
    clash: tuple[Pair, ...]
    warm_expected: tuple[float, ...]
    worst: int
    worst_factor: float


def fit(cool: Sequence[float], warm: Sequence[float], rounding: float = 0.0) -> TemperatureFit:
    """Test two columns of probabilities of the same words.

    Args:
        cool: probabilities at the cooler temperature, each above 0 and at most 1; two words or more.
        warm: probabilities at the warmer one, in the same order.
        rounding: how far a printed number may be from the true one: 0.0005 for three decimals.

    Raises:
        InvalidInput: columns that are no such probabilities.
    """
    for name, column in (("cool", cool), ("warm", warm)):
        good = len(column) >= 2 and len(column) == len(cool) and all(0 < p <= 1 for p in column)
        if not good or sum(column) > 1 + len(column) * rounding + _SLACK:
            raise errors.InvalidInput(field=name, allowed=errors.Phrase("column"))
    pairs = _pairs(cool, warm, rounding)
    # A set of intervals has a point in common when each two of them do, so pairs of words are all there is to look at.
    lowest, highest = max(pairs, key=lambda pair: pair.low), min(pairs, key=lambda pair: pair.high)
    possible = lowest.low <= highest.high and highest.high > 0
    alone = next((pair for pair in pairs if pair.low > pair.high or pair.high <= 0), None)
    slope = _slope(cool, warm)
    expected = _heated(cool, warm, slope)
    off = np.log(warm) - np.log(expected)
    worst = int(np.argmax(np.abs(off)))
    return TemperatureFit(
        possible=possible,
        ratio=1 / slope if slope > 0 else None,
        ratio_range=(lowest.low, highest.high) if possible else None,
        clash=() if possible else (alone,) if alone else (highest, lowest),
        warm_expected=tuple(expected.tolist()),
        worst=worst,
        worst_factor=float(np.exp(off[worst])),
    )


def at_temperature(column: Sequence[float], rest: float, others: int, temperature: float) -> NDArray[np.float64]:
    """A column that holds at temperature 1, at another one.

    Args:
        column: probabilities of some words, n of them.
        rest: the probability of all other words together at temperature 1.
        others: how many words share it evenly; at least 1.
        temperature: 0 or more.

    Returns:
        (n + 1,), adding up to 1; the last entry is all other words together.
    """
    with np.errstate(divide="ignore"):  # the logit of an impossible word is minus infinity
        logits = np.log([*column, *[rest / others] * others])
    found = softmax(apply_temperature(logits, temperature))
    return np.append(found[: len(column)], found[len(column) :].sum())


def _slope(cool: Sequence[float], warm: Sequence[float]) -> float:
    """T_cool / T_warm by least squares: log_warm = slope * log_cool + constant. Never below 0."""
    gaps_cool, gaps_warm = (np.log(column) - np.log(column).mean() for column in (cool, warm))
    square = float(gaps_cool @ gaps_cool)
    return max(float(gaps_cool @ gaps_warm) / square, 0.0) if square > 0 else 0.0


def _heated(cool: Sequence[float], warm: Sequence[float], slope: float) -> NDArray[np.float64]:
    """The cool column at another temperature: log-probabilities times ``slope``.

    The words are part of a vocabulary that is not known, so the column is scaled to the geometric mean of ``warm``.
    """
    log_cool = np.log(cool)
    expected: NDArray[np.float64] = np.exp(slope * (log_cool - log_cool.mean()) + np.log(warm).mean())
    return expected


def _pairs(cool: Sequence[float], warm: Sequence[float], rounding: float) -> list[Pair]:
    """What each two words allow. For a ratio r, gap_cool = r * gap_warm has to hold for some gaps within the bounds."""
    found: list[Pair] = []
    for one, other in combinations(range(len(cool)), 2):
        first, second = (one, other) if cool[one] >= cool[other] else (other, one)
        cool_low, cool_high = _gap(cool[first], cool[second], rounding)
        warm_low, warm_high = _gap(warm[first], warm[second], rounding)
        low, high = 0.0, math.inf
        # r * warm_high must reach cool_low, and r * warm_low must not pass cool_high.
        for needed, step in ((cool_low, warm_high), (-cool_high, -warm_low)):
            if math.isinf(needed) or math.isinf(step):
                continue  # a probability that may be as small as one likes sets no bound
            if step > 0:
                low = max(low, needed / step)
            elif step < 0:
                high = min(high, needed / step)
            elif needed > 0:
                low, high = math.inf, 0.0
        found.append(Pair(first, second, low, high))
    return found


def _gap(first: float, second: float, rounding: float) -> tuple[float, float]:
    """Smallest and largest difference of log-probabilities that two printed numbers may stand for."""
    low = math.log((first - rounding) / (second + rounding)) if first > rounding else -math.inf
    high = math.log((first + rounding) / (second - rounding)) if second > rounding else math.inf
    return low - _SLACK, high + _SLACK
