"""The page on which a room guesses: buttons on phones, and the same question in large letters on the projector."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from common import errors
from common.seminar.poll import Poll, PollState
from common.ui.agenda import Item, parts
from common.ui.components import percent
from common.ui.errors import guarded
from common.ui.i18n import number, text
from common.ui.page import Page, language_of_visit
from common.ui.plots import Bar, bars_html
from common.ui.roles import is_presenter, presenter_only, voter
from common.ui.stage import read_step, steps

_LETTERS = "abcd"
_LOOK_SECONDS = 2.0


class PollPage:
    """The handlers of one page; the guesses are in ``poll``, for all visitors.

    Who guesses is told by the cookie that the server has given to their browser, whatever else a request says.
    """

    def __init__(self, poll: Poll) -> None:
        self._poll = poll
        self._items = {item.id: item for part in parts() for item in part.item if item.poll}

    def arrive(self, request: gr.Request) -> list[Any]:
        """The page as it opens; where the presenter comes with a step of the talk, its question is asked."""
        place, presenter = read_step(request.query_params.get("step")), is_presenter(request)
        if presenter and place is not None and steps()[place].guess:
            item = steps()[place].item
            self._poll.ask(item.id, len(item.poll.letters) if item.poll else 0)
        return [*self._drawn(language_of_visit(request), request), gr.update(visible=presenter)]

    def look(self, lang: str, seen: float, request: gr.Request) -> list[Any]:
        """What has changed since the page was last drawn; everything is skipped if nothing has."""
        if self._poll.state().version == seen:
            return [gr.skip()] * (len(_LETTERS) + 2)
        return self._drawn(lang, request)

    def again(self, lang: str, request: gr.Request) -> list[Any]:
        """Draw the page in another language."""
        return self._drawn(lang, request)

    def guess(self, lang: str, choice: int, request: gr.Request) -> list[Any]:
        """A visitor chose; too late is said. Raises NoCookie."""
        who = voter(request)
        if not who:
            raise errors.NoCookie()
        if not self._poll.guess(who, choice):
            gr.Info(text(lang, "poll.late"), title="")
        return self._drawn(lang, request)

    @presenter_only
    def reveal(self, lang: str, request: gr.Request) -> list[Any]:
        """Show the answer to everybody. Raises PresenterOnly."""
        self._poll.reveal()
        return self._drawn(lang, request)

    @presenter_only
    def reset(self, lang: str, request: gr.Request) -> list[Any]:
        """Ask the question on screen once more. Raises PresenterOnly."""
        self._poll.reset(self._poll.state().question)
        return self._drawn(lang, request)

    def _drawn(self, lang: str, request: gr.Request) -> list[Any]:
        """The view, a button for every answer, and the version that they show."""
        state = self._poll.state(voter(request))
        open_ = state.question in self._items and not state.revealed
        buttons = [
            gr.update(
                visible=open_ and place < state.choices,
                value=text(lang, f"ask.{state.question}_{letter}") if open_ and place < state.choices else "",
                variant="primary" if state.own == place else "secondary",
            )
            for place, letter in enumerate(_LETTERS)
        ]
        return [poll_html(lang, state, self._items.get(state.question)), *buttons, state.version]


def poll_html(lang: str, state: PollState, item: Item | None) -> str:
    """The question with what there is to say about it: how many guessed, and at last the answer with everybody's."""
    if item is None or item.poll is None:
        return f'<div class="poll"><p class="quiet">{escape(text(lang, "poll.none"))}</p></div>'
    total = sum(state.counts)
    title = f"<h2>{escape(text(lang, f'ask.{item.id}'))}</h2>"
    guesses = f'<p class="quiet">{escape(text(lang, "poll.guesses", n=number(lang, total)))}</p>'
    own = ""
    if state.own is not None and not state.revealed:
        choice = text(lang, f"ask.{item.id}_{_LETTERS[state.own]}")
        own = f"<p>{escape(text(lang, 'poll.yours', choice=choice))}</p>"
    if not state.revealed:
        return f'<div class="poll" aria-live="polite">{title}{own}{guesses}</div>'
    bars = [_bar(lang, item, state, place, total) for place in range(state.choices)]
    why = f'<p class="verdict">{escape(text(lang, f"ask.{item.id}_why"))}</p>'
    onward = f'<p><a href="{escape(item.address(lang))}">{escape(text(lang, "poll.try_it"))}</a></p>'
    chart = bars_html(bars, caption=text(lang, "poll.chart"), tokens=False)
    return f'<div class="poll" aria-live="polite">{title}{why}{chart}{guesses}{onward}</div>'


def _bar(lang: str, item: Item, state: PollState, place: int, total: int) -> Bar:
    right = item.poll is not None and place == item.poll.right
    words = text(lang, f"ask.{item.id}_{_LETTERS[place]}")
    share = percent(state.counts[place] / total if total else 0.0, lang)
    return Bar(
        label=f"✓ {words} ({text(lang, 'poll.right')})" if right else words,
        value=state.counts[place],
        text=text(lang, "poll.share", n=number(lang, state.counts[place]), percent=share),
        selected=state.own == place,
        kind="loss" if right else "prompt",
    )


def build(page: Page, poll: Poll) -> None:
    """Lay out the page and wire it."""
    tab, words, lang = PollPage(poll), page.words, page.lang
    seen = gr.State(-1)
    view = gr.HTML("", elem_id="poll-view", padding=False)
    with gr.Column(elem_id="poll-answers"):
        buttons = [gr.Button("", visible=False, size="lg", elem_id=f"poll-{letter}") for letter in _LETTERS]
    with gr.Row(visible=False) as controls:
        reveal = words(gr.Button, keys={"value": "poll.reveal"}, variant="primary", elem_id="poll-reveal")
        reset = words(gr.Button, keys={"value": "poll.again"}, elem_id="poll-again")
    drawn = [view, *buttons, seen]
    page.arrival.add([*drawn, controls], tab.arrive)

    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    gr.Timer(_LOOK_SECONDS).tick(guarded(tab.look), [lang, seen], drawn, **quiet)
    page.on_language(guarded(tab.again), [], drawn)
    for place, button in enumerate(buttons):
        button.click(_guess(tab, place), lang, drawn, **quiet)
    reveal.click(guarded(tab.reveal), lang, drawn, **quiet)
    reset.click(guarded(tab.reset), lang, drawn, **quiet)


def _guess(tab: PollPage, place: int) -> Callable[[str, gr.Request], list[Any]]:
    @guarded
    def choose(lang: str, request: gr.Request) -> list[Any]:
        return tab.guess(lang, place, request)

    return choose
