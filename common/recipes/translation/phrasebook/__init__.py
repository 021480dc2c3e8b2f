"""Everyday sentences made from tables of words: where translated everyday text is scarce, a phrase book helps.

The tables (``tables/*.psv``) are this project's own: nouns, verbs, adjectives, states, places, times, and whole
sentences, in English, Slovak, Czech and Italian. The grammar is a beginner's: subject, verb, object; statement,
question and denial; now and past; "X is in Y"; things named by letters ("the ABC course"). What must not be trained
on is taken out later, by `corpus`. Knows nothing about files of pairs.

``tables/everyday/*.psv`` is another kind: thousands of whole sentences, German among them, that a large language model
wrote for this project, from themes and lists of words, and (``talk-*``) each with the construction and a word or two of
some English Tatoeba sentence, never the sentence itself. No native speaker checked them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from common.recipes.translation.phrasebook import english, italian, plan, slavic

LANGUAGES = ("sk", "cs", "it")
EVERYDAY_LANGUAGES = ("sk", "cs", "de", "it")


def sentences() -> Iterator[tuple[str, str, str]]:
    """The hand-written sentences: English, other, language."""
    for row in plan.table("sentences"):
        for language in LANGUAGES:
            yield row["en"], row[language], language


def everyday() -> Iterator[tuple[str, str, str]]:
    """The machine-written sentences: English, other, language."""
    for path in sorted((plan.TABLES / "everyday").glob("*.psv")):
        for row in plan.table(f"everyday/{path.stem}"):
            for language in EVERYDAY_LANGUAGES:
                yield row["en"], row[language], language


def phrases(count: int, seed: int = 0) -> Iterator[tuple[str, str, str]]:
    """Different phrases drawn from the tables, ``count`` draws in all: English, other, language."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    seen: set[tuple[str, str, str]] = set()
    for _ in range(count):
        phrase = plan.draw(chance)
        said = {
            "sk": slavic.say(phrase, slavic.SLOVAK),
            "cs": slavic.say(phrase, slavic.CZECH),
            "it": italian.say(phrase),
        }
        for language, other in said.items():
            if other and (triple := (english.say(phrase), other, language)) not in seen:
                seen.add(triple)
                yield triple
