"""What training a transformer takes: memory by part, GPUs, time, money, energy. Arithmetic alone; nothing is loaded.

Sources: Kaplan et al. 2020 (arXiv:2001.08361) for 6·N·D; Rajbhandari et al. 2020, *ZeRO* (arXiv:1910.02054) for what
sharding divides; Korthikanti et al. 2022 (arXiv:2205.05198) for the bytes of activations; Hu et al. 2021
(arXiv:2106.09685) for LoRA; Dettmers et al. 2023 (arXiv:2305.14314) for 4-bit weights under LoRA.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

Precision = Literal["fp32", "mixed", "bf16", "int8", "int4"]
Optimizer = Literal["adamw", "adamw_8bit", "sgd", "adafactor"]
Sharding = Literal["none", "zero1", "zero2", "zero3"]

# Bytes of a weight and of a gradient. "mixed" keeps fp32 weights and computes in bf16; int8 and int4 weights are
# frozen, with a LoRA beside them (int4: half a byte, and an eighth of a bit more for the scales, quantized twice).
_WEIGHT = {"fp32": 4.0, "mixed": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.516}
_GRADIENT = {"fp32": 4.0, "mixed": 4.0, "bf16": 2.0, "int8": 4.0, "int4": 4.0}
_COMPUTE = {"fp32": 4.0, "mixed": 2.0, "bf16": 2.0, "int8": 2.0, "int4": 2.0}
# Bytes that the optimizer keeps per trained weight. Adafactor keeps a row and a column for each matrix.
_STATE = {"adamw": 8.0, "adamw_8bit": 2.0, "sgd": 0.0, "adafactor": 0.02}
# Numbers of the inner width that a token's feed-forward part keeps: the steps of GPT-2's GELU written out, or of a
# gated one (gate, its SiLU, value, product). And how often its scores over the vocabulary are there at a time.
GELU_KEPT, GATED_KEPT = 5.3, 4.3
_SCORES_KEPT = 3.4
# The seminar's rule: 4 bytes to hold a parameter in fp32, about 20 more to train it (AdamW 8, gradient 4, about 8 for
# activations and what is held for a moment). Its table of 80 GB for a billion follows from 80 bytes instead.
SLIDE_HOLD, SLIDE_MORE, SLIDE_TABLE = 4, 20, 80


@dataclass(frozen=True, slots=True)
class Model:
    """A decoder-only transformer by its numbers. ``inner`` is the width inside the feed-forward layers."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    inner: int

    @property
    def parameters(self) -> float:
        """Weights: four square matrices of attention and two of the feed-forward part in each layer, one embedding."""
        layer = 4 * self.width**2 + 2 * self.width * self.inner + 4 * self.width
        return float(self.layers * layer + self.vocabulary * self.width)

    @staticmethod
    def of_size(parameters: float) -> Model:
        """A model of about so many parameters with the proportions of the GPT-3 family: width ≈ 128 × layers."""
        sizes = []
        for layers in range(1, 200):
            width = max(64, 128 * layers)
            sizes.append(Model(layers, width, max(1, width // 64), 50_257, 4 * width))
        return min(sizes, key=lambda model: abs(model.parameters - parameters))


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is trained. ``lora_rank`` 0 trains every weight; ``batch`` is that of one GPU."""

    precision: Precision = "mixed"
    optimizer: Optimizer = "adamw"
    batch: int = 1
    context: int = 1024
    checkpointing: bool = False
    lora_rank: int = 0
    gpus: int = 1
    sharding: Sharding = "none"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one GPU, by part."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    adapters: float

    @property
    def total(self) -> float:
        """Of all parts."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.adapters


def lora_parameters(model: Model, rank: int) -> float:
    """Weights of adapters of this rank on all linear layers: rank × (in + out) for each."""
    attention = 4 * rank * 2 * model.width
    feed_forward = 2 * rank * (model.width + model.inner)
    return float(model.layers * (attention + feed_forward))


def memory(model: Model, plan: Plan) -> Memory:
    """What one GPU has to hold in the middle of a training step."""
    weights = model.parameters * _WEIGHT[plan.precision]
    adapter = lora_parameters(model, plan.lora_rank) if plan.lora_rank else 0.0
    trained = adapter or model.parameters
    gradients = trained * (4.0 if plan.lora_rank else _GRADIENT[plan.precision])
    optimizer = trained * _STATE[plan.optimizer]
    shares = max(1, plan.gpus)
    return Memory(
        weights=weights / (shares if plan.sharding == "zero3" else 1),
        gradients=gradients / (shares if plan.sharding in ("zero2", "zero3") else 1),
        optimizer=optimizer / (shares if plan.sharding != "none" else 1),
        activations=activation_bytes(model, plan),
        adapters=adapter * 4.0,
    )


def activation_bytes(model: Model, plan: Plan, inner_kept: float = GELU_KEPT) -> float:
    """What the backward pass needs of the forward pass, and what it holds for a moment when it begins.

    With attention that does not keep its matrix (FlashAttention, SDPA), a layer keeps per token about 9 numbers of the
    model's width (inputs of the matrices and norms, queries, keys, values and output) and ``inner_kept`` of the inner
    width. The last layer's scores count a good three times (scores, log-probabilities, gradient), in fp32. As measured
    with ``probe.py``. With checkpointing only the input of each layer stays, and one layer at a time is computed again.

    Args:
        model: its numbers.
        plan: how it is trained.
        inner_kept: numbers of the inner width that the feed-forward part keeps.
    """
    number = _COMPUTE[plan.precision]
    tokens = plan.batch * plan.context
    layer = tokens * (9 * model.width + inner_kept * model.inner) * number
    kept = model.layers * tokens * model.width * number + layer if plan.checkpointing else model.layers * layer
    return kept + tokens * model.vocabulary * _SCORES_KEPT * 4.0


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU: memory in GB, dense bf16 (or fp16) TFLOP/s, watts, and whose data sheet they are from."""

    name: str
    memory_gb: float
    tflops: float
    watts: float
    source: str


@lru_cache
def cards() -> tuple[Card, ...]:
    """The list of GPUs, small ones first."""
    values = tomllib.loads(Path(__file__).with_name("gpus.toml").read_text("utf-8"))["gpu"]
    return tuple(sorted((Card(**value) for value in values), key=lambda card: (card.memory_gb, card.tflops)))


@dataclass(frozen=True, slots=True)
class Bill:
    """What a whole training takes."""

    flops: float
    hours: float
    gpus: int
    money: float
    kwh: float
    co2_kg: float


def gpus_needed(model: Model, plan: Plan, card: Card) -> int | None:
    """GPUs to train it on, a tenth of each kept free for the framework; None where no number of them is enough.

    Each more makes the shards smaller, and leaves what is not sharded on every GPU as large as it is. Without sharding
    the model's layers are thought to be put on several GPUs.
    """
    room = card.memory_gb * 1e9 * 0.9
    one, two = (memory(model, replace(plan, gpus=gpus)).total for gpus in (1, 2))
    if plan.sharding == "none":
        return max(1, math.ceil(one / room))
    sharded = 2 * (one - two)
    left = room - (one - sharded)
    return max(1, math.ceil(sharded / left)) if left > 0 else None


def bill(
    parameters: float, tokens: float, card: Card, gpus: int, utilisation: float, price: float, grams: float
) -> Bill:
    """Time, money and energy to train ``parameters`` on ``tokens``.

    Args:
        utilisation: part of the card's peak that is reached (MFU), 0 to 1.
        price: of one GPU for an hour.
        grams: CO₂ per kilowatt-hour.
    """
    flops = 6.0 * parameters * tokens
    hours = flops / (card.tflops * 1e12 * utilisation * gpus) / 3600
    kwh = hours * gpus * card.watts / 1000
    return Bill(flops, hours, gpus, hours * gpus * price, kwh, kwh * grams / 1000)
