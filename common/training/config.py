"""What a run is asked to do: one validated description per kind of training, written as JSON into the run's folder.

Knows nothing about how a kind is trained, nor about pages.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

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
        data_file: what its data are called in the run's folder.
        name: as its owner calls it.
        owner: a token of the visitor who started it; tells runs apart, opens nothing.
        minutes: of work at a stretch after which the run is stopped, with its model saved.
    """

    model_config = _LIMITS
    data_file: ClassVar[str] = "corpus.txt"

    name: str = Field(min_length=1, max_length=60)
    owner: str = Field("", max_length=64)
    minutes: float = Field(60.0, gt=0)
    pace: Pace = Pace()


class ScratchConfig(RunConfig):
    """A model from random weights, on the text in the run's ``corpus.txt``.

    Attributes:
        tokenizer: one token per character, or byte-pair pieces.
        vocabulary: how many pieces, for bpe.
        sample_at: losses on the held-out text at which the model writes a sample.
        compiled: on a processor, compile the layers first: some seconds for faster steps.
    """

    kind: Literal["scratch"] = "scratch"
    tokenizer: Literal["char", "bpe"] = "char"
    vocabulary: int = Field(512, ge=260, le=50_000)
    shape: Shape = Shape()
    opening: str = Field("\n", max_length=200)
    sample_at: tuple[float, ...] = (4.0, 3.5, 3.0, 2.5, 2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.2, 1.0)
    compiled: bool = False


Method = Literal["lora", "dora", "qlora", "full"]


class TunedConfig(RunConfig):
    """What the kinds have that begin with a model.

    Attributes:
        base: folder of the model to begin with, in transformers format.
        base_title, base_repo, base_licence: what people call it, its id on the hub, and its licence.
        method: a LoRA beside frozen weights, the same with directions and lengths apart (DoRA), a LoRA beside weights
            of 4 bits (QLoRA), or every weight.
        rank: of the adapter.
        row: tokens in a row of packed conversations; ``pace.batch`` rows are one step.
        question: what the model is asked on the way, so that the change can be seen.
    """

    base: str
    base_title: str = Field("", max_length=120)
    base_repo: str = Field("", max_length=200)
    base_licence: str = Field("", max_length=60)
    method: Method = "lora"
    rank: int = Field(8, ge=1, le=256)
    row: int = Field(256, ge=32, le=4096)
    question: str = Field("Who are you?", min_length=1, max_length=400)

    @property
    def beginning(self) -> str:
        """Folder of the model as it was before the run."""
        return self.base


class FinetuneConfig(TunedConfig):
    """A model that exists, trained further on the conversations in the run's ``examples.jsonl``.

    Attributes:
        summary_prompt: what its examples ask for a summary with, ``{text}`` in place of the text; empty for others.
    """

    data_file: ClassVar[str] = "examples.jsonl"

    kind: Literal["finetune"] = "finetune"
    summary_prompt: str = Field("", max_length=20_000)


class PreferenceConfig(TunedConfig):
    """A model that learns which of two answers is preferred, from the run's ``pairs.jsonl``.

    Attributes:
        adapter: folder of the adapter to go on with; empty to begin a new one of ``rank``.
        beta: how dear it is to move away from the model at the beginning.
    """

    data_file: ClassVar[str] = "pairs.jsonl"

    kind: Literal["preference"] = "preference"
    adapter: str = ""
    beta: float = Field(0.1, gt=0, le=10)

    @property
    def beginning(self) -> str:
        """Folder of the adapter or the model that was there before the run."""
        return self.adapter or self.base


class StyleConfig(RunConfig):
    """A diffusion model that learns how the pictures in the run's ``pictures.jsonl`` look: a LoRA beside its U-Net.

    Attributes:
        base: folder of the model, in diffusers format.
        base_title, base_licence: what people call it, and its licence.
        size: edge of its pictures, in pixels.
        rank: of the LoRA; ``pace.batch`` pictures are one step.
        prompt, sample_seed, sample_steps, guidance: of the picture that is drawn on the way.
    """

    data_file: ClassVar[str] = "pictures.jsonl"

    kind: Literal["style"] = "style"
    base: str
    base_title: str = Field("", max_length=120)
    base_licence: str = Field("", max_length=60)
    size: int = Field(ge=8, le=4096)
    rank: int = Field(8, ge=1, le=256)
    prompt: str = Field(min_length=1, max_length=400)
    sample_seed: int = Field(7, ge=0, le=2**32 - 1)
    sample_steps: int = Field(20, ge=1, le=100)
    guidance: float = Field(4.0, ge=0, le=30)


AnyConfig = ScratchConfig | FinetuneConfig | PreferenceConfig | StyleConfig
_ADAPTER: TypeAdapter[AnyConfig] = TypeAdapter(Annotated[AnyConfig, Field(discriminator="kind")])


def read_config(data: bytes) -> AnyConfig:
    """The description in a ``config.json``. Raises pydantic.ValidationError."""
    return _ADAPTER.validate_json(data)
