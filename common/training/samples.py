"""Texts to train on that need no network: two made by rule, two that come with Python itself.

``story`` and ``sums`` are generated here with a fixed seed. ``manual`` is the help text of the Python language and
``code`` a part of its standard library, both read from the Python that runs this (PSF licence).
"""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

_LENGTH = 400_000  # characters
_NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Felix",
    "Greta",
    "Hugo",
    "Ida",
    "Jonas",
    "Lina",
    "Max",
    "Nora",
    "Otto",
)
_ANIMALS = ("fox", "owl", "bear", "hare", "hedgehog", "mouse", "dog", "cat", "goose", "wolf", "frog", "horse")
_KINDS = ("quiet", "small", "kind", "tired", "clever", "shy", "hungry", "brave", "grey", "lonely")
_PLACES = ("forest", "river", "village", "mountain", "old mill", "garden", "lake", "market", "bridge", "castle")
_THINGS = ("lamp", "key", "book", "boat", "bell", "map", "coat", "basket", "coin", "flute", "mirror", "blanket")
_WEATHER = ("It was raining", "The sun was shining", "Snow was falling", "The wind was blowing", "It was getting dark")
_FEELINGS = ("happy", "afraid", "proud", "sad", "surprised", "curious", "glad", "angry")
_WAYS = ("slowly", "quietly", "at once", "with a smile", "without a word", "very carefully")
_MORALS = (
    "From that day on they were friends.",
    "And nobody in the {place} ever forgot it.",
    "Who helps others is never alone.",
    "That is how the {thing} came to the {place}.",
    "Then they all went home and slept.",
)


def story(length: int = _LENGTH) -> str:
    """Very short tales of a child, an animal and a thing that was lost."""
    chance = random.Random(7)  # noqa: S311 - no secret
    tales: list[str] = []
    size = 0
    while size < length:
        tales.append(_tale(chance))
        size += len(tales[-1]) + 2
    return "\n\n".join(tales)


def _tale(chance: random.Random) -> str:
    name, friend = chance.sample(_NAMES, 2)
    words = {
        "name": name,
        "friend": friend,
        "animal": chance.choice(_ANIMALS),
        "kind": chance.choice(_KINDS),
        "place": chance.choice(_PLACES),
        "thing": chance.choice(_THINGS),
        "weather": chance.choice(_WEATHER),
        "feeling": chance.choice(_FEELINGS),
        "way": chance.choice(_WAYS),
    }
    begin = chance.choice(
        (
            "One day {name} went to the {place}.",
            "Long ago, {name} lived near the {place}.",
            "{name} and {friend} were walking to the {place}.",
        )
    )
    meet = chance.choice(
        (
            "{weather}, and there sat a {kind} {animal}.",
            "Behind a tree stood a {kind} {animal}. {weather}.",
            "{weather} when a {kind} {animal} came out of the grass.",
        )
    )
    trouble = chance.choice(
        (
            '"I have lost my {thing}," said the {animal}. "Will you help me?"',
            '"Have you seen my {thing}?" asked the {animal} {way}.',
            'The {animal} looked {feeling}. "Somebody took my {thing}," it said.',
        )
    )
    deed = chance.choice(
        (
            "{name} was {feeling}, but looked for it {way}.",
            '"Of course," said {name}, and they searched the whole {place}.',
            "{name} called {friend}, and together they looked under every stone.",
        )
    )
    found = chance.choice(
        (
            "At last they found the {thing} near the water.",
            "In the evening {friend} saw the {thing} in the grass.",
            'The {thing} was in the {place} all the time. "Thank you," said the {animal}.',
        )
    )
    return " ".join((begin, meet, trouble, deed, found, chance.choice(_MORALS))).format(**words)


def sums(length: int = _LENGTH) -> str:
    """Additions and subtractions of numbers up to 99, one a line."""
    chance = random.Random(7)  # noqa: S311 - no secret
    lines: list[str] = []
    size = 0
    while size < length:
        first, second = chance.randint(0, 99), chance.randint(0, 99)
        if chance.random() < 0.5:
            lines.append(f"{first}+{second}={first + second}")
        else:
            lines.append(f"{max(first, second)}-{min(first, second)}={abs(first - second)}")
        size += len(lines[-1]) + 1
    return "\n".join(lines)


def manual(length: int = _LENGTH) -> str:
    """The help texts that ``help("topics")`` shows in Python."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics))[:length]


def code(length: int = _LENGTH) -> str:
    """Modules of Python's standard library, in the order of their names."""
    folder = Path(sysconfig.get_path("stdlib"))
    parts: list[str] = []
    size = 0
    for path in sorted(folder.glob("[a-z]*.py")):
        parts.append(path.read_text("utf-8", errors="ignore"))
        size += len(parts[-1])
        if size >= length:
            break
    return "\n\n".join(parts)[:length]


SAMPLES: dict[str, Callable[[], str]] = {"story": story, "sums": sums, "manual": manual, "code": code}


@lru_cache
def sample_text(name: str) -> str:
    """One of ``SAMPLES``. Raises KeyError."""
    return SAMPLES[name]()
