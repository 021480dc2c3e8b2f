"""What the Alignment tab knows about one sentence: its words, its translation's words, and both kinds of attention."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from player_look import open_glass

from common.translation.align import Word, words
from common.translation.models import TranslationModels
from common.translation.pieces import Piece, TargetTokens, source_pieces
from common.translation.trace import Step, encoder_attention, trace


@dataclass(frozen=True, slots=True)
class Aligned:
    """One sentence and its greedy translation.

    Attributes:
        languages: of the sentence and of its translation.
        text: the translation.
        written: ids of the translation's tokens, T of them.
        pieces: the source's tokens, S of them.
        source, target: words of both; those of the translation end with the end token.
        cross: decoder over source: (layers, heads, T, S).
        own: the source's tokens over each other: (layers, heads, S, S).
    """

    languages: tuple[str, str]
    text: str
    written: tuple[int, ...]
    pieces: tuple[Piece, ...]
    source: tuple[Word, ...]
    target: tuple[Word, ...]
    cross: NDArray[np.float32]
    own: NDArray[np.float32]


async def align(models: TranslationModels, sentence: str, source: str, target: str) -> Aligned:
    """Translate a sentence and keep where the model looked.

    Raises:
        UnsupportedPair, ModelUnavailable, EmptyPrompt, NothingToTranslate, SentenceTooLong,
        NotSupported: the model is no Marian model.
    """
    glass = await asyncio.to_thread(open_glass, models, source, target)
    pieces, tokens = tuple(source_pieces(glass.codec, sentence)), TargetTokens(glass.codec)

    def work() -> Aligned:
        ids = [piece.id for piece in pieces]
        with glass.in_use():
            steps = [event for event in trace(glass.model, ids) if isinstance(event, Step)]
            own = encoder_attention(glass.model, ids)
        written = tuple(step.chosen for step in steps)
        said = [tokens.piece(token) for token in written]
        cross = np.stack([step.cross for step in steps], axis=2)
        return Aligned(
            (source, target),
            tokens.text(written),
            written,
            pieces,
            tuple(words(pieces)),
            tuple(words(said)),
            cross,
            own,
        )

    return await asyncio.to_thread(work)
