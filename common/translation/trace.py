"""How an encoder-decoder translates, one step at a time: greedy decoding written out, with everything that can be seen.

Three parts, in the order of the work:

1. `encode`: the encoder reads the whole sentence **once** and gives one vector per token.
2. `remember_source`: every decoder layer turns these vectors into the keys and values of its cross-attention, **once**.
3. `step`: the decoder reads **one** token, looks back at its own tokens (self-attention) and over at the source
   (cross-attention), and gives a probability to every token of the vocabulary. This is what is done again and again.

`trace` puts them together: it begins with the start token, takes the most probable token at every step (greedy search),
feeds it back in, and ends at the end token. At any step another token can be forced; the steps after it are decoded
anew from there, just as if the model had chosen it.

Written for Marian models (Junczys-Dowmunt et al. 2018), whose layers transformers names as below. Gives the same tokens
and attentions as ``generate(num_beams=1)``. Knows nothing about pages, languages or where the model comes from.

S tokens of the source, d numbers per token, V tokens in the vocabulary, t tokens that the decoder has read so far.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common import errors
from common.errors import Phrase

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import EncoderDecoderCache, MarianMTModel

# What can still be looked at on a page: a long sentence has about 40 tokens.
MAX_SOURCE_TOKENS = 64
# A weak model may repeat itself without end.
MAX_STEPS = 80
TOP = 8


@dataclass(frozen=True, slots=True)
class Encoding:
    """What is computed once.

    Attributes:
        ids: the source's tokens.
        vectors: what the encoder gives: (S, d).
        encoder_seconds: time of the encoder.
        memory_seconds: time of the cross-attention's keys and values, all layers together.
    """

    ids: tuple[int, ...]
    vectors: NDArray[np.float32]
    encoder_seconds: float
    memory_seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """What is computed at every step.

    Attributes:
        read: the token that the decoder read: the start token at first, then the one chosen before.
        cross: how much each head looks at each token of the source: (layers, heads, S), rows add up to 1.
        own: how much each head looks at the decoder's own tokens: (layers, heads, t), rows add up to 1.
        candidates: the most probable next tokens as (id, probability), the best first; a forced one is always there.
        best: the model's own choice.
        chosen: the token taken: ``best``, or the forced one.
        seconds: time of this step.
    """

    read: int
    cross: NDArray[np.float32]
    own: NDArray[np.float32]
    candidates: tuple[tuple[int, float], ...]
    best: int
    chosen: int
    seconds: float

    @property
    def forced(self) -> bool:
        """Whether the token is not the model's own choice."""
        return self.chosen != self.best


def trace(
    model: MarianMTModel,
    source: Sequence[int],
    *,
    forced: Mapping[int, int] | None = None,
    limit: int = MAX_STEPS,
    top: int = TOP,
) -> Iterator[Encoding | Step]:
    """Translate a sentence, giving everything on the way: one Encoding, then one Step per token.

    The last step chooses the end token, or is number ``limit``.

    Args:
        model: loaded with ``attn_implementation="eager"``; fast attention never has the weights in one piece.
        source: token ids with the end token, and the language token in front where the model takes one.
        forced: token ids by step, counted from 0, to take instead of the model's choice.
        limit: most steps.
        top: candidates to show at each step.

    Raises:
        SentenceTooLong: more than ``MAX_SOURCE_TOKENS`` tokens, or more than the model has positions for.
        EmptyPrompt: no tokens.
        InvalidInput: a forced token that the model does not have or never writes, or a step that does not come.
    """
    from transformers import DynamicCache, EncoderDecoderCache

    if model.config._attn_implementation != "eager":
        raise ValueError("load the model with attn_implementation='eager' to see its attention")
    forced = dict(forced or {})
    check_source(model, source)
    _check_forced(model, forced)

    started = time.perf_counter()
    vectors = encode(model, source)  # (1, S, d)
    encoded = time.perf_counter()
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    remember_source(model, vectors, cache)
    remembered = time.perf_counter()
    yield Encoding(tuple(source), vectors[0].float().cpu().numpy(), encoded - started, remembered - encoded)

    read = int(model.config.decoder_start_token_id)
    places = int(model.config.max_position_embeddings)
    for number in range(min(limit, places)):
        started = time.perf_counter()
        logits, cross, own = step(model, read, vectors, cache)
        probabilities = logits.softmax(-1)  # (V,)
        allowed = _without(logits, never_written(model))
        best = int(allowed.argmax())
        chosen = forced.pop(number, best)
        likely = [int(token) for token in allowed.topk(min(top, len(allowed))).indices]
        if chosen not in likely:
            likely[-1] = chosen
        seconds = time.perf_counter() - started
        yield Step(
            read=read,
            cross=cross,
            own=own,
            candidates=tuple((token, float(probabilities[token])) for token in likely),
            best=best,
            chosen=chosen,
            seconds=seconds,
        )
        if chosen == model.config.eos_token_id:
            break
        read = chosen
    if forced:
        raise errors.InvalidInput(field="force", allowed=Phrase("tokens_at_steps"))


def encode(model: MarianMTModel, source: Sequence[int]) -> Tensor:
    """The encoder: all tokens of the source at once, each looking at all others, to one vector each: (1, S, d)."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([list(source)], device=model.device)  # (1, S)
        vectors: Tensor = model.model.encoder(input_ids=ids).last_hidden_state
    return vectors


def encoder_attention(model: MarianMTModel, source: Sequence[int]) -> NDArray[np.float32]:
    """How much each token of the source looks at each other one: (layers, heads, S, S), rows add up to 1.

    Raises:
        EmptyPrompt, SentenceTooLong: as ``trace``.
    """
    import torch

    check_source(model, source)
    with torch.inference_mode():
        ids = torch.tensor([list(source)], device=model.device)  # (1, S)
        layers = model.model.encoder(input_ids=ids, output_attentions=True).attentions
    return np.stack([layer[0].float().cpu().numpy() for layer in layers])


def remember_source(model: MarianMTModel, vectors: Tensor, cache: EncoderDecoderCache) -> None:
    """The cross-attention's keys and values of every decoder layer, into the cache: they never change afterwards.

    Args:
        vectors: from the encoder: (1, S, d).
    """
    import torch

    with torch.inference_mode():
        for index, layer in enumerate(model.model.decoder.layers):
            attention = layer.encoder_attn
            shape = (*vectors.shape[:2], attention.num_heads, attention.head_dim)
            keys = attention.k_proj(vectors).view(shape).transpose(1, 2)  # (1, heads, S, d / heads)
            values = attention.v_proj(vectors).view(shape).transpose(1, 2)
            cache.cross_attention_cache.update(keys, values, index)
            cache.is_updated[index] = True  # tells the layer to take these instead of computing its own


def step(
    model: MarianMTModel, read: int, vectors: Tensor, cache: EncoderDecoderCache
) -> tuple[Tensor, NDArray[np.float32], NDArray[np.float32]]:
    """The decoder reads one token. Keys and values of the tokens before are in the cache, and this one's are added.

    Args:
        read: the token.
        vectors: from the encoder: (1, S, d); their keys and values are in the cache already.

    Returns:
        Logits of the next token (V,), cross-attention (layers, heads, S), self-attention (layers, heads, t).
    """
    import torch

    with torch.inference_mode():
        output = model.model.decoder(
            input_ids=torch.tensor([[read]], device=model.device),
            encoder_hidden_states=vectors,
            past_key_values=cache,
            use_cache=True,
            output_attentions=True,
        )
        state = output.last_hidden_state[0, -1]  # (d,)
        logits = (model.lm_head(state) + model.final_logits_bias[0]).float()  # (V,)
    return logits, _weights(output.cross_attentions), _weights(output.attentions)


def never_written(model: MarianMTModel) -> list[int]:
    """Tokens that a translation must not contain: the model's ``bad_words_ids``, in Marian models the padding."""
    banned: list[list[int]] = model.generation_config.bad_words_ids or []
    return [word[0] for word in banned if len(word) == 1]


def _without(logits: Tensor, banned: Sequence[int]) -> Tensor:
    allowed = logits.clone()
    allowed[list(banned)] = -float("inf")
    return allowed


def _weights(layers: Sequence[Tensor]) -> NDArray[np.float32]:
    """The weights of the one token that was read: layers of (1, heads, 1, keys) to (layers, heads, keys)."""
    return np.stack([layer[0, :, -1].float().cpu().numpy() for layer in layers])


def check_source(model: MarianMTModel, source: Sequence[int]) -> None:
    """Raises EmptyPrompt, and SentenceTooLong where there is more than can be shown or the model can read."""
    if not source:
        raise errors.EmptyPrompt()
    most = min(MAX_SOURCE_TOKENS, int(model.config.max_position_embeddings))
    if len(source) > most:
        raise errors.SentenceTooLong(tokens=len(source), limit=most)


def _check_forced(model: MarianMTModel, forced: Mapping[int, int]) -> None:
    words = range(model.lm_head.out_features)
    banned = never_written(model)
    if any(number < 0 or token not in words or token in banned for number, token in forced.items()):
        raise errors.InvalidInput(field="force", allowed=Phrase("tokens_at_steps"))
