"""Batches that can be asked for by number, so that an interrupted run goes on as if nothing had been.

Batch number i is drawn from a generator seeded with i alone: first a length, then sentences of about that length, as
many as fit into the token budget. So little is padding, no state has to be saved, and skipping to batch 10,000 costs
nothing. Sentences are drawn with replacement by their weight; there are no epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from common.recipes.translation import vocabulary
from common.recipes.translation.corpus import LANGUAGES, Pair, weights

Direction = Literal["to-en", "from-en"]

# Longer pairs are left out: they are few, and a batch of them would hold no more than a handful.
MAX_TOKENS = 64
# Sentences of the same bucket differ by less than this many tokens on their longer side.
_BUCKET = 4


@dataclass(frozen=True, slots=True)
class Encoded:
    """All training pairs as ids in two long arrays; sentence i is ``ids[offsets[i]:offsets[i + 1]]``.

    Attributes:
        english, other: (all tokens,) each sentence ends with the end token.
        english_offsets, other_offsets: (pairs + 1,)
        language: (pairs,) index into LANGUAGES.
        weight: (pairs,) how often to draw the pair.
    """

    english: NDArray[np.int32]
    english_offsets: NDArray[np.int64]
    other: NDArray[np.int32]
    other_offsets: NDArray[np.int64]
    language: NDArray[np.int8]
    weight: NDArray[np.float64]

    def favouring(self, factors: Mapping[str, float]) -> Encoded:
        """The same pairs, those of some languages drawn so many times as often; a factor below 1 draws them less."""
        factor = np.array([factors.get(language, 1.0) for language in LANGUAGES])
        return replace(self, weight=self.weight * factor[self.language])

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def load(cls, path: Path) -> Encoded:
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in cls.__slots__})


def encode(pairs: list[Pair], tokenizer: Path) -> Encoded:
    """Turn pairs into ids with the vocabulary in a folder."""
    english = vocabulary.encode(tokenizer, [pair.english for pair in pairs])
    other = vocabulary.encode(tokenizer, [pair.other for pair in pairs])
    return Encoded(
        *_flat(english),
        *_flat(other),
        np.array([LANGUAGES.index(pair.language) for pair in pairs], np.int8),
        np.array(weights(pairs)),
    )


def _flat(sentences: list[list[int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    offsets = np.cumsum([0, *map(len, sentences)], dtype=np.int64)
    return np.concatenate([np.array(sentence, np.int32) for sentence in sentences]), offsets


class Batches(Dataset[dict[str, torch.Tensor]]):
    """Batch i of a run: ``input_ids`` and ``attention_mask`` (B, S), ``decoder_input_ids`` and ``labels`` (B, T)."""

    def __init__(
        self, data: Encoded, direction: Direction, steps: int, tokens: int, vocabulary_size: int, seed: int = 0
    ) -> None:
        """
        Args:
            data: what to draw from.
            direction: which side is the source.
            steps: how many batches there are.
            tokens: budget of a batch, padding included, source and target together.
            vocabulary_size: its last id is padding, the ones before it are the language tokens.
            seed: another one gives other batches.
        """
        self.data, self.direction, self.steps, self.tokens, self.seed = data, direction, steps, tokens, seed
        self.padding = vocabulary_size - 1
        self.first_language = self.padding - len(LANGUAGES)
        longest = np.maximum(np.diff(data.english_offsets), np.diff(data.other_offsets))
        bucket = np.where(longest <= MAX_TOKENS, -(-longest // _BUCKET) * _BUCKET, 0)
        self.widths = [int(width) for width in np.unique(bucket) if width]
        self.buckets = [np.flatnonzero(bucket == width) for width in self.widths]
        self.cumulative = [np.cumsum(data.weight[members]) for members in self.buckets]
        # A bucket's chance: the share of all drawn *tokens* that its sentences should make up.
        mass = np.array(
            [total[-1] * longest[members].mean() for members, total in zip(self.buckets, self.cumulative, strict=True)]
        )
        self.chance = mass / mass.sum()

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        random = np.random.default_rng([self.seed, step])
        index = random.choice(len(self.buckets), p=self.chance)
        members, cumulative = self.buckets[index], self.cumulative[index]
        count = max(1, self.tokens // (2 * self.widths[index]))
        drawn = members[np.searchsorted(cumulative, random.random(count) * cumulative[-1], side="right")]
        data = self.data
        english = _padded(data.english, data.english_offsets, drawn, self.padding)
        other = _padded(data.other, data.other_offsets, drawn, self.padding)
        if self.direction == "to-en":
            source, target = other, english
        else:
            token = self.first_language + data.language[drawn].astype(np.int64)
            source, target = np.concatenate([token[:, None], english], axis=1), other
        start = np.full((count, 1), self.padding)
        return {
            "input_ids": torch.from_numpy(source),
            "attention_mask": torch.from_numpy((source != self.padding).astype(np.int64)),
            "decoder_input_ids": torch.from_numpy(np.concatenate([start, target[:, :-1]], axis=1)),
            "labels": torch.from_numpy(np.where(target == self.padding, -100, target)),
        }


def _padded(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], sentences: NDArray[np.int64], padding: int
) -> NDArray[np.int64]:
    """(B, longest of them), filled up with padding."""
    starts, ends = offsets[sentences], offsets[sentences + 1]
    rows: NDArray[np.int64] = np.full((len(sentences), int((ends - starts).max())), padding, np.int64)
    for row, start, end in zip(rows, starts, ends, strict=True):
        row[: end - start] = ids[start:end]
    return rows
