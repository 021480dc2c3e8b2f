"""Cross-entropy over the vocabulary without keeping its scores: loss and gradient come out of one pass.

Autograd would write the scores of all positions (positions x vocabulary, 98 MB in a batch of 6,144 tokens) to memory
and read them back half a dozen times, which on a CPU takes longer than all layers of a small model. Here a few rows
at a time stay in the processor's cache from the score to the gradient. Knows nothing about models.

Source: P.-L. Hsu et al., "Liger Kernel: Efficient Triton Kernels for LLM Training" (2024), for computing the gradient
along with the loss.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# So many rows of 8,000 float32 scores are 2 MB, what a core's own cache holds.
_ROWS = 64


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        count, entries = len(hidden), len(weight)
        gradient = torch.empty(count, entries, dtype=weight.dtype, device=weight.device)  # of the scores
        loss = torch.zeros((), device=hidden.device)
        for rows, wanted, out in zip(
            *(torch.split(tensor, _ROWS) for tensor in (hidden, labels[:, None], gradient)), strict=True
        ):
            logits = F.linear(rows, weight).float()  # (rows, V)
            normaliser = logits.logsumexp(1, keepdim=True)
            loss += normaliser.sum() - (1 - smoothing) * logits.gather(1, wanted).sum()
            loss -= smoothing / entries * logits.sum()
            slope = logits.sub_(normaliser).exp_().sub_(smoothing / entries)
            slope.scatter_add_(1, wanted, torch.full_like(wanted, smoothing - 1, dtype=slope.dtype))
            torch.mul(slope, 1 / count, out=slope)
            out.copy_(slope)
        ctx.save_for_backward(gradient @ weight, gradient.T @ hidden)
        return loss / count

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden, weight = ctx.saved_tensors
        return hidden * upstream.to(hidden.dtype), weight * upstream.to(weight.dtype), None, None


def linear_cross_entropy(hidden: Tensor, weight: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """``F.cross_entropy(hidden @ weight.T, labels, label_smoothing=smoothing)``, in float32 from the scores on.

    Args:
        hidden: (N, D) last hidden states.
        weight: (V, D) output embeddings, of the same type.
        labels: (N,) the right entry of the vocabulary at each position; none may be masked.
        smoothing: share of the target that is spread over the whole vocabulary.

    Returns:
        () the mean over the positions.
    """
    loss: Tensor = _LinearCrossEntropy.apply(hidden, weight, labels, smoothing)  # type: ignore[no-untyped-call]
    return loss
