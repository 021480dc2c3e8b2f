"""The hub's front page: the talk as a list of parts, each with the demos that go with its slides.

What belongs where stands in ``talk.toml``; here it is read and drawn.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from common.ui.i18n import text

_FILE = Path(__file__).with_name("talk.toml")
# The colour of every part, one of the page's ideas.
_KINDS = {"intro": "attention", "train": "loss", "challenges": "completion", "pictures": "noise"}


class Question(BaseModel):
    """What the room guesses before a demo: as many answers as ``choices``, of which ``answer`` is right."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    choices: int
    answer: Literal["a", "b", "c", "d"]

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple("abcd"[: self.choices])

    @property
    def right(self) -> int:
        """Place of the right answer, from 0."""
        return self.letters.index(self.answer)


class Item(BaseModel):
    """One demo of the talk.

    Attributes:
        id: name of its texts.
        slides: first and last slide, counted from 1.
        place: space and tab.
        inputs: what the tab opens with, by the names of its address.
        poll: what the room guesses before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    slides: tuple[int, int]
    place: tuple[str, str]
    inputs: dict[str, str] = {}
    poll: Question | None = None

    def address(self, lang: str, **more: str) -> str:
        """Where it is, relative to the front page; ``more`` goes into the address, too."""
        space, tab = self.place
        return f"{space}?{urlencode({'lang': lang, 'tab': tab, **self.inputs, **more})}"


class Part(BaseModel):
    """A lecture or a hands-on session, with how long it takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    kind: str
    minutes: int
    item: list[Item]


@lru_cache(maxsize=1)
def parts() -> list[Part]:
    """The talk in its order."""
    return [Part.model_validate(part) for part in tomllib.loads(_FILE.read_text("utf-8"))["part"]]


def agenda_html(lang: str) -> str:
    """Every part with its time and its demos, and the way from chapter to chapter."""
    drawn, begin, talk = [], 0, parts()
    for place, part in enumerate(talk):
        onward = talk[place + 1].id if place + 1 < len(talk) else ""
        drawn.append(_part(lang, part, begin, onward))
        begin += part.minutes
    name = escape(text(lang, "agenda.title"))
    return f'<nav class="agenda" aria-label="{name}"><h2>{name}</h2><ol>{"".join(drawn)}</ol></nav>'


def slides_html(lang: str) -> str:
    """The demos by slide number, folded away."""
    rows = "".join(
        f'<li><span>{_slides(item)}</span> <a href="{escape(item.address(lang))}">'
        f"{escape(text(lang, f'agenda.{item.id}'))}</a></li>"
        for part in parts()
        for item in part.item
    )
    summary = escape(text(lang, "agenda.by_slide"))
    return f'<details class="by-slide"><summary>{summary}</summary><ul>{rows}</ul></details>'


def _part(lang: str, part: Part, begin: int, onward: str) -> str:
    kind, title = escape(text(lang, f"agenda.kind_{part.kind}")), escape(text(lang, f"agenda.part_{part.id}"))
    time = escape(text(lang, "agenda.time", begin=begin, end=begin + part.minutes))
    cards = "".join(_card(lang, item) for item in part.item)
    further = ""
    if onward:
        further = f'<p class="onward"><a href="#part-{onward}">{escape(text(lang, "agenda.next"))} ↓</a></p>'
    return (
        f'<li id="part-{part.id}" class="idea-{_KINDS[part.id]}">'
        f"<h3><span>{kind}</span> {title} <small>{time}</small></h3>"
        f'<ul class="cards">{cards}</ul>{further}</li>'
    )


def _card(lang: str, item: Item) -> str:
    title, task = escape(text(lang, f"agenda.{item.id}")), escape(text(lang, f"agenda.{item.id}_do"))
    slides = escape(text(lang, "agenda.slides", slides=_slides(item)))
    tab = escape(text(lang, f"{item.place[1]}.tab"))
    return (
        f'<li><a href="{escape(item.address(lang))}"><b>{title}</b><span>{task}</span>'
        f"<small>{slides} · {tab}</small></a></li>"
    )


def _slides(item: Item) -> str:
    first, last = item.slides
    return str(first) if first == last else f"{first}–{last}"
