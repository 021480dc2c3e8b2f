"""One real training step in a process of its own, measured part by part: ``python -m common.training.probe JSON``.

Prints the bytes of weights, gradients, optimizer state and of what the forward pass keeps for the backward pass, and
the highest memory of the process above what it had before the model was there.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GPT2Config


def measure(layers: int, width: int, vocabulary: int, batch: int, context: int) -> dict[str, float]:
    """Bytes by part of one AdamW step of a GPT-2-style model in fp32."""
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
    _warm_up()
    before = _resident()
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(model.parameters())
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(vocabulary, (batch, context))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    optimizer.step()
    states = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    return {
        "weights": float(sum(weight.nbytes for weight in model.parameters())),
        "gradients": float(sum(weight.grad.nbytes for weight in model.parameters() if weight.grad is not None)),
        "optimizer": float(sum(value.nbytes for value in states)),
        "activations": float(sum(kept.values())),
        "peak": max(0.0, _peak() - before),
    }


def _warm_up() -> None:
    """Let the libraries take the memory that they take once."""
    weight = torch.nn.Linear(64, 64)
    weight(torch.randn(8, 64)).sum().backward()
    torch.optim.AdamW(weight.parameters()).step()


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss)


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def main(arguments: str) -> None:
    """Measure what the JSON asks for, and print it as JSON."""
    wanted: dict[str, Any] = json.loads(arguments)
    print(json.dumps(measure(**wanted)))


if __name__ == "__main__":
    main(sys.argv[1])
