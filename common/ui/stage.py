"""The talk as steps on the projector: a bar with back and next on every page, keys, and large letters.

A step is a demo of the talk or the question that the room guesses before it. Which step a page is stands in its
address (``?step=3``), so that a reload stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import urlencode

from common.ui.agenda import Item, parts
from common.ui.i18n import number, text

# For the element with the bar. A clicker sends the page keys; arrows keep their meaning inside what has the focus.
KEYS = """
const own = 'input, textarea, select, [contenteditable], [role=tab], [role=slider], dialog';
document.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const paging = {PageDown: 'next', PageUp: 'prev'}[event.key];
  const arrow = {ArrowRight: 'next', ArrowLeft: 'prev'}[event.key];
  const within = event.target.closest?.(paging ? 'textarea, dialog' : own);
  const link = !within && element.querySelector(`a[rel=${paging || arrow}]`);
  if (link) { event.preventDefault(); link.click(); }
});
"""
# What ``stage_html`` takes, when the language changes.
STEP_OF_ADDRESS = "(lang) => [lang, new URL(window.location).searchParams.get('step') || '']"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the talk: an item's demo, or the question before it."""

    item: Item
    guess: bool

    def title(self, lang: str) -> str:
        title = text(lang, f"agenda.{self.item.id}")
        return text(lang, "stage.guess", title=title) if self.guess else title

    def address(self, lang: str, place: int) -> str:
        """Where it is, relative to the front page; ``place`` is its own, from 0."""
        if self.guess:
            return f"poll?{urlencode({'lang': lang, 'step': place})}"
        return self.item.address(lang, step=str(place))


@lru_cache(maxsize=1)
def steps() -> list[Step]:
    """The whole talk in its order."""
    every = [item for part in parts() for item in part.item]
    return [Step(item, guess) for item in every for guess in ((True, False) if item.poll else (False,))]


def read_step(value: object) -> int | None:
    """The step that an address names; None if it names none."""
    shown = str(value)
    short = len(shown) <= 4  # Python refuses to read numbers of some thousand digits
    return int(shown) if short and shown.isascii() and shown.isdigit() and int(shown) < len(steps()) else None


def stage_html(lang: str, value: object) -> str:
    """The bar for the step with this place; empty on a page that is no step."""
    place = read_step(value)
    if place is None:
        return ""
    talk = steps()

    def link(to: int, rel: str, key: str) -> str:
        words = escape(text(lang, f"stage.{key}"))
        if not 0 <= to < len(talk):  # before the first step and after the last
            return f'<a href="presenter?lang={escape(lang)}" rel="{rel}">{escape(text(lang, "presenter.title"))}</a>'
        return f'<a href="{escape(talk[to].address(lang, to))}" rel="{rel}">{words}</a>'

    where = text(lang, "stage.place", n=number(lang, place + 1), all=number(lang, len(talk)))
    return (
        f'<nav class="stage" aria-label="{escape(text(lang, "stage.label"))}">{link(place - 1, "prev", "back")}'
        f"<span>{escape(where)} · <b>{escape(talk[place].title(lang))}</b></span>"
        f"{link(place + 1, 'next', 'next')}</nav>"
    )
