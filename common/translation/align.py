"""Which word of a translation came from which word of the source, as far as attention says.

Attention is between tokens, readers think in words. A word of the source is looked at as much as its tokens together;
a word of the translation looks as its tokens do on average. So rows that added up to 1 still do. Pure functions only.

S tokens of the source, T of the translation; W words, with a second letter for whose.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.translation.pieces import Piece

# They belong to the word that they stand in.
_INSIDE_WORDS = "'’-‐"


@dataclass(frozen=True, slots=True)
class Word:
    """Tokens that a reader sees as one word.

    Attributes:
        text: without the space in front.
        start, stop: its tokens, counted from 0; ``stop`` is the first behind it.
        control: a token that stands for no text, such as ``</s>``.
    """

    text: str
    start: int
    stop: int
    control: bool = False


def words(pieces: Sequence[Piece]) -> list[Word]:
    """Tokens joined to words; every token is in exactly one. Signs such as a full stop are words of their own."""
    starts = [place for place in range(len(pieces)) if place == 0 or _begins(pieces[place - 1], pieces[place])]
    stops = [*starts[1:], len(pieces)]
    return [
        Word("".join(piece.text for piece in pieces[start:stop]).strip(), start, stop, pieces[start].control)
        for start, stop in zip(starts, stops, strict=bool(pieces))
        if start < stop
    ]


def pick(weights: NDArray[np.float32], layer: int, head: int) -> NDArray[np.float32]:
    """One layer and head of weights (layers, heads, …); they count from 1, and 0 is the mean of all."""
    chosen = weights.mean(0) if layer == 0 else weights[layer - 1]
    found: NDArray[np.float32] = chosen.mean(0) if head == 0 else chosen[head - 1]
    return found


def by_words(weights: NDArray[np.float32], rows: Sequence[Word], columns: Sequence[Word]) -> NDArray[np.float32]:
    """Weights between tokens (T, S) as weights between words (W_T, W_S): mean over rows, sum over columns."""
    summed = np.stack([weights[:, word.start : word.stop].sum(1) for word in columns], axis=1)  # (T, W_S)
    return np.stack([summed[word.start : word.stop].mean(0) for word in rows])


def _begins(before: Piece, piece: Piece) -> bool:
    """Whether a word begins at a token."""
    if before.control or piece.control or piece.text.startswith(" "):
        return True
    if not before.text.strip():  # a space that is a token of its own belongs to what follows
        return False
    return _is_sign(before.text) != _is_sign(piece.text)


def _is_sign(text: str) -> bool:
    return all(unicodedata.category(sign)[0] in "PS" and sign not in _INSIDE_WORDS for sign in text.strip())
