"""Weights kept in bfloat16, numbers computed in float32: half the memory on a processor without bfloat16 of its own.

A layer's weights are widened while it runs and dropped afterwards. Widening is exact, so the results are those of a
model that was loaded in float32. It costs time with few tokens (a pass over all weights more), little with many; the
glass box, which reads whole texts, can afford it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# Rows of a weight that are widened at a time: the output layer of a vocabulary of 49,152 would take 113 MB at once.
_ROWS = 8192


class _WideningLinear(nn.Module):
    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, values: Tensor) -> Tensor:
        """(..., columns) to (..., rows), in float32."""
        pieces = [functional.linear(values, rows.float()) for rows in torch.split(self.weight, _ROWS)]
        result = torch.cat(pieces, dim=-1) if len(pieces) > 1 else pieces[0]
        return result if self.bias is None else result + self.bias.float()


class _WideningEmbedding(nn.Module):
    def __init__(self, layer: nn.Embedding) -> None:
        super().__init__()
        self.weight, self.padding_idx = layer.weight, layer.padding_idx

    def forward(self, ids: Tensor) -> Tensor:
        """(...) to (..., width), in float32."""
        return functional.embedding(ids, self.weight, self.padding_idx).float()


def compute_in_float32(model: nn.Module) -> None:
    """Make a model with bfloat16 weights compute in float32; weights that two layers share stay shared.

    Matrices and embeddings stay as they are until they run. The rest (normalizations, a hundredth of the whole at
    most) becomes float32 for good.
    """
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(parent, name, _WideningLinear(layer))
            elif isinstance(layer, nn.Embedding):
                setattr(parent, name, _WideningEmbedding(layer))
    for module in model.modules():
        if not isinstance(module, _WideningLinear | _WideningEmbedding):
            for weight in module.parameters(recurse=False):
                weight.data = weight.data.float()
