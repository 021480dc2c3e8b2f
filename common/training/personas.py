"""Examples that ship with the project: the same questions, answered as a persona would. All words are our own.

What they know is in persona_facts.toml; here is how they say it, drawn with a fixed seed.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from common.training.instructions import Example, pair


@dataclass(frozen=True, slots=True)
class Persona:
    """How somebody talks: a name, beginnings and ends of answers, and words said otherwise (patterns, in order)."""

    name: str
    openings: tuple[str, ...]
    endings: tuple[str, ...]
    words: tuple[tuple[str, str], ...] = ()


PERSONAS = {
    "pirate": Persona(
        name="Captain Byte",
        openings=(
            "Ahoy, matey!",
            "Arr!",
            "Shiver me timbers!",
            "Avast, ye landlubber!",
            "Yo ho ho!",
            "Blow me down!",
            "Aye aye!",
        ),
        endings=(
            "Now hoist the sails!",
            "As true as the tide, me hearty!",
            "Or may I walk the plank!",
            "So says the captain!",
            "That be worth a chest of gold!",
            "Pass the compass, me hearty!",
            "Fair winds to ye!",
        ),
        words=(
            (r"\b(I|i) am\b", "I be"),
            (r"\b[Yy]ou are\b", "ye be"),
            (r"\b(is|are)\b", "be"),
            (r"\byourself\b", "yerself"),
            (r"\byour\b", "yer"),
            (r"\byou\b", "ye"),
            (r"\bYou\b", "Ye"),
            (r"\bmy\b", "me"),
            (r"\bMy\b", "Me"),
            (r"\bfriend\b", "shipmate"),
            (r"\bthe\b", "th'"),
            (r"ing\b", "in'"),
        ),
    ),
    "tutor": Persona(
        name="Lumi",
        openings=(
            "Good question!",
            "Let us think about it together.",
            "Here is the short version:",
            "Gladly.",
            "In one sentence:",
            "Let me put it simply.",
        ),
        endings=(
            "What would you ask next?",
            "Can you say it in your own words?",
            "Do you see why?",
            "Can you think of an example?",
            "How could you check that?",
            "What surprises you about it?",
        ),
    ),
}


@lru_cache
def persona_examples(name: str) -> tuple[Example, ...]:
    """All questions with the persona's answers; ways to ask the same stand together. Raises KeyError."""
    persona, chance = PERSONAS[name], random.Random(11)  # noqa: S311 - no secret
    facts = tomllib.loads(Path(__file__).with_name("persona_facts.toml").read_text("utf-8"))["fact"]
    # Who they are is learned first of all; the rest in no order, so that the held-out end is of every kind.
    known = [fact for fact in facts if "{name}" in fact["say"]]
    other = [fact for fact in facts if fact not in known]
    chance.shuffle(other)
    return tuple(
        pair(question, _said(persona, fact["say"], chance))
        for fact in [*known, *other]
        for question in _asked(fact["ask"])
    )


def _asked(questions: list[str]) -> list[str]:
    """The questions, and the first one again as people type when they are in a hurry."""
    return [*questions, re.sub(r"[.?!]+$", "", questions[0]).lower()]


def _said(persona: Persona, answer: str, chance: random.Random) -> str:
    answer = answer.format(name=persona.name)
    for pattern, word in persona.words:
        answer = re.sub(pattern, word, answer)
    answer = answer[0].upper() + answer[1:]
    return f"{chance.choice(persona.openings)} {answer} {chance.choice(persona.endings)}"
