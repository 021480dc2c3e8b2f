"""The mean of a model's weights before and after training: better than either, though it was never trained.

A short run on other data learns the new at the cost of the old. Since it began with the old weights, both lie in one
valley of the loss, and between them neither is lost.

Source: M. Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time" (2022), and "Robust fine-tuning of zero-shot models" (2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import MarianMTModel


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the trained weights to take, 0 to 1; the rest is the start's.

    Attributes:
        encoder: in the encoder.
        rest: in the decoder and the embeddings.
    """

    encoder: float
    rest: float


@torch.no_grad()
def average(model: MarianMTModel, start: Path, shares: Shares) -> None:
    """Move a trained model's weights towards those of the finished model in a folder that its training began with."""
    before = MarianMTModel.from_pretrained(start, dtype=torch.float32).state_dict()
    weights = model.state_dict()
    seen: set[int] = set()  # shared weights have several names
    for name, weight in weights.items():
        if weight.data_ptr() in seen:
            continue
        seen.add(weight.data_ptr())
        share = shares.encoder if name.startswith("model.encoder.layers") else shares.rest
        exact = weight.float()
        weight.copy_(before[name].to(exact.device).lerp(exact, share))
