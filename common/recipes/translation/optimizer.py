"""Muon for the matrices of the layers, AdamW for embeddings, norms and biases: one optimizer for the Trainer.

The model may work in bfloat16, without a cast anywhere; the weights that are learned are float32 copies in here, for a
small step would be lost in bfloat16. Their state has them too, so that a run goes on exactly.

Source: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the step size follows
J. Liu et al., "Muon is Scalable for LLM Training" (2025), so that one learning rate suits both halves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


class MuonAdamW(torch.optim.Optimizer):
    """Two optimizers behind the face of one; ``param_groups`` are theirs, so a schedule moves both."""

    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        """
        Args:
            model: on its device already; its trainable matrices outside the embeddings go to Muon.
            learning_rate: of both halves, at the height of the schedule.
        """
        embeddings = {
            id(weight)
            for module in model.modules()
            if isinstance(module, nn.Embedding)
            for weight in module.parameters()
        }
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._exact = [weight.detach().clone().float() for weight in self._weights]
        matrix = [weight.ndim == 2 and id(weight) not in embeddings for weight in self._weights]
        inner = [exact for exact, chosen in zip(self._exact, matrix, strict=True) if chosen]
        outer = [exact for exact, chosen in zip(self._exact, matrix, strict=True) if not chosen]
        self._muon = torch.optim.Muon(inner, lr=learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._adamw = torch.optim.AdamW(outer, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        super().__init__(self._groups(), {})
        self.param_groups = self._groups()

    def _groups(self) -> list[dict[str, Any]]:
        return [*self._muon.param_groups, *self._adamw.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move the exact weights, then round them into the model."""
        loss = closure() if closure else None
        for weight, exact in zip(self._weights, self._exact, strict=True):
            exact.grad = None if weight.grad is None else weight.grad.float()
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adamw.step()
        for weight, exact in zip(self._weights, self._exact, strict=True):
            weight.copy_(exact)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Of both halves, and the exact weights."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict(), "exact": self._exact}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave; the model's own weights are loaded elsewhere."""
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])
        for exact, saved in zip(self._exact, state_dict["exact"], strict=True):
            exact.copy_(saved)
        self.param_groups = self._groups()


def trapezoid(optimizer: torch.optim.Optimizer, warmup: int, steps: int, cooldown: int) -> LambdaLR:
    """A schedule whose end can be moved while it runs: up, level, and down to nothing over the last steps.

    Source: A. Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations" (2024).
    """

    def height(step: int) -> float:
        return max(0.0, min(1.0, (step + 1) / warmup, (steps - step) / cooldown))

    return LambdaLR(optimizer, height)
