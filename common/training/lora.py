"""Ways to train a model further, and what each takes: LoRA, DoRA, QLoRA and full. Arithmetic on shapes; nothing loads.

A LoRA puts beside a frozen matrix W (out, in) two thin ones: W + B·A · alpha/rank, with A (rank, in) and B (out, rank).
DoRA learns the length of each output's row besides. QLoRA keeps W in 4 bits.

Sources: Hu et al. 2021 (arXiv:2106.09685) for LoRA; Liu et al. 2024 (arXiv:2402.09353) for DoRA; Dettmers et al. 2023
(arXiv:2305.14314) for QLoRA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common import hardware
from common.training.budget import GATED_KEPT, Memory, Model, Plan, activation_bytes
from common.training.config import Method

_FP32, _BF16, _MOMENTS = 4, 2, 8  # bytes of a weight or gradient, and of AdamW's two moments
_NF4 = 0.516  # bytes of a weight of 4 bits with its scales, which are quantized too


@dataclass(frozen=True, slots=True)
class Shapes:
    """The matrices of a Llama-like model.

    Attributes:
        linear: (out, in) of every linear layer of one block.
        layers: how many blocks.
        width, heads, inner, vocabulary: of the model.
        tied: one matrix is both the first and the last.
    """

    linear: tuple[tuple[int, int], ...]
    layers: int
    width: int
    heads: int
    inner: int
    vocabulary: int
    tied: bool = True

    @property
    def frozen(self) -> int:
        """Weights of the linear layers of all blocks."""
        return self.layers * sum(out * into for out, into in self.linear)

    @property
    def parameters(self) -> int:
        """All weights: the blocks with two norms each, the embeddings, the last norm."""
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return self.frozen + self.layers * 2 * self.width + embeddings + self.width


def shapes(config: Mapping[str, Any]) -> Shapes:
    """From the values of a Llama-like ``config.json``. Raises KeyError: some other architecture."""
    width, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    head = config.get("head_dim") or width // heads
    queries, keys = heads * head, (config.get("num_key_value_heads") or heads) * head
    return Shapes(
        linear=(
            *((queries, width), (keys, width), (keys, width), (width, queries)),
            *((inner, width), (inner, width), (width, inner)),
        ),
        layers=config["num_hidden_layers"],
        width=width,
        heads=heads,
        inner=inner,
        vocabulary=config["vocab_size"],
        tied=config.get("tie_word_embeddings", True),
    )


def trainable(model: Shapes, method: Method, rank: int) -> int:
    """How many numbers are learned."""
    if method == "full":
        return model.parameters
    lengths = sum(out for out, _ in model.linear) if method == "dora" else 0
    return model.layers * (sum(rank * (out + into) for out, into in model.linear) + lengths)


def frozen_in_half(method: Method) -> bool:
    """Whether frozen weights are kept, and all is computed, in bfloat16: LoRA and DoRA on processors that multiply it.

    What is learned stays in fp32. A step of SmolLM2 135M takes 2.4 times less of such a processor's time than in fp32.
    """
    return method in ("lora", "dora") and hardware.cpu_has_bf16() and not hardware.has_nvidia_gpu()


def memory(model: Shapes, method: Method, rank: int, rows: int, row: int) -> Memory:
    """Bytes in the middle of a training step on this machine with ``rows`` rows of ``row`` tokens, by part."""
    learned, half = trainable(model, method, rank), frozen_in_half(method)
    weights = model.parameters * (_BF16 if half else _FP32)
    if method == "qlora":
        weights = int(model.frozen * _NF4 + (model.parameters - model.frozen) * _FP32)
    sizes = Model(model.layers, model.width, model.heads, model.vocabulary, model.inner)
    return Memory(
        weights=weights,
        gradients=learned * _FP32,
        optimizer=learned * _MOMENTS,
        activations=activation_bytes(
            sizes, Plan(precision="mixed" if half else "fp32", batch=rows, context=row), GATED_KEPT
        ),
        adapters=0.0 if method == "full" else learned * _FP32,
    )


def flops_per_weight(method: Method) -> float:
    """Floating-point operations per weight and token: 2 forwards, 2 back, 2 more for the gradient of a learned one."""
    return 6.0 if method == "full" else 4.0
