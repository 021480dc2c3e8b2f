"""Real training steps in a process of their own, measured part by part: ``python -m common.training.probe JSON``.

Prints the bytes of weights, gradients and optimizer state, of all else that the highest moment of a step needs (what
the forward pass keeps for the backward pass, above all), and the highest memory of the process, or on a GPU of its
tensors there, above what it had before the model was there. The first step does not tell: the optimizer's state comes
only at its end.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GPT2Config

from common.memory import highest_bytes

_STEPS = 3


def measure(
    layers: int, width: int, vocabulary: int, batch: int, context: int, place: str = "cpu", half: bool = False
) -> dict[str, float]:
    """Bytes by part of an AdamW step of a GPT-2-style model; for a process that has not held more before.

    Args:
        layers, width, vocabulary: of the model.
        batch, context: texts in a step, and tokens of each.
        place: cpu or cuda.
        half: compute in bfloat16 beside weights in fp32, as runs do on a GPU; else all is fp32.
    """
    _train(1, 64, 64, 1, 8, place, half)  # lets the libraries take the memory that they take once
    before = _held(place)
    model, optimizer, highest = _train(layers, width, vocabulary, batch, context, place, half)
    states = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    weights = float(sum(weight.nbytes for weight in model.parameters()))
    kept = float(sum(value.nbytes for value in states))
    return {
        "weights": weights,
        "gradients": weights,  # a number for each, in the same precision
        "optimizer": kept,
        "activations": max(0.0, highest - before - weights - kept),
        "peak": max(0.0, _highest(place) - before),
    }


def _train(
    layers: int, width: int, vocabulary: int, batch: int, context: int, place: str, half: bool
) -> tuple[torch.nn.Module, torch.optim.Optimizer, float]:
    """Some steps of a new model; it, its optimizer, and the highest memory while there were activations, in bytes."""
    config = GPT2Config(
        vocab_size=vocabulary,
        n_embd=width,
        n_layer=layers,
        n_head=max(1, width // 64),
        n_positions=context,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")  # type: ignore[no-untyped-call]
    model.to(place)
    # Fused on a GPU, as runs have it: there the default makes copies of all weights for a moment.
    optimizer = torch.optim.AdamW(model.parameters(), fused=place == "cuda")
    highest = 0.0
    for _ in range(_STEPS):
        ids = torch.randint(vocabulary, (batch, context), device=place)
        with torch.autocast(place, torch.bfloat16, enabled=half):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        highest = _highest(place)
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer, highest


def _held(place: str) -> float:
    """Bytes that are held now; on a GPU the highest is measured from here on."""
    if place == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return float(torch.cuda.memory_allocated())
    import psutil

    return float(psutil.Process().memory_info().rss)


def _highest(place: str) -> float:
    return float(torch.cuda.max_memory_allocated()) if place == "cuda" else highest_bytes()


def main(arguments: str) -> None:
    """Measure what the JSON asks for, and print it as JSON."""
    wanted: dict[str, Any] = json.loads(arguments)
    print(json.dumps(measure(**wanted)))


if __name__ == "__main__":
    main(sys.argv[1])
