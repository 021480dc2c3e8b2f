"""How the embedded tokenizers were made: two byte-level BPE vocabularies of the same size from different languages.

``python -m common.recipes.tokenizer --data FOLDER``, a folder of tab-separated translation pairs, ``NAME.en-LANG.tsv``
(or ``.tsv.xz``) with one ``English<TAB>other`` pair per line. Writes ``models/tokenizer-*`` with a model card, in about
half a minute; the same data gives the same files, byte for byte.

Both see the same amount of text and cut it into words by the same rule, so that what a visitor sees differ between
them is the languages alone.
"""

from __future__ import annotations

import argparse
import lzma
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common import errors
from common.text.tokens import LibraryTokenizer, Tokenizer, count, words

if TYPE_CHECKING:
    import tokenizers

LANGUAGES = ("en", "de", "fr", "it", "cs", "sk")
SIZE = 8000
END_OF_TEXT = "<|endoftext|>"
# What is learned from, and where it comes from.
SOURCES = {
    "tatoeba": "Tatoeba sentence pairs of tatoeba.org, by manythings.org/anki (CC BY 2.0 FR)",
    "multi30k-train": "Multi30k, captions of Flickr30k pictures (no licence stated; cite Elliott et al. 2016)",
    "libreoffice-help": "LibreOffice 7.4 help pages (MPL-2.0)",
    "debian-descriptions": "package descriptions of Debian 12 and their translations (Debian main, no single licence)",
}
# Everyday sentences in every language: what the tokenizers are measured on, and so never learn from.
HELD_OUT = "tatoeba-laser"
_ROOT = Path(__file__).resolve().parents[2]

Texts = dict[str, list[str]]  # sentences by source


@dataclass(frozen=True, slots=True)
class Recipe:
    """One tokenizer: its name, the languages it learns from in equal parts, and what its card warns of."""

    name: str
    title: str
    languages: tuple[str, ...]
    limits: str


RECIPES = (
    Recipe(
        "tokenizer-european-8k",
        "European 8k",
        LANGUAGES,
        "Italian, Czech and Slovak are for the most part help pages and package descriptions here, so everyday words\n"
        "of theirs are cut up more than they need be. Other languages and code fall apart.",
    ),
    Recipe(
        "tokenizer-english-8k",
        "English 8k",
        ("en",),
        "Other languages and code fall apart into short pieces and bytes: that is what it shows.",
    ),
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read: ``training`` sentences by language and source, ``held_out`` pairs (English, other) by language."""

    training: dict[str, Texts]
    held_out: dict[str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Measure:
    """A tokenizer on held-out text of one language; ``ratio`` is its tokens over those of the same text in English."""

    characters_per_token: float
    tokens_per_word: float
    ratio: float


def read(folder: Path) -> Corpus:
    """Read the pairs of the sources; no sentence that is held out stays among the others.

    Raises:
        InvalidFile: a file is missing, or has a line that is no pair.
    """
    held_out: dict[str, list[tuple[str, str]]] = {}
    training: dict[str, dict[str, dict[str, None]]] = {}  # dicts without values: sets that keep their order
    for path in sorted(folder.glob("*.en-*.tsv*")):
        source, _, rest = path.name.partition(".en-")
        language = rest.split(".")[0]
        if language not in LANGUAGES or source not in (*SOURCES, HELD_OUT):
            continue
        pairs = _pairs(path)
        if source == HELD_OUT:
            held_out[language] = pairs
            continue
        for english, other in pairs:
            training.setdefault("en", {}).setdefault(source, {})[english] = None
            training.setdefault(language, {}).setdefault(source, {})[other] = None
    for language in LANGUAGES:
        if language not in training or (language != "en" and language not in held_out):
            raise errors.InvalidFile(reason=f"{folder} has no pairs for {language}, or no {HELD_OUT}.en-{language}.tsv")
    kept_back = {sentence for pairs in held_out.values() for pair in pairs for sentence in pair}
    cleaned = {
        language: {source: [text for text in texts if text not in kept_back] for source, texts in by_source.items()}
        for language, by_source in training.items()
    }
    return Corpus(cleaned, held_out)


def _pairs(path: Path) -> list[tuple[str, str]]:
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        pairs = [tuple(line.rstrip("\n").split("\t")) for line in file]
    if any(len(pair) != 2 for pair in pairs):
        raise errors.InvalidFile(reason=f"{path.name} has a line that is no pair")
    return pairs  # type: ignore[return-value]  # checked above


def balanced(texts: Mapping[str, Sequence[str]], characters: int) -> list[str]:
    """About so many characters, the same from every source; what a small source lacks, the larger ones give.

    Which sentences are taken is decided by their checksums: neither by chance nor by their order in the file.
    """
    taken: list[str] = []
    left = characters
    smallest_first = sorted(texts.items(), key=lambda item: (sum(map(len, item[1])), item[0]))
    for place, (_, sentences) in enumerate(smallest_first):
        share = left // (len(smallest_first) - place)
        used = 0
        for sentence in sorted(sentences, key=lambda text: (zlib.crc32(text.encode()), text)):
            if used + len(sentence) > share:
                break
            taken.append(sentence)
            used += len(sentence)
        left -= used
    return taken


def mixtures(corpus: Corpus) -> dict[str, list[str]]:
    """The training text of every recipe: as much of each language as there is of the rarest, and in all the same."""
    available = {
        language: sum(len(text) for texts in by_source.values() for text in texts)
        for language, by_source in corpus.training.items()
    }
    each = min(available[language] for language in LANGUAGES)
    total = min(each * len(LANGUAGES), available["en"])
    return {
        recipe.name: [
            sentence
            for language in recipe.languages
            for sentence in balanced(corpus.training[language], total // len(recipe.languages))
        ]
        for recipe in RECIPES
    }


def train(sentences: Iterable[str], size: int = SIZE) -> tokenizers.Tokenizer:
    """Learn a byte-level BPE vocabulary. Words are cut as in GPT-2; nothing is rewritten, so every text comes back.

    Source: Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.2.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # all 256 bytes, whether they occur or not
        show_progress=False,
    )
    backend.train_from_iterator(sentences, trainer)
    return backend


def measure(tokenizer: Tokenizer, held_out: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Measure]:
    """How a tokenizer does on text it has not seen, by language; English is measured on all English sides."""
    found: dict[str, Measure] = {}
    english_sides = list(dict.fromkeys(english for pairs in held_out.values() for english, _ in pairs))
    for language in LANGUAGES:
        pairs = [(text, text) for text in english_sides] if language == "en" else held_out[language]
        tokens = sum(count(tokenizer, other) for _, other in pairs)
        found[language] = Measure(
            characters_per_token=sum(len(other) for _, other in pairs) / tokens,
            tokens_per_word=tokens / sum(words(other) for _, other in pairs),
            ratio=tokens / sum(count(tokenizer, english) for english, _ in pairs),
        )
    return found


def card(recipe: Recipe, size: int, characters: int, measures: Mapping[str, Mapping[str, Measure]]) -> str:
    """The model card: what it is, what it has seen, how it does beside the others."""
    letters = 256 + 1  # the bytes and the end of text; every other token is a merge of two
    languages = ", ".join(recipe.languages)
    sources = "\n".join(f"- {name}: {where}" for name, where in SOURCES.items())
    rows = "\n".join(
        f"| {title} | {language} | {found.characters_per_token:.2f} | {found.tokens_per_word:.2f} | {found.ratio:.2f} |"
        for title, by_language in measures.items()
        for language, found in by_language.items()
    )
    header = "---\n" + f"license: apache-2.0\nlanguage: [{languages}]\nlibrary_name: tokenizers\n" + "---\n"
    return f"""{header}
# {recipe.title}: a tokenizer to compare with

Byte-level BPE, {size:,} tokens (256 bytes, `{END_OF_TEXT}`, and {size - letters:,} merges), learned from
{characters / 1e6:.1f} million characters of: {languages}. Words are cut as in GPT-2 and nothing is rewritten, so every
text comes back as it was. It belongs to no model; the Tokens tab shows what the languages of the training text do to
the number of tokens.

## Made by

```
python -m common.recipes.tokenizer --data FOLDER
```

FOLDER holds tab-separated translation pairs, `NAME.en-LANG.tsv` or `.tsv.xz`. The same data gives the same file. Every
language has the same number of characters, taken evenly from the sources that have it; both tokenizers of the recipe
learn from the same amount in all.

## Learned from

{sources}

A vocabulary holds no sentence of them. The tokenizer itself is Apache-2.0, as the project.

## Measured on

Tatoeba sentences that were held out (a part of the LASER test set, CC BY 2.0 FR), in each language with their English.
"× English" is the number of tokens over that of the same sentences in English. SmolLM2's tokenizer (49,152 tokens,
mostly English) is there to compare.

| tokenizer | language | characters per token | tokens per word | × English |
|---|---|---|---|---|
{rows}

## Good for, and not

Good for showing how vocabularies differ.
{recipe.limits}
"""


def make(data: Path, out: Path, others: Mapping[str, Tokenizer]) -> None:
    """Read, train, measure, and write a folder per recipe; ``others`` are measured for comparison."""
    corpus = read(data)
    texts = mixtures(corpus)
    backends = {recipe.name: train(texts[recipe.name]) for recipe in RECIPES}
    compared = {recipe.title: LibraryTokenizer(backends[recipe.name]) for recipe in RECIPES} | dict(others)
    measures = {title: measure(tokenizer, corpus.held_out) for title, tokenizer in compared.items()}
    for recipe in RECIPES:
        folder = out / recipe.name
        folder.mkdir(parents=True, exist_ok=True)
        backends[recipe.name].save(str(folder / "tokenizer.json"), pretty=False)
        characters = sum(map(len, texts[recipe.name]))
        (folder / "README.md").write_text(
            card(recipe, compared[recipe.title].size, characters, measures), encoding="utf-8"
        )
        print(f"Wrote {folder} from {characters / 1e6:.1f} million characters")


def main() -> None:
    """Make both tokenizers and their cards."""
    from common.text.vocabularies import load

    parser = argparse.ArgumentParser(prog="python -m common.recipes.tokenizer", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of tab-separated translation pairs")
    parser.add_argument("--out", type=Path, default=_ROOT / "models", help="where the folders go (default: models)")
    options = parser.parse_args()
    try:
        make(options.data, options.out, {"SmolLM2": load("smollm2")})
    except errors.DemystifyError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
