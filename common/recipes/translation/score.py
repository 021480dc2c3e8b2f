"""Translate the held-out sentences with the exported model, as the app would, and measure BLEU and chrF.

One set per purpose: everyday sentences, of a source that nothing is learned from and of the sources that are, captions
of photos, package descriptions; these sentence by sentence, and of packages that were held out whole. Every set and
language apart.
Source: M. Post, "A Call for Clarity in Reporting BLEU Scores" (2018), hence the signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ctranslate2
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from common.recipes.translation import vocabulary
from common.recipes.translation.batches import Direction
from common.recipes.translation.corpus import APART, LANGUAGES, WHOLE_TEXTS, Pair

SETS = {
    "everyday": "tatoeba-laser",
    "everyday, own kinds": APART,
    "captions": "multi30k-val",
    "packages": "debian-descriptions",
    "whole packages": WHOLE_TEXTS["debian-descriptions"],
}
BEAM = 3
# More sentences of a set say little more and take longer.
MOST = 600


@dataclass(frozen=True, slots=True)
class Score:
    """BLEU and chrF, both 0 to 100, of one language in one set."""

    language: str
    set: str
    sentences: int
    bleu: float
    chrf: float


@dataclass(frozen=True, slots=True)
class Report:
    """All scores of a model, how they were computed, and what it makes of the talk's own sentence."""

    direction: Direction
    scores: list[Score]
    bleu_signature: str
    chrf_signature: str
    examples: list[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Translator:
    """An exported folder and its converted twin, for whole lists of sentences."""

    def __init__(self, folder: Path, converted: Path, threads: int = 0) -> None:
        self._tokenizer = vocabulary.load(folder)
        self._engine = ctranslate2.Translator(str(converted), device="cpu", intra_threads=threads)

    def __call__(self, sentences: list[str], into: str = "en", beam: int = BEAM) -> list[str]:
        """Translate into a language; English needs no token in front."""
        prefix = [] if into == "en" else [vocabulary.language_token(into)]
        end = self._tokenizer.eos_token
        sources = [[*prefix, *self._tokenizer.tokenize(sentence), end] for sentence in sentences]
        results = self._engine.translate_batch(
            sources, beam_size=beam, max_batch_size=2048, batch_type="tokens", max_decoding_length=256
        )
        return [self._tokenizer.convert_tokens_to_string(result.hypotheses[0]) for result in results]


def measure(translator: Translator, held_out: list[Pair], direction: Direction, rule: int) -> Report:
    """Score every set and language that the held-out pairs have.

    Args:
        rule: what was held out in all of the model's training (``History.hold_out_rule``): whole texts that it has seen
            say nothing.
    """
    bleu, chrf = BLEU(), CHRF()
    scores = []
    for name, domain in SETS.items():
        if domain in WHOLE_TEXTS.values() and rule < 2:
            continue
        for language in LANGUAGES:
            pairs = _sample(pair for pair in held_out if pair.domain == domain and pair.language == language)
            if not pairs:
                continue
            sources, references, into = [p.other for p in pairs], [p.english for p in pairs], "en"
            if direction == "from-en":
                sources, references, into = references, sources, language
            translated = translator(sources, into)
            bleu_score = bleu.corpus_score(translated, [references]).score
            chrf_score = chrf.corpus_score(translated, [references]).score
            scores.append(Score(language, name, len(pairs), round(bleu_score, 1), round(chrf_score, 1)))
    return Report(
        direction, scores, str(bleu.get_signature()), str(chrf.get_signature()), _examples(translator, direction)
    )


def _sample(pairs: Iterable[Pair]) -> list[Pair]:
    """At most ``MOST`` pairs, the same ones each time."""
    return sorted(pairs, key=lambda pair: hashlib.sha256(pair.english.encode()).digest())[:MOST]


def _examples(translator: Translator, direction: Direction) -> list[tuple[str, str]]:
    if direction == "to-en":
        sources = [
            "Milujem seminár DSA",
            "Kde je najbližšia stanica?",
            "Dnes večer nemám čas.",
            "Das Wetter ist heute schön.",
            "Je voudrais un café, s'il vous plaît.",
            "Mia sorella abita a Roma.",
        ]
        return list(zip(sources, translator(sources), strict=True))
    sentences = ["I love the DSA seminar", "Where is the nearest station?", "The weather is nice today."]
    return [
        (f"{vocabulary.language_token(language)} {sentence}", translated)
        for language in LANGUAGES
        for sentence, translated in zip(sentences, translator(sentences, language), strict=True)
    ]
