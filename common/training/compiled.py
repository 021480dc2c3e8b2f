"""A transformer's blocks compiled for the processor: the many small operations between the matrices become one each.

Only training steps of one shape use what is compiled. Tests and samples go the eager way, since every new shape would
be compiled anew. A block is compiled once for all, as they are alike; numbers stay in fp32, so that the curve is the
eager one's up to rounding.

Source: Ansel et al. 2024, *PyTorch 2* (torch.compile).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def compile_blocks(blocks: Sequence[nn.Module], model: nn.Module, batch: dict[str, torch.Tensor]) -> float | None:
    """Compile the blocks of a model for training on batches of this shape.

    Args:
        blocks: all of one class, parts of ``model``; their first argument is the hidden states (B, T, C).
        model: gives a loss for ``batch``, the names of whose tensors it takes. It is not changed otherwise.

    Returns:
        Seconds that it took; None when it did not work, and the blocks are as they were.
    """
    begun = time.monotonic()
    shape = batch["input_ids"].shape
    fast = torch.compile(type(blocks[0]).forward)
    for block in blocks:
        block.forward = _chosen(block, fast, shape)
    try:
        model.train()
        model(**batch, use_cache=False).loss.backward()
    except RuntimeError:  # the compiler lacks a part, such as Python's headers; what dynamo and inductor raise is one
        for block in blocks:
            del block.forward
        return None
    finally:
        model.zero_grad(set_to_none=True)
    return time.monotonic() - begun


def _chosen(block: nn.Module, fast: Any, shape: torch.Size) -> Any:
    eager = block.forward

    def forward(hidden: torch.Tensor, *others: Any, **named: Any) -> Any:
        if block.training and hidden.shape[:2] == shape:
            return fast(block, hidden, *others, **named)
        return eager(hidden, *others, **named)

    return forward
