"""What a run is asked to do: one validated description per kind of training, written as JSON into the run's folder.

Knows nothing about how a kind is trained, nor about pages.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_LIMITS = ConfigDict(extra="forbid", frozen=True)


class Shape(BaseModel):
    """The size of a decoder-only transformer.

    Attributes:
        architecture: llama (RMSNorm, rotary positions, SwiGLU) or gpt2 (LayerNorm, learned positions, GELU).
        width: of the hidden states; a multiple of ``heads``.
        context: longest text in tokens.
    """

    model_config = _LIMITS

    architecture: Literal["llama", "gpt2"] = "llama"
    layers: int = Field(4, ge=1, le=48)
    heads: int = Field(4, ge=1, le=48)
    width: int = Field(128, ge=8, le=4096)
    context: int = Field(64, ge=8, le=4096)


class Pace(BaseModel):
    """How it is trained.

    Attributes:
        steps: of the optimizer, in all.
        batch: texts of ``context`` tokens in one step.
        learning_rate: the highest; it rises over the first twentieth of the steps and then falls as a half cosine.
        evaluate_every: steps between two looks at the held-out text.
        checkpoint_seconds: longest time whose work may be lost.
    """

    model_config = _LIMITS

    steps: int = Field(2000, ge=1, le=1_000_000)
    batch: int = Field(16, ge=1, le=1024)
    learning_rate: float = Field(2e-3, gt=0, le=10)
    weight_decay: float = Field(0.1, ge=0, le=1)
    evaluate_every: int = Field(100, ge=1)
    checkpoint_seconds: float = Field(20.0, gt=0)
    seed: int = Field(0, ge=0, le=2**31 - 1)


class RunConfig(BaseModel):
    """What every kind of run has.

    Attributes:
        name: as its owner calls it.
        owner: a token of the visitor who started it; tells runs apart, opens nothing.
        minutes: of work at a stretch after which the run is stopped, with its model saved.
    """

    model_config = _LIMITS

    name: str = Field(min_length=1, max_length=60)
    owner: str = Field("", max_length=64)
    minutes: float = Field(60.0, gt=0)


class ScratchConfig(RunConfig):
    """A model from random weights, on the text in the run's ``corpus.txt``.

    Attributes:
        tokenizer: one token per character, or byte-pair pieces.
        vocabulary: how many pieces, for bpe.
        sample_at: losses on the held-out text at which the model writes a sample.
    """

    kind: Literal["scratch"] = "scratch"
    tokenizer: Literal["char", "bpe"] = "char"
    vocabulary: int = Field(512, ge=260, le=50_000)
    shape: Shape = Shape()
    pace: Pace = Pace()
    opening: str = Field("\n", max_length=200)
    sample_at: tuple[float, ...] = (4.0, 3.5, 3.0, 2.5, 2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.2, 1.0)


AnyConfig = Annotated[ScratchConfig, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[ScratchConfig] = TypeAdapter(ScratchConfig)


def read_config(data: bytes) -> ScratchConfig:
    """The description in a ``config.json``. Raises pydantic.ValidationError."""
    return _ADAPTER.validate_json(data)
