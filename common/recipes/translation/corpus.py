"""Read sentence pairs from a folder, drop bad ones, and hold out what the models are measured on.

A file ``NAME.en-LANG.tsv`` (or ``.tsv.xz``) has one ``English<TAB>other`` pair per line; NAME is its domain. Held
out is by sentence, over all files and languages: a pair is trained on only when neither its English nor its other
sentence occurs, in any file, among the held-out ones. Where texts can be told apart, some are held out whole as well,
so that a model has not seen the sentences around those it is measured on. Knows nothing about tokens or models.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from common import errors
from common.recipes.translation import phrasebook

LANGUAGES = ("sk", "cs", "de", "fr", "it")

# Kept back whole: Tatoeba sentences in all five languages, the everyday measure, and captions.
HELD_OUT_DOMAINS = ("tatoeba-laser", "multi30k-val")
# Of every other domain one English sentence in so many is kept back.
HELD_OUT_ONE_IN = 100

# Domains in which texts can be told apart, and what their held-out texts are called among the held-out pairs. The
# descriptions of packages stand one behind the other, in the same order in every language.
WHOLE_TEXTS = {"debian-descriptions": "debian-descriptions-whole"}
# Everyday sentences are many and alike: "Tom likes tea" and "Tom likes coffee". Of those held out in these domains, the
# ones that no learned sentence comes within a word of are there once more, with a domain of their own.
EVERYDAY_DOMAINS = ("tatoeba", "everyday")
APART = "everyday-apart"
# Which rule holds out: 1 by sentence, 2 whole texts as well. What 1 held out 2 does too.
HOLD_OUT_RULE = 2

# How often to draw a pair of a domain, against one of everyday speech. The others have longer sentences, so their share
# of all tokens is two to three times what these numbers say. Package descriptions and help pages are many and dull;
# they teach words, so they stay. A domain that is not named counts 0.3.
DOMAIN_WEIGHTS = {
    "tatoeba": 2.0,
    "sentences": 5.0,
    "everyday": 2.0,
    "back-translated": 0.4,
    "examples": 1.0,
    "phrases": 0.4,
    "fillets": 2.0,
    "multi30k-train": 0.25,
    "wesnoth": 0.25,
    "dictionary": 0.08,
    "catalogues": 0.05,
    "debian-descriptions": 0.03,
    "libreoffice-help": 0.02,
}
_OTHER_WEIGHT = 0.3
# Of the dull ones, a sentence that speaks of somebody is worth more: it has the verb forms people use.
_DULL = 0.2
_PERSONAL_FACTOR = 3.0
_PERSONAL = re.compile(r"\b(I|you|he|she|we|they|my|your|his|her|our|me|him|us)\b", re.IGNORECASE)
_BARE_ONE_IN = 8
# Draws from the project's own tables; that many give about 34,000 different phrases a language.
PHRASES = 40_000
# Languages are drawn by (share of the data) ** this: 1 leaves them as they are, 0 makes them equal.
LANGUAGE_TEMPERATURE = 0.4

_MAX_CHARS = 400
_STOPS = ".!?:;,)"
_FILE_NAME = re.compile(r"(?P<domain>.+)\.en-(?P<language>[a-z]{2})\.tsv(\.xz)?")


class Pair(NamedTuple):
    """An English sentence and the same in another language."""

    english: str
    other: str
    language: str
    domain: str


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to learn from and pairs to be measured on; no sentence is in both."""

    training: list[Pair]
    held_out: list[Pair]


def key(sentence: str) -> str:
    """What makes two sentences the same one: letters and digits alone, case and accents' encoding aside."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", sentence).casefold()))


def read(folder: Path) -> Iterator[Pair]:
    """All usable pairs of a folder, file by file in the order of their names.

    Raises:
        InvalidInput: no file of the right name is there.
    """
    files = [(path, match) for path in sorted(folder.glob("*.tsv*")) if (match := _FILE_NAME.fullmatch(path.name))]
    if not files:
        raise errors.InvalidInput(field=str(folder), allowed="a folder with files like tatoeba.en-de.tsv.xz")
    for path, match in files:
        if match["language"] in LANGUAGES:
            yield from _read_file(path, match["domain"], match["language"])


def own(phrases: int = PHRASES) -> Iterator[Pair]:
    """The project's own everyday sentences, for the languages that have few; ``phrases`` is the number of draws.

    One in eight comes without its full stop, too: who types into a box often leaves it out.
    """
    for domain, triples in (
        ("sentences", phrasebook.sentences()),
        ("everyday", phrasebook.everyday()),
        ("phrases", phrasebook.phrases(phrases)),
    ):
        for english, other, language in triples:
            yield Pair(english, other, language, domain)
            if english.endswith(".") and other.endswith(".") and _chosen(key(english), _BARE_ONE_IN):
                yield Pair(english.rstrip("."), other.rstrip("."), language, domain)


def _read_file(path: Path, domain: str, language: str) -> Iterator[Pair]:
    open_text = lzma.open if path.suffix == ".xz" else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            english, _, other = line.rstrip("\n").partition("\t")
            pair = Pair(_tidy(english), _tidy(other), language, domain)
            if usable(pair):
                yield pair


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def usable(pair: Pair) -> bool:
    """Whether a pair looks like a translation: not too long, mostly words, alike in length and digits, not a copy."""
    short, long = sorted((len(pair.english), len(pair.other)))
    if not short or long > _MAX_CHARS or pair.english == pair.other:
        return False
    if long > 2.2 * short and long - short > 12:
        return False
    if any(sum(map(str.isalpha, side)) < 0.5 * len(side) for side in (pair.english, pair.other)):
        return False
    return Counter(re.findall(r"\d+", pair.english)) == Counter(re.findall(r"\d+", pair.other))


def reserved(pair: Pair) -> bool:
    """Whether a pair is the talk's own example or close to it: the models must get that one right unseen."""
    words = {*key(pair.english).split(), *key(pair.other).split()}
    return "dsa" in words and any(word.startswith("semin") for word in words)


def split(pairs: Iterable[Pair]) -> Split:
    """Divide pairs so that no English sentence and no other sentence is on both sides.

    A pair that shares only one of its sentences with the held-out part is in neither. Pairs of texts that are held out
    whole are there with a domain of their own (``WHOLE_TEXTS``), beside those held out sentence by sentence, and so are
    everyday ones that nothing learned comes close to (``APART``).
    """
    pairs = [pair for pair in pairs if not reserved(pair)]
    held_out = [
        pair for pair in pairs if pair.domain in HELD_OUT_DOMAINS or _chosen(key(pair.english), HELD_OUT_ONE_IN)
    ]
    held_out += _whole_texts(pairs)
    english = {key(pair.english) for pair in held_out}
    other = {key(pair.other) for pair in held_out}
    training = [pair for pair in pairs if key(pair.english) not in english and key(pair.other) not in other]
    return Split(training, [*held_out, *_apart(held_out, training)])


def _apart(held_out: list[Pair], training: list[Pair]) -> Iterator[Pair]:
    """Everyday pairs of which neither side is within one word of a learned sentence: one word more, less or another."""
    everyday = [pair for pair in held_out if pair.domain in EVERYDAY_DOMAINS]
    marked: dict[str, set[str]] = {}  # what is left of a sentence without one of its words: which sentences
    for sentence in {key(side) for pair in everyday for side in (pair.english, pair.other)}:
        for rest in _rests(sentence):
            marked.setdefault(rest, set()).add(sentence)
    longest = max((rest.count(" ") for rest in marked), default=0) + 1
    close: set[str] = set()
    for sentence in {key(side) for pair in training for side in (pair.english, pair.other)}:
        if sentence.count(" ") <= longest:
            for rest in _rests(sentence):
                close |= marked.get(rest, set())
    for pair in everyday:
        if key(pair.english) not in close and key(pair.other) not in close:
            yield pair._replace(domain=APART)


def _rests(sentence: str) -> Iterator[str]:
    """The sentence, and what is left without one of its words, each in turn."""
    words = sentence.split()
    yield sentence
    for place in range(len(words)):
        yield " ".join(words[:place] + words[place + 1 :])


def _whole_texts(pairs: list[Pair]) -> Iterator[Pair]:
    """The pairs of the texts that are held out whole: those whose first sentence is held out.

    A description begins with its synopsis, a few words in lower case without a full stop. One that begins in another
    way is taken to belong to the text before it, so that no text is held out in part.
    """
    place, chosen, before = ("", ""), False, "."
    for pair in pairs:
        if pair.domain not in WHOLE_TEXTS:
            continue
        if (pair.domain, pair.language) != place:
            place, chosen, before = (pair.domain, pair.language), False, "."
        synopsis = pair.english[0].islower() and pair.english[-1] not in _STOPS
        if synopsis and before in ".!?)":
            chosen = _chosen(key(pair.english), HELD_OUT_ONE_IN)
        if chosen:
            yield pair._replace(domain=WHOLE_TEXTS[pair.domain])
        before = pair.english[-1]


@cache
def _chosen(english_key: str, one_in: int) -> bool:
    digest = hashlib.sha256(english_key.encode()).digest()
    return int.from_bytes(digest[:8], "big") % one_in == 0


def weights(pairs: list[Pair]) -> list[float]:
    """How often to draw each pair, relative to the others: what it is worth, evened out over the languages."""
    worth = [_worth(pair) for pair in pairs]
    mass = dict.fromkeys(LANGUAGES, 0.0)
    for pair, value in zip(pairs, worth, strict=True):
        mass[pair.language] += value
    return [value * mass[pair.language] ** (LANGUAGE_TEMPERATURE - 1) for pair, value in zip(pairs, worth, strict=True)]


def _worth(pair: Pair) -> float:
    worth = DOMAIN_WEIGHTS.get(pair.domain, _OTHER_WEIGHT)
    return worth * _PERSONAL_FACTOR if worth < _DULL and _PERSONAL.search(pair.english) else worth
