"""From a few numbers to a transformer: its Hugging Face config, and what it will weigh, without building it.

Source: Touvron et al. 2023 (arXiv:2302.13971) for llama; Radford et al. 2019 for gpt2; Kaplan et al. 2020
(arXiv:2001.08361) for 6 FLOPs per parameter and token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common import errors
from common.errors import Phrase
from common.training.config import Shape

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_SWIGLU = 8 / 3  # a gated layer has three matrices: two thirds of four times the width cost the same as gpt2's two
_BYTES_TO_TRAIN = 16  # fp32: weight, gradient, and two moments of AdamW


def check(shape: Shape) -> None:
    """Raises ImpossibleShape: the heads do not share the width evenly."""
    if shape.width % shape.heads:
        raise errors.ImpossibleShape(heads=shape.heads, reason=Phrase("heads_share", width=shape.width))
    if shape.architecture == "llama" and shape.width // shape.heads % 2:  # rotary positions turn numbers in pairs
        raise errors.ImpossibleShape(heads=shape.heads, reason=Phrase("heads_even", width=shape.width))


def inner_width(shape: Shape) -> int:
    """Width inside the feed-forward layers."""
    return round(_SWIGLU * shape.width / 8) * 8 if shape.architecture == "llama" else 4 * shape.width


def parameters(shape: Shape, vocabulary: int) -> int:
    """How many numbers are learned; input and output embeddings are one matrix."""
    width, inner = shape.width, inner_width(shape)
    if shape.architecture == "llama":
        layer = 4 * width * width + 3 * width * inner + 2 * width
        return vocabulary * width + shape.layers * layer + width
    layer = (4 * width * width + 4 * width) + (2 * width * inner + inner + width) + 4 * width
    return (vocabulary + shape.context) * width + shape.layers * layer + 2 * width


def memory_bytes(shape: Shape, vocabulary: int, batch: int) -> int:
    """Memory of a training step in fp32: weights, gradients, AdamW's moments, and what the backward pass needs.

    Of each layer and token the backward pass keeps about 16 vectors of the width and 5 of the inner width, and of the
    last layer the scores of the whole vocabulary three times over (scores, their log-softmax, their gradient).
    """
    tokens = batch * shape.context
    kept = tokens * (shape.layers * (16 * shape.width + 5 * inner_width(shape)) + 3 * vocabulary)
    return _BYTES_TO_TRAIN * parameters(shape, vocabulary) + 4 * kept


def flops_per_token(shape: Shape, vocabulary: int) -> float:
    """Floating-point operations to learn from one token: 6 for every parameter, and attention's share."""
    return 6.0 * parameters(shape, vocabulary) + 12.0 * shape.layers * shape.width * shape.context


def blocks(model: Any) -> list[Any]:
    """The layers of a model of ``hf_config``, in order."""
    return list(model.model.layers if hasattr(model, "model") else model.transformer.h)


def hf_config(shape: Shape, vocabulary: int, end: int) -> PretrainedConfig:
    """The config for transformers; ``end`` is the id of the end-of-text token. Raises ImpossibleShape."""
    from transformers import GPT2Config, LlamaConfig

    check(shape)
    if shape.architecture == "llama":
        return LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=shape.width,
            intermediate_size=inner_width(shape),
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            max_position_embeddings=shape.context,
            tie_word_embeddings=True,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
        )
    return GPT2Config(
        vocab_size=vocabulary,
        n_embd=shape.width,
        n_inner=inner_width(shape),
        n_layer=shape.layers,
        n_head=shape.heads,
        n_positions=shape.context,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
