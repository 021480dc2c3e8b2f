"""The glass box: what a model computes on the way to its next token, as arrays.

Pure functions on a model and token ids, run where the model is (in its own process); pages ask for them through an
engine's ``GlassBox`` methods. They leave the model as they found it and know nothing about requests or pages.

T tokens, V tokens in the vocabulary, d numbers per token (the width of the model).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import DynamicCache

from common import errors
from common.errors import Phrase
from common.text.attention_heads import link

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Attentions grow with the square of the length: 30 layers of 9 heads over 128 tokens are 18 MB, over 512 tokens 283 MB.
# All of them are handed out up to the shorter length; one layer at a time, up to the longer one.
MAX_ATTENTION_TOKENS = 128
MAX_LAYER_TOKENS = 512
# Hidden states of a model of 4 billion parameters over 512 tokens are 194 MB.
MAX_HIDDEN_TOKENS = 512
# Logits of a vocabulary of 150,000 for this many places are 77 MB; longer texts are computed piece by piece.
_LOGIT_TOKENS = 128

Top = list[tuple[int, float]]


def _batch(model: PreTrainedModel, ids: Sequence[int], limit: int) -> Tensor:
    """One text as the model takes it: (1, T). Raises EmptyPrompt, PromptTooLong, InvalidInput."""
    if not ids:
        raise errors.EmptyPrompt()
    if len(ids) > limit:
        raise errors.PromptTooLong(tokens=len(ids), limit=limit)
    size: int = model.config.get_text_config().vocab_size
    if not all(0 <= token_id < size for token_id in ids):
        raise errors.InvalidInput(field="ids", allowed=Phrase("token_numbers_to", maximum=size - 1))
    return torch.tensor([list(ids)], device=model.device)


def _longest(model: PreTrainedModel) -> int:
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", 1 << 20))


@torch.inference_mode()
def next_logits(model: PreTrainedModel, ids: Sequence[int]) -> NDArray[np.float32]:
    """Logits for the token after ``ids``: (V,)."""
    batch = _batch(model, ids, _longest(model))
    return _array(model(input_ids=batch, logits_to_keep=1).logits[0, -1])


@torch.inference_mode()
def candidates(model: PreTrainedModel, ids: Sequence[int], start: int, top: int) -> list[Top]:
    """The most probable tokens at each place from ``start`` on, and after the end: T - start + 1 lists of (id, p).

    A model gives no probabilities for the first token of a text, since nothing stands before it: that list is empty.
    """
    batch = _batch(model, ids, _longest(model))
    if not 0 <= start <= len(ids):
        raise errors.InvalidInput(field="start", allowed=Phrase("whole_between", minimum=0, maximum=len(ids)))
    found: list[Top] = [[]] if start == 0 else []
    cache = DynamicCache(config=model.config)
    for place, piece in zip(range(0, len(ids), _LOGIT_TOKENS), torch.split(batch, _LOGIT_TOKENS, dim=1), strict=True):
        # The logits at place i are about place i + 1: the first ones wanted are those at start - 1.
        wanted = min(piece.shape[1], place + piece.shape[1] - (start - 1))
        logits = model(input_ids=piece, past_key_values=cache, logits_to_keep=max(wanted, 1)).logits[0]
        if wanted > 0:  # (wanted, V)
            found += _top(logits, top)
    return found


@torch.inference_mode()
def attentions(model: PreTrainedModel, ids: Sequence[int]) -> NDArray[np.float32]:
    """How much each token looks at each earlier one: (layers, heads, T, T), rows add up to 1.

    Raises:
        PromptTooLong: more than ``MAX_ATTENTION_TOKENS``.
    """
    return np.stack([_weights(layer) for layer in _attention_layers(model, ids, MAX_ATTENTION_TOKENS)])


@torch.inference_mode()
def attention(model: PreTrainedModel, ids: Sequence[int], layer: int, head: int | None = None) -> NDArray[np.float32]:
    """The attention of one head, or the mean over a layer's heads: (T, T), rows add up to 1.

    Args:
        layer, head: counted from 0.

    Raises:
        PromptTooLong: more than ``MAX_LAYER_TOKENS``.
    """
    layers = _attention_layers(model, ids, MAX_LAYER_TOKENS)
    _check_index("layer", layer, len(layers))
    weights = _weights(layers[layer])
    if head is None:
        return np.asarray(weights.mean(0))
    _check_index("head", head, len(weights))
    return np.asarray(weights[head])


@torch.inference_mode()
def attention_links(
    model: PreTrainedModel, ids: Sequence[int], links: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """How much each head looks from one token at another, and how much was to be expected.

    Args:
        links: (the token that looks, the token it looks at), places in ``ids``.

    Returns:
        (links, layers, heads, 2): see ``attention_heads.link``.

    Raises:
        PromptTooLong: more than ``MAX_LAYER_TOKENS``.
    """
    found = []
    for layer in _attention_layers(model, ids, MAX_LAYER_TOKENS):
        weights = _weights(layer)
        found.append(np.stack([link(weights, source, target) for source, target in links]))  # (links, heads, 2)
    return np.stack(found, axis=1).astype(np.float32)


def _check_index(field: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise errors.InvalidInput(field=field, allowed=Phrase("whole_between", minimum=0, maximum=count - 1))


def _attention_layers(model: PreTrainedModel, ids: Sequence[int], limit: int) -> list[Tensor]:
    """The model's own weights, one (1, heads, T, T) per layer."""
    batch = _batch(model, ids, limit)
    with _attention_weights_kept(model):
        output = model(input_ids=batch, output_attentions=True, use_cache=False, logits_to_keep=1)
    return list(output.attentions)


def _weights(layer: Tensor) -> NDArray[np.float32]:
    """(heads, T, T) with rows that add up to 1: rounding to 8 bits (bfloat16) leaves the sums off by 1 %."""
    weights = layer[0].float()
    return _array(weights / weights.sum(-1, keepdim=True))


@contextmanager
def _attention_weights_kept(model: PreTrainedModel) -> Iterator[None]:
    """Fast attention never has the weights in one piece; the eager kind does, and is switched on for one call."""
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


@torch.inference_mode()
def hidden_states(model: PreTrainedModel, ids: Sequence[int]) -> NDArray[np.float32]:
    """What each layer hands on: (layers + 1, T, d).

    The first entry is the embedding; the last has passed the final normalization already, as transformers gives it.

    Raises:
        PromptTooLong: more than ``MAX_HIDDEN_TOKENS``.
    """
    return _array(_layers(model, ids))


def _layers(model: PreTrainedModel, ids: Sequence[int]) -> Tensor:
    batch = _batch(model, ids, MAX_HIDDEN_TOKENS)
    output = model(input_ids=batch, output_hidden_states=True, use_cache=False, logits_to_keep=1)
    return torch.cat(list(output.hidden_states))  # each (1, T, d)


@torch.inference_mode()
def logit_lens(model: PreTrainedModel, ids: Sequence[int], positions: Sequence[int], top: int) -> list[list[Top]]:
    """What the model would say if it stopped after each layer: (layers + 1) lists of one list of (id, p) per position.

    The hidden state goes through the final normalization and the output layer as if it were the last.

    Args:
        positions: places in ``ids``, negative ones counted from the end.

    Raises:
        NotSupported: an architecture whose final normalization is not known here.

    Source: nostalgebraist 2020, *interpreting GPT: the logit lens*.
    """
    layers = _layers(model, ids)  # (layers + 1, T, d)
    if not all(-len(ids) <= place < len(ids) for place in positions):
        raise errors.InvalidInput(
            field="positions", allowed=Phrase("whole_between", minimum=-len(ids), maximum=len(ids) - 1)
        )
    normalize, unembed = _final_norm(model), model.get_output_embeddings()  # type: ignore[no-untyped-call]
    states = layers[:, list(positions)]  # (layers + 1, positions, d)
    states = torch.cat([normalize(states[:-1]), states[-1:]])  # the last one is normalized already
    return [_top(unembed(state), top) for state in states]  # each (positions, V)


def _final_norm(model: PreTrainedModel) -> nn.Module:
    """The normalization before the output layer; architectures name it differently."""
    for name in ("norm", "ln_f", "final_layernorm", "final_layer_norm"):
        if isinstance(module := getattr(model.base_model, name, None), nn.Module):
            return module
    raise errors.NotSupported(what=Phrase("logit_lens", architecture=model.config.model_type))


def _top(logits: Tensor, top: int) -> list[Top]:
    """The most probable tokens of each row, the best first: (places, V) to lists of (id, p)."""
    best = logits.float().softmax(-1).topk(min(top, logits.shape[-1]), dim=-1)  # values and ids: (places, top)
    return [list(zip(*row, strict=True)) for row in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def _array(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()
