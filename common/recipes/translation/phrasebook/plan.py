"""What a phrase says, before any language: who does what to which thing, when, asked or denied.

Knows the tables of words; how a plan sounds is up to `english`, `slavic` and `italian`.
"""

from __future__ import annotations

import csv
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

Row = dict[str, str]
Tense = Literal["now", "past"]
Modal = Literal["want", "must", "can"]
Degree = Literal["", "very", "too"]
Determiner = Literal["", "a", "the", "this", "my", "your", "his", "her", "their"]

TABLES = Path(__file__).parent / "tables"

# Names that read the same, or nearly, in all languages here; their gender.
NAMES: dict[str, Literal["m", "f"]] = {"Tom": "m", "Peter": "m", "Martin": "m", "Jana": "f", "Anna": "f", "Eva": "f"}
# Things that often carry a name of letters: "the ABC project".
_LETTERED = (
    "programme",
    "plan",
    "course",
    "exam",
    "lecture",
    "seminar",
    "film",
    "train",
    "hotel",
    "computer",
    "school",
)
_MODALS: tuple[Modal, ...] = ("want", "must", "can")
_DEGREES: tuple[Degree, ...] = ("", "", "very", "too")
# All kinds of nouns, persons last.
_KINDS = ("read", "eat", "drink", "watch", "hear", "thing", "idea", "study", "person")


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the verb: 0 to 5 are I, you, he or she, we, you all, they. A name is always 2."""

    person: int
    gender: Literal["m", "f"]
    name: str = ""
    stressed: bool = False

    @property
    def form(self) -> int:
        """Index into masculine, feminine and plural forms."""
        return 2 if self.person > 2 else int(self.gender == "f")


@dataclass(frozen=True, slots=True)
class Thing:
    """A noun with what stands around it; ``letters`` is a name such as ABC."""

    noun: Row
    determiner: Determiner
    adjective: Row | None = None
    letters: str = ""

    @property
    def mass(self) -> bool:
        return self.noun["kind"].endswith("*")


_NOTHING = Thing({}, "")


@dataclass(frozen=True, slots=True)
class Phrase:
    """``pattern`` says which of the other parts are used."""

    pattern: Literal["do", "modal", "like", "feel", "stay", "go", "is", "where", "this"]
    subject: Subject
    tense: Tense = "now"
    negated: bool = False
    question: bool = False
    verb: Row = field(default_factory=dict)
    modal: Modal = "want"
    thing: Thing = _NOTHING
    word: Row = field(default_factory=dict)  # a state, a place or an adjective
    degree: Degree = ""
    time: Row = field(default_factory=dict)


@cache
def table(name: str) -> list[Row]:
    """The rows of a table of words, as dictionaries from column to word."""
    with open(TABLES / f"{name}.psv", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE))


def draw(random: random.Random) -> Phrase:
    """A phrase by chance; plain statements of doing something are the most frequent."""
    pattern = random.choices(
        ("do", "modal", "like", "feel", "stay", "go", "is", "where", "this"), (34, 12, 12, 12, 7, 9, 8, 3, 3)
    )[0]
    subject = _subject(random)
    tense: Tense = "past" if random.random() < 0.35 else "now"
    negated, question = random.random() < 0.2, random.random() < 0.15
    time = _time(random, tense) if random.random() < 0.25 else {}
    if pattern == "do":
        verb = random.choice(table("verbs"))
        return Phrase("do", subject, tense, negated, question, verb, thing=_object(random, verb), time=time)
    if pattern == "modal":
        verb = random.choice(table("verbs"))
        modal: Modal = random.choice(_MODALS)
        return Phrase("modal", subject, "now", negated, question, verb, modal, _object(random, verb))
    if pattern == "like":
        return Phrase("like", subject, "now", negated, question, thing=_thing(random, _KINDS[:-1], ("", "this", "my")))
    if pattern == "feel":
        degree: Degree = random.choice(_DEGREES)
        return Phrase("feel", subject, tense, negated, question, word=random.choice(table("states")), degree=degree)
    if pattern == "stay":
        return Phrase("stay", subject, tense, negated, question, word=random.choice(table("places")), time=time)
    if pattern == "go":
        return Phrase("go", subject, tense, negated, question, word=random.choice(table("places")), time=time)
    if pattern == "is":
        degree = random.choice(_DEGREES)
        thing = _thing(random, _KINDS, ("the", "this", "my", "your", "his", "her", "their"))
        word = random.choice(table("adjectives"))
        return Phrase("is", subject, tense, negated, question, thing=thing, word=word, degree=degree)
    if pattern == "where":
        return Phrase("where", subject, thing=_thing(random, _KINDS, ("the", "my", "your", "his", "her", "their")))
    return Phrase("this", subject, negated=negated, thing=_thing(random, _KINDS, ("a", "my", "your", "his", "her")))


def _subject(random: random.Random) -> Subject:
    if random.random() < 0.25:
        name = random.choice([*NAMES, "Tom", "Tom"])
        return Subject(2, NAMES[name], name)
    person = random.choices(range(6), (30, 20, 20, 12, 6, 12))[0]
    return Subject(person, random.choice(("m", "f")), stressed=random.random() < (0.4 if person == 2 else 0.1))


def _time(random: random.Random, tense: Tense) -> Row:
    return random.choice([row for row in table("times") if row["tense"] in ("any", tense)])


def _object(random: random.Random, verb: Row) -> Thing:
    return _thing(random, verb["kinds"].split(), ("a", "a", "the", "the", "this", "my", "your", "his", "her", "their"))


def _thing(random: random.Random, kinds: Sequence[str], determiners: Sequence[Determiner]) -> Thing:
    noun = random.choice([row for row in table("nouns") if row["kind"].rstrip("*") in kinds])
    mass = noun["kind"].endswith("*")
    if noun["en"] in _LETTERED and random.random() < 0.5:
        return Thing(
            noun, "the", letters="".join(random.choices(string.ascii_uppercase, k=random.choice((2, 3, 3, 4))))
        )
    determiner = random.choice(determiners)
    if mass and determiner == "a":
        determiner = ""
    if not mass and not determiner:
        determiner = "the"
    adjective = random.choice(table("adjectives")) if random.random() < 0.25 else None
    return Thing(noun, determiner, adjective)
