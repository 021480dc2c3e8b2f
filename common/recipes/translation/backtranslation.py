"""An optional step before training to English: English sentences that nobody translated, translated by a model here.

A model from English, even a poor one, makes sources for real English sentences: a model to English that learns from
them sees odd sources, but only good targets. So the result is for ``to-en`` alone. Takes the English sentences of the
everyday domain, ``tatoeba``, in folders of pairs, and writes ``back-translated.en-LANG.tsv.xz`` for every language that
a sentence is missing in; `corpus` reads them, and takes out again what is held out.

    python -m common.recipes.translation.backtranslation --data DATA --model models/translate-from-en --into BACK

Source: R. Sennrich et al., "Improving Neural Machine Translation Models with Monolingual Data" (2016).
"""

from __future__ import annotations

import argparse
import lzma
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from common import errors
from common.recipes.translation import corpus, score
from common.recipes.translation.corpus import LANGUAGES, Pair
from common.recipes.translation.export import convert

DOMAIN = "back-translated"
# What English is taken from: other domains are of a narrow kind, and their models' languages have them already.
_FROM = "tatoeba"
# One hypothesis: a wider beam makes sources more alike without making them much better.
_BEAM = 1

Translate = Callable[[list[str], str], list[str]]


def missing(pairs: list[Pair], language: str) -> list[str]:
    """English everyday sentences that no pair has in a language, each once, in the order they come."""
    there = {corpus.key(pair.english) for pair in pairs if pair.language == language}
    wanted = {corpus.key(pair.english): pair.english for pair in pairs if pair.domain == _FROM}
    return [english for key, english in wanted.items() if key not in there]


def back_translate(english: list[str], language: str, translate: Translate) -> list[Pair]:
    """Pairs of the sentences and what a model makes of them, as far as that looks like a translation."""
    translated = translate(english, language)
    pairs = (Pair(own, other, language, DOMAIN) for own, other in zip(english, translated, strict=True))
    return [pair for pair in pairs if corpus.usable(pair)]


def write(pairs: list[Pair], folder: Path, language: str) -> None:
    """Write pairs as a file that `corpus` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with lzma.open(folder / f"{DOMAIN}.en-{language}.tsv.xz", "wt", encoding="utf-8") as file:
        file.writelines(f"{pair.english}\t{pair.other}\n" for pair in pairs)


def main(arguments: list[str] | None = None) -> None:
    """Run the step from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders with tatoeba.en-LANG.tsv(.xz)")
    parser.add_argument("--model", type=Path, required=True, help="finished model from English")
    parser.add_argument("--into", type=Path, required=True, help="folder for what is written")
    parser.add_argument("--most", type=int, help="sentences of a language; all if not given")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to ctranslate2")
    chosen = parser.parse_args(arguments)
    try:
        pairs = [pair for folder in chosen.data for pair in corpus.read(folder)]
        with tempfile.TemporaryDirectory() as place:
            convert(chosen.model, Path(place))
            translator = score.Translator(chosen.model, Path(place), chosen.threads)
            for language in LANGUAGES:
                english = missing(pairs, language)
                random.Random(0).shuffle(english)  # noqa: S311 - no secret
                made = back_translate(
                    english[: chosen.most], language, lambda texts, into: translator(texts, into, _BEAM)
                )
                write(made, chosen.into, language)
                print(f"{language}: {len(made):,} pairs", flush=True)
    except errors.DemystifyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
