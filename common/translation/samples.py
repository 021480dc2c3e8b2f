"""Translations by chance: at every step the next token is drawn by its probability, instead of taking the best one.

A temperature below 1 makes probable tokens more probable, above 1 less. Several translations are drawn side by side.
Knows nothing about pages.

N translations, S tokens of the source, d numbers per token, V tokens in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.translation.trace import MAX_STEPS, check_source, encode, never_written, remember_source

if TYPE_CHECKING:
    from transformers import MarianMTModel


@dataclass(frozen=True, slots=True)
class Drawn:
    """One translation.

    Attributes:
        tokens: its tokens, the end token included unless the limit of steps came first.
        score: log-probability of all its tokens together, as the model gives it (temperature 1).
    """

    tokens: tuple[int, ...]
    score: float


def draw(
    model: MarianMTModel,
    source: Sequence[int],
    count: int,
    *,
    temperature: float,
    seed: int,
    limit: int = MAX_STEPS,
) -> list[Drawn]:
    """Draw ``count`` translations; the same seed gives the same ones.

    Args:
        source: token ids with the end token, and the language token in front where the model takes one.
        temperature: above 0.

    Raises:
        SentenceTooLong, EmptyPrompt.
    """
    import torch
    from transformers import DynamicCache, EncoderDecoderCache

    check_source(model, source)
    end = model.config.eos_token_id
    chance = torch.Generator().manual_seed(seed)
    tokens: list[list[int]] = [[] for _ in range(count)]
    scores = torch.zeros(count)
    with torch.inference_mode():
        vectors = encode(model, source).expand(count, -1, -1)  # (N, S, d)
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        remember_source(model, vectors, cache)
        read = torch.full((count, 1), int(model.config.decoder_start_token_id))
        for _ in range(min(limit, int(model.config.max_position_embeddings))):
            output = model.model.decoder(
                input_ids=read.to(model.device), encoder_hidden_states=vectors, past_key_values=cache, use_cache=True
            )
            logits = (model.lm_head(output.last_hidden_state[:, -1]) + model.final_logits_bias).float().cpu()  # (N, V)
            log_chances = logits.log_softmax(-1)
            logits[:, never_written(model)] = -float("inf")
            read = torch.multinomial((logits / temperature).softmax(-1), 1, generator=chance)  # (N, 1)
            for row, token in enumerate(read[:, 0].tolist()):
                if tokens[row][-1:] != [end]:  # what is drawn behind an end token belongs to no translation
                    tokens[row].append(token)
                    scores[row] += log_chances[row, token]
            if all(one[-1] == end for one in tokens):
                break
    return [Drawn(tuple(one), float(score)) for one, score in zip(tokens, scores, strict=True)]
