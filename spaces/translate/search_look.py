"""What the Search tab knows about one sentence: a greedy translation, the tree of a beam search, some draws."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from player_look import open_glass

from common.translation.beam import BeamTree, beam_search
from common.translation.models import TranslationModels
from common.translation.pieces import TargetTokens, source_pieces
from common.translation.samples import Drawn, draw
from common.translation.trace import Step, trace

DRAWS = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A translation: its text, its tokens' number, the log-probability of all of them together."""

    text: str
    tokens: int
    score: float

    @property
    def mean(self) -> float:
        """Log-probability per token."""
        return self.score / self.tokens


@dataclass(frozen=True, slots=True)
class Searched:
    """One sentence, searched in three ways.

    Attributes:
        tokens: names and texts of the target's tokens.
        greedy: the translation of the most probable next tokens.
        tree: the beam search.
        beams: its finished translations, the best first.
        draws: translations by chance.
        temperature: of the draws.
        seconds: how long greedy search, beam search and the draws took.
    """

    tokens: TargetTokens
    greedy: Found
    tree: BeamTree
    beams: tuple[Found, ...]
    draws: tuple[Found, ...]
    temperature: float
    seconds: tuple[float, float, float]


async def search(
    models: TranslationModels, sentence: str, source: str, target: str, beams: int, temperature: float, seed: int
) -> Searched:
    """Search in three ways.

    Raises:
        UnsupportedPair, ModelUnavailable, EmptyPrompt, NothingToTranslate, SentenceTooLong, NotSupported.
    """
    return await asyncio.to_thread(_search, models, sentence, source, target, beams, temperature, seed)


def _search(
    models: TranslationModels, sentence: str, source: str, target: str, beams: int, temperature: float, seed: int
) -> Searched:
    import time

    glass = open_glass(models, source, target)
    tokens = TargetTokens(glass.codec)
    ids = [piece.id for piece in source_pieces(glass.codec, sentence)]
    with glass.in_use():
        started = time.perf_counter()
        greedy = _greedy(tokens, glass.model, ids)
        after_greedy = time.perf_counter()
        tree = beam_search(glass.model, ids, beams)
        after_beams = time.perf_counter()
        draws = draw(glass.model, ids, DRAWS, temperature=temperature, seed=seed)
        after_draws = time.perf_counter()
    return Searched(
        tokens=tokens,
        greedy=greedy,
        tree=tree,
        beams=tuple(_found(tokens, tree.tokens(place), tree.nodes[place].score) for place in tree.finished),
        draws=tuple(_drawn(tokens, one) for one in draws),
        temperature=temperature,
        seconds=(after_greedy - started, after_beams - after_greedy, after_draws - after_beams),
    )


def _greedy(tokens: TargetTokens, model: Any, ids: Sequence[int]) -> Found:
    steps = [event for event in trace(model, ids) if isinstance(event, Step)]
    score = sum(math.log(dict(step.candidates)[step.chosen]) for step in steps)
    return _found(tokens, [step.chosen for step in steps], score)


def _drawn(tokens: TargetTokens, one: Drawn) -> Found:
    return _found(tokens, one.tokens, one.score)


def _found(tokens: TargetTokens, numbers: Sequence[int], score: float) -> Found:
    return Found(tokens.text(numbers), len(numbers), score)
