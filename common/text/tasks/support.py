"""Which sentences of the source a summary rests on, and which of its words the source does not have at all.

Lexical: sentences are compared by the stems of the words that carry meaning, a rare word weighing more than one that
stands in many sentences. For each sentence of a summary, source sentences are taken greedily, each time the one that
covers most of what is still uncovered. It sees words, not meaning: a synonym looks unsupported, and a sentence that
says the contrary with the same words looks supported.

Source: the greedy choice is the one of Nallapati et al. 2017, *SummaRuNNer* (arXiv:1611.04230); the weights are the
inverse document frequency of Spärck Jones 1972.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from common.text.tasks.wording import Wording, wording_of

# A sentence counts as supported from this share of its words (by weight).
ENOUGH = 0.5
_MOST_SOURCES = 3
# A further source sentence must cover at least this much more.
_WORTH_IT = 0.12
_PIECE = re.compile(r"([^\W_]+)")


@dataclass(frozen=True, slots=True)
class Support:
    """What one sentence of a summary rests on.

    Attributes:
        sentence: the sentence.
        sources: places of source sentences, the strongest first; empty when none shares enough.
        covered: share of its words, by weight, that stand in those sources; 0 to 1.
        pieces: the sentence cut into (text, known): known is False for words that the whole source does not have.
    """

    sentence: str
    sources: tuple[int, ...]
    covered: float
    pieces: tuple[tuple[str, bool], ...]

    @property
    def supported(self) -> bool:
        """Whether enough of it stands in the sources."""
        return bool(self.sources) and self.covered >= ENOUGH


def find_support(summary: Sequence[str], source: Sequence[str], wording: Wording | None = None) -> list[Support]:
    """For every sentence of a summary, the source sentences that support it.

    Args:
        summary: its sentences.
        source: the sentences or turns of the text.
        wording: how words are compared; that of the source's language by default.
    """
    words = wording or wording_of(" ".join(source))
    stems = [set(words.content(unit)) for unit in source]
    spread = Counter(stem for found in stems for stem in found)

    def weight(stem: str) -> float:
        return math.log(1 + len(source) / (spread[stem] or 1))

    found: list[Support] = []
    for sentence in summary:
        wanted = {stem: weight(stem) for stem in words.content(sentence)}
        total = sum(wanted.values())
        left, sources = set(wanted), list[int]()
        while total and len(sources) < _MOST_SOURCES:
            gains = [sum(wanted[stem] for stem in left & unit) for unit in stems]
            best = max(range(len(gains)), key=gains.__getitem__, default=-1)
            if best < 0 or gains[best] < _WORTH_IT * total:
                break
            sources.append(best)
            left -= stems[best]
        covered = sum(wanted[stem] for stem in wanted if stem not in left) / total if total else 0.0
        found.append(Support(sentence, tuple(sources), covered, _pieces(sentence, words, spread)))
    return found


def _pieces(sentence: str, wording: Wording, known: Counter[str]) -> tuple[tuple[str, bool], ...]:
    """The sentence in pieces; words that carry meaning and that the source never has are marked."""
    marked: list[tuple[str, bool]] = []
    for piece in _PIECE.split(sentence):
        stems = wording.content(piece)
        fine = all(stem in known for stem in stems)
        if marked and marked[-1][1] == fine:
            marked[-1] = (marked[-1][0] + piece, fine)
        elif piece:
            marked.append((piece, fine))
    return tuple(marked)
