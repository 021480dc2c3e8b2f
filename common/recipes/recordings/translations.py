"""Translations with every step of the decoder, from the embedded translation models."""

from __future__ import annotations

import numpy as np

from common.recordings.recording import Candidate, DecoderStep, TranslationPart
from common.translation.models import TranslationModels
from common.translation.pieces import TargetTokens, source_pieces
from common.translation.trace import Step, trace

_TOP = 5


def translation_part(models: TranslationModels, sentence: str, source: str, target: str) -> TranslationPart:
    """Translate a sentence, greedily.

    Raises:
        UnsupportedPair, ModelUnavailable, NothingToTranslate, SentenceTooLong.
    """
    glass = models.glass(source, target)
    pieces, tokens = source_pieces(glass.codec, sentence), TargetTokens(glass.codec)
    with glass.in_use():
        events = list(trace(glass.model, [piece.id for piece in pieces], top=_TOP))
    steps = [event for event in events if isinstance(event, Step)]
    return TranslationPart(
        sentence=sentence,
        source=source,
        target=target,
        pieces=tuple(piece.text for piece in pieces),
        steps=tuple(
            DecoderStep(
                id=step.chosen,
                text=tokens.piece(step.chosen).text,
                candidates=tuple(
                    Candidate(text=tokens.piece(number).text, probability=round(chance, 5))
                    for number, chance in step.candidates
                ),
                cross=tuple(int(weight) for weight in np.rint(1000 * step.cross.mean((0, 1)))),
            )
            for step in steps
        ),
        translation=tokens.text(step.chosen for step in steps),
    )
