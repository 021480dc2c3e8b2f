"""From logits to the next token, for several texts at once: the steps of ``common.text.sampling`` in torch.

``sampling.py`` shows the steps for one text and is what the pages draw; this module does the same where the model runs.
The order is that of transformers: repetition penalty, temperature, top-k, top-p, min-p. Knows nothing about models.

B texts, V tokens in the vocabulary. All logits are float32.

Source: Keskar et al. 2019 (arXiv:1909.05858, repetition penalty); Fan et al. 2018 (arXiv:1805.04833, top-k); Holtzman
et al. 2020 (arXiv:1904.09751, top-p); Nguyen et al. 2024 (arXiv:2407.01082, min-p).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from common.text.engine import SamplingSettings


def choose(
    logits: Tensor,
    seen: Sequence[Sequence[int]],
    settings: Sequence[SamplingSettings],
    draws: Sequence[float],
    forbidden: Tensor | None = None,
) -> tuple[list[int], list[float]]:
    """The next token of each text, and the natural log of the model's own probability for it.

    Args:
        logits: (B, V), what the model gave for the next token of each text.
        seen: the ids of each text so far, prompt included.
        settings: how to choose, for each text.
        draws: a random number of ``torch.rand`` for each text (0 to 1, 1 excluded); of no use at temperature 0.
        forbidden: (B, V), True for tokens that must not be chosen; the log-probabilities stay the model's own.
    """
    if logits.device.type == "mps":  # has no float64, which the draw needs
        logits = logits.cpu()
    own = logits.log_softmax(-1)  # (B, V)
    if forbidden is not None:
        logits = logits.masked_fill(forbidden.to(logits.device), -torch.inf)
    logits = penalize_repetition(logits, seen, [each.repetition_penalty for each in settings])
    best = logits.argmax(-1, keepdim=True)  # (B, 1)
    greedy = [each.temperature <= 0 for each in settings]
    if all(greedy):
        chosen = best
    else:
        kept = filter_logits(logits, settings)
        drawn = draw(kept.softmax(-1), torch.tensor(draws, device=logits.device))
        chosen = torch.where(_column(greedy, logits), best, drawn)  # (B, 1)
    return chosen[:, 0].tolist(), own.gather(-1, chosen)[:, 0].tolist()


def filter_logits(logits: Tensor, settings: Sequence[SamplingSettings]) -> Tensor:
    """Temperature, top-k, top-p and min-p: (B, V) to (B, V), dropped tokens at minus infinity.

    Steps that no text asks for are left out: sorting a vocabulary takes longer than all the rest together.
    """
    logits = logits / _column([each.temperature if each.temperature > 0 else 1.0 for each in settings], logits)
    if any(each.top_k > 0 for each in settings):
        logits = keep_top_k(logits, [each.top_k for each in settings])
    if any(each.top_p < 1 for each in settings):
        logits = keep_top_p(logits, [each.top_p for each in settings])
    if any(each.min_p > 0 for each in settings):
        logits = keep_min_p(logits, [each.min_p for each in settings])
    return logits


def penalize_repetition(logits: Tensor, seen: Sequence[Sequence[int]], penalties: Sequence[float]) -> Tensor:
    """Make tokens less likely that the text has already: positive logits divided, negative ones multiplied."""
    logits = logits.clone()
    for row, (ids, penalty) in enumerate(zip(seen, penalties, strict=True)):
        if penalty != 1:
            places = torch.tensor(sorted(set(ids)), device=logits.device)
            known = logits[row, places]  # (tokens seen,)
            logits[row, places] = torch.where(known > 0, known / penalty, known * penalty)
    return logits


def keep_top_k(logits: Tensor, top_k: Sequence[int]) -> Tensor:
    """Keep the k most probable tokens of each text (and any that tie with the last of them); 0 keeps all."""
    size = logits.shape[-1]
    wanted = [k if 0 < k < size else size for k in top_k]
    best = logits.topk(max(k for k in [*wanted, 1] if k < size), dim=-1).values  # (B, largest k), the best first
    floor = torch.full_like(best[:, :1], -torch.inf)  # (B, 1)
    for row, k in enumerate(wanted):
        if k < size:
            floor[row] = best[row, k - 1]
    return logits.masked_fill(logits < floor, -torch.inf)


def keep_top_p(logits: Tensor, top_p: Sequence[float]) -> Tensor:
    """Keep the smallest set of tokens whose probabilities add up to p or more; at least the best one."""
    ordered, order = logits.sort(dim=-1, descending=True)  # (B, V) each
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities  # what the better tokens have together
    drop = before >= _column(top_p, logits)
    drop[:, 0] = False
    return logits.masked_fill(drop.scatter(-1, order, drop), -torch.inf)


def keep_min_p(logits: Tensor, min_p: Sequence[float]) -> Tensor:
    """Drop tokens less probable than ``min_p`` times the best one."""
    probabilities = logits.softmax(-1)
    limit = _column(min_p, logits) * probabilities.amax(-1, keepdim=True)  # (B, 1)
    return logits.masked_fill(probabilities < limit, -torch.inf)


def draw(probabilities: Tensor, draws: Tensor) -> Tensor:
    """Walk along the probabilities until their sum passes the random number: (B, V) and (B,) to ids (B, 1).

    One number decides, so the same seed gives the same text on any device. The numbers have 24 bits and the sums 53:
    the walk can neither run past the end nor stop at a token without probability.
    """
    sums = probabilities.double().cumsum(-1)  # (B, V)
    return torch.searchsorted(sums, draws.double()[:, None] * sums[:, -1:], right=True)


def _column(values: Sequence[float] | Sequence[bool], like: Tensor) -> Tensor:
    """One value per text: (B, 1)."""
    return torch.tensor(values, device=like.device)[:, None]
