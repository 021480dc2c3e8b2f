"""From logits to the next token: temperature, top-k, top-p and min-p as pure functions on one row of numbers.

A model gives one number for every token of its vocabulary, the logit. Everything that is called sampling happens after
that and is on this page. The functions work on numpy arrays of shape (V,), V tokens in the vocabulary; a token that has
been dropped has the logit minus infinity, which the softmax turns into a probability of exactly 0.

The steps, their order and their rules for ties are those of transformers 5 (``generation/logits_process.py``). The
embedded engine (openvino-genai) takes them in the same order. ``common.text.engines.choose`` is the same in torch, for
several texts at once, where a model runs. Knows nothing about models, tokenizers or texts.

Source: Keskar et al. 2019 (arXiv:1909.05858, repetition penalty); Fan et al. 2018 (arXiv:1805.04833, top-k); Holtzman
et al. 2020 (arXiv:1904.09751, top-p); Nguyen et al. 2024 (arXiv:2407.01082, min-p).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from common.text.engine import SamplingSettings

Floats = NDArray[np.floating[Any]]
StageName = Literal["repetition_penalty", "temperature", "top_k", "top_p", "min_p"]


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities of all tokens: (V,) to (V,), none negative, adding up to 1.

    Subtracting the largest logit changes no probability and keeps ``exp`` from overflowing.
    """
    weights = np.exp(_float64(logits) - np.max(logits))
    probabilities: NDArray[np.float64] = weights / weights.sum()
    return probabilities


def log_softmax(logits: Floats) -> NDArray[np.float64]:
    """Natural logarithms of the probabilities, exact where the probability itself would round to 0: (V,) to (V,)."""
    shifted = _float64(logits) - np.max(logits)
    logprobs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


def penalize_repetition(logits: Floats, seen: Sequence[int], penalty: float) -> NDArray[np.float64]:
    """Make tokens less likely that the text has already: positive logits are divided, negative ones multiplied.

    Args:
        logits: (V,).
        seen: ids of the text so far, prompt included; how often a token came makes no difference.
        penalty: 1 changes nothing, below 1 makes repetition more likely.
    """
    changed = _float64(logits).copy()
    ids = np.unique(np.asarray(seen, dtype=np.int64))
    changed[ids] = np.where(changed[ids] < 0, changed[ids] * penalty, changed[ids] / penalty)
    return changed


def apply_temperature(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Divide the logits: below 1 the differences between tokens grow, above 1 they shrink. The order never changes.

    At 0 only the most probable token is left (the first one when several tie), which is greedy decoding.
    """
    if temperature > 0:
        return _float64(logits) / temperature
    greedy = np.full(len(logits), -np.inf)
    greedy[np.argmax(logits)] = 0.0
    return greedy


def keep_top_k(logits: Floats, top_k: int) -> NDArray[np.float64]:
    """Keep the k most probable tokens, and any that tie with the last of them; 0 keeps all."""
    if not 0 < top_k < len(logits):
        return _float64(logits)
    kth_best = np.partition(logits, -top_k)[-top_k]
    return np.where(logits < kth_best, -np.inf, logits)


def keep_top_p(logits: Floats, top_p: float) -> NDArray[np.float64]:
    """Keep the smallest set of tokens whose probabilities add up to p or more (the nucleus); at least the best one.

    Counted from the least probable token up: those that together have no more than 1 - p go. How many tokens stay is
    as in transformers; which of several that tie at the edge is left open there, and here it is those with larger ids.
    """
    worst_first = np.argsort(logits, kind="stable")
    tail = np.cumsum(softmax(logits)[worst_first])
    drop = tail <= 1 - top_p
    drop[-1] = False
    kept = _float64(logits).copy()
    kept[worst_first[drop]] = -np.inf
    return kept


def keep_min_p(logits: Floats, min_p: float) -> NDArray[np.float64]:
    """Drop tokens less probable than ``min_p`` times the best one: strict when the model is sure, generous when not."""
    probabilities = softmax(logits)
    return np.where(probabilities < min_p * probabilities.max(), -np.inf, logits)


@dataclass(frozen=True, slots=True)
class Stage:
    """What one step did.

    Attributes:
        name: field of ``SamplingSettings`` that sets it.
        active: False when the setting switches the step off; nothing changed then.
        before, after: probabilities (V,) before and after the step, each adding up to 1.
        kept: (V,), True for tokens that can still be chosen.
        cut_mass: share of the probability that this step cut off, 0 to 1.
        cut_count: number of tokens that this step dropped.
    """

    name: StageName
    active: bool
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    kept: NDArray[np.bool_]
    cut_mass: float
    cut_count: int


def sampling_stages(logits: Floats, settings: SamplingSettings, seen: Sequence[int] = ()) -> list[Stage]:
    """The way from the model's logits to the distribution that the next token is drawn from, step by step.

    What is left after a step is scaled up to 1 again, and the next step works on that.

    Args:
        logits: (V,), what the model gave; at least one of them finite.
        settings: how to choose; only the parts about the choice are read.
        seen: ids of the text so far, for the repetition penalty.

    Returns:
        Five stages in the order of work: repetition penalty, temperature, top_k, top_p, min_p.
    """
    steps: list[tuple[StageName, bool, Callable[[Floats], NDArray[np.float64]]]] = [
        (
            "repetition_penalty",
            settings.repetition_penalty != 1,
            lambda row: penalize_repetition(row, seen, settings.repetition_penalty),
        ),
        ("temperature", settings.temperature != 1, lambda row: apply_temperature(row, settings.temperature)),
        ("top_k", settings.top_k > 0, lambda row: keep_top_k(row, settings.top_k)),
        ("top_p", settings.top_p < 1, lambda row: keep_top_p(row, settings.top_p)),
        ("min_p", settings.min_p > 0, lambda row: keep_min_p(row, settings.min_p)),
    ]
    stages: list[Stage] = []
    current = _float64(logits)
    before, possible = softmax(current), np.isfinite(current)
    for name, active, step in steps:
        after, kept = before, possible
        if active:
            current = step(current)
            after, kept = softmax(current), np.isfinite(current)
        cut = possible & ~kept
        stages.append(Stage(name, active, before, after, kept, float(before[cut].sum()), int(cut.sum())))
        before, possible = after, kept
    return stages


def entropy_bits(probabilities: Floats) -> float:
    """How uncertain the choice is, in bits: 0 when one token is certain, log2(V) when all are equally likely.

    Source: Shannon 1948, *A Mathematical Theory of Communication*.
    """
    possible = _float64(probabilities)[np.asarray(probabilities) > 0]
    return max(0.0, float(-(possible * np.log2(possible)).sum()))


def effective_choices(probabilities: Floats) -> float:
    """The number of equally likely tokens that would be just as uncertain: 2 to the entropy (the perplexity)."""
    return float(2 ** entropy_bits(probabilities))


def sample(probabilities: Floats, rng: np.random.Generator) -> int:
    """Draw one token: walk along the probabilities until their sum passes a random number."""
    sums = np.cumsum(_float64(probabilities))
    return int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))


def _float64(values: Floats) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
