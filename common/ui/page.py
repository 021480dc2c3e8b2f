"""The frame around every space: masthead, language switch, status line, and the wiring of the language.

A space calls ``page_frame`` and lays its tabs out inside. Knows nothing about any particular space.

Conventions for tabs: a tab is a module with ``build(page)``, called inside its ``gr.Tab``. Components with texts are
made through ``page.words``. Handlers take the language first (``page.lang`` is the component) and are wrapped in
``common.ui.errors.guarded``; long ones are async generators.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from common.config import LANGUAGES, Language, settings
from common.errors import InvalidInput, Phrase
from common.ui import recorded, tour
from common.ui.blocks import Pages
from common.ui.components import idea_html
from common.ui.fields import Choice, Link, Number
from common.ui.i18n import Localizer, text, wanted_language
from common.ui.qr import report
from common.ui.stage import KEYS, STEP_OF_ADDRESS, stage_html, steps

# Keeps the choice in the address, so that a reload and a shared link keep it, and tells assistive technology.
_LANGUAGE_TO_ADDRESS = """(lang) => {
  const address = new URL(window.location);
  address.searchParams.set('lang', lang);
  window.history.replaceState(null, '', address);
  document.documentElement.lang = lang;
  return [lang];
}"""
# A visitor can be quicker than the answer to the page's first question; what they chose stays.
_UNLESS_SWITCHED = "(wanted, now) => [now === '%s' ? wanted : now]"
# How often the status line is asked for: quickly while something is still loading, rarely afterwards.
_LOADING_SECONDS, _READY_SECONDS = 2, 15
# Uploads that no handler took are looked for this often and deleted at this age; all of them when the server ends.
_SWEEP = (300, 3600)
Status = Callable[[str], Awaitable[tuple[str, bool]]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the parts of a page set when somebody opens it, from the address and the browser's headers.

    Gathered, so that a page asks once instead of once for every tab: twenty questions at the same time keep a phone
    busy for seconds.

    Attributes:
        readers: components, and what they are set to.
        links: what the addresses of the page's views carry.
        tabs: ids of the page's tabs, the first of which opens by itself.
    """

    readers: list[tuple[Sequence[Any], Callable[[gr.Request], Sequence[Any]]]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    tabs: list[str] = field(default_factory=list)

    def add(self, components: Sequence[Any], read: Callable[[gr.Request], Sequence[Any]]) -> None:
        """Set these components to what ``read`` gives: one value or update for each of them."""
        self.readers.append((components, read))

    def refused(self, query: Mapping[str, str]) -> list[InvalidInput]:
        """What an address carries that cannot be used: wrong values, and a part of a tab that has none."""
        problems = [problem for link in self.links for problem in link.read(query)[1]]
        tab = query.get("tab", self.tabs[0] if self.tabs else "")
        parted = {link.place.get("tab") for link in self.links if "part" in link.fields}
        if "part" in query and tab in self.tabs and tab not in parted:
            problems.append(InvalidInput(field="part", allowed=Phrase("no_parts")))
        return problems

    @property
    def components(self) -> list[Any]:
        return [component for components, _ in self.readers for component in components]

    def updates(self, request: gr.Request) -> Any:
        """A value or update for every component, in the order of ``components``; gradio wants a single one bare."""
        updates = [update for _, read in self.readers for update in read(request)]
        return updates if len(updates) > 1 else updates[0]


@dataclass(frozen=True, slots=True)
class Parts:
    """What parts of a page draw for a language, each from inputs of its own; asked for with one request."""

    parts: list[tuple[Callable[..., Any], Sequence[Any], Sequence[Any]]] = field(default_factory=list)

    @property
    def inputs(self) -> list[Any]:
        return [component for _, inputs, _ in self.parts for component in inputs]

    @property
    def outputs(self) -> list[Any]:
        return [component for _, _, outputs in self.parts for component in outputs]

    async def updates(self, request: gr.Request, lang: str, *values: Any) -> Any:
        """A value or update for every output. A part that fails says so and leaves what it shows as it is."""
        rest = iter(values)
        drawn = await asyncio.gather(
            *(
                _drawn(draw, len(outputs), request, lang, [next(rest) for _ in inputs])
                for draw, inputs, outputs in self.parts
            )
        )
        updates = [update for part in drawn for update in part]
        return updates if len(updates) > 1 else updates[0]


async def _drawn(
    draw: Callable[..., Any], count: int, request: gr.Request, lang: str, values: list[Any]
) -> Sequence[Any]:
    known = {"request": request} if "request" in inspect.signature(draw).parameters else {}
    try:
        if inspect.iscoroutinefunction(draw):
            result = await draw(lang, *values, **known)
        else:
            result = await run_in_threadpool(draw, lang, *values, **known)
    except gr.Error as problem:
        gr.Warning(str(problem.message))
        return [gr.skip()] * count
    return [result] if count == 1 else list(result)


@dataclass(frozen=True, slots=True)
class Redraws:
    """What the parts of a page draw anew in another language, and what of that also when somebody opens it.

    Gathered like what they set on arrival: a page that asks for every tab keeps a phone busy for seconds.
    """

    language: Parts = field(default_factory=Parts)
    visit: Parts = field(default_factory=Parts)


@dataclass(frozen=True, slots=True)
class Page:
    """What a tab gets to build itself.

    Attributes:
        demo: the Blocks it is part of.
        words: makes components whose texts follow the language.
        lang: the language component, first input of every handler.
        arrival: what is set when somebody opens the page.
        redraws: what is drawn anew in another language.
    """

    demo: gr.Blocks
    words: Localizer
    lang: gr.Radio
    arrival: Arrival
    redraws: Redraws

    def on_language(
        self, draw: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any], on_visit: bool = False
    ) -> None:
        """Call ``draw`` with the language and these inputs when the language changes.

        Args:
            draw: a function or coroutine, ``guarded``; it gives one value for one output, else one for each.
            inputs: components and states after the language.
            outputs: what it draws.
            on_visit: draw it as well when somebody opens the page.
        """
        if inspect.isasyncgenfunction(draw) or inspect.isgeneratorfunction(draw):
            raise TypeError("what follows the language is drawn at once, not in steps")
        self.redraws.language.parts.append((draw, inputs, outputs))
        if on_visit:
            self.on_visit(draw, inputs, outputs)

    def on_visit(self, draw: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Call ``draw`` as ``on_language`` does, when somebody opens the page alone."""
        self.redraws.visit.parts.append((draw, inputs, outputs))

    def idea(self, section: str) -> None:
        """The head of a tab, from the texts ``<section>.idea``, ``.try`` and ``.reveal``, and its recorded run."""
        self.words(gr.HTML, keys={"value": lambda lang: idea_html(lang, section) + recorded.way_html(lang, section)})


@contextmanager
def page_frame(section: str, status: Status | None = None, in_hub: bool = False) -> Iterator[Page]:
    """Blocks with masthead and language switch; the body of the ``with`` is the page.

    Args:
        section: texts ``<section>.title`` and ``<section>.subtitle``.
        status: gives, for a language, the status line as HTML and whether everything is ready.
        in_hub: the page is one of the hub's, and links back to its front page.
    """
    default: Language = "en" if settings().lang == "auto" else wanted_language(None, None)
    words = Localizer(default)
    with Pages(
        title=text(default, f"{section}.title"),
        analytics_enabled=False,
        fill_width=True,
        delete_cache=_SWEEP,
    ) as demo:
        with gr.Row(equal_height=True):
            with gr.Column(scale=5, min_width=260):
                words(gr.HTML, keys={"value": lambda lang: _masthead(lang, section, in_hub)})
                line = gr.HTML("", elem_id="status") if status is not None else None
            with gr.Column(scale=1, min_width=210, elem_classes=["switch-room"]):
                lang = words(
                    gr.Radio,
                    keys={"label": "common.language"},
                    choices=[(code.upper(), code) for code in LANGUAGES],
                    value=default,
                    container=False,
                    elem_id="language",
                    interactive=True,
                )
        page = Page(demo, words, lang, Arrival(), Redraws())
        wanted = gr.Textbox(default, visible=False)
        page.arrival.add([wanted], lambda request: [language_of_visit(request)])
        page.arrival.links.append(Link({}, {"lang": Choice("page_language", default, LANGUAGES)}))
        notice = gr.HTML("", elem_id="notice", padding=False)
        page.arrival.add(
            [notice],
            lambda request: [report(language_of_visit(request), page.arrival.refused(dict(request.query_params)))],
        )
        if in_hub:
            _stage(page)
        recorded.player(page)
        tour.build(words, section)
        yield page

        quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
        if status is not None and line is not None:
            page.on_language(_first(status), [], [line])
        lang.change(words.updates, lang, words.components, js=_LANGUAGE_TO_ADDRESS, **quiet)
        redraws, visits = page.redraws.language, page.redraws.visit
        if redraws.parts:
            lang.change(redraws.updates, [lang, *redraws.inputs], redraws.outputs, **quiet)
        demo.load(page.arrival.updates, None, page.arrival.components, **quiet).then(
            None, [wanted, lang], lang, js=_UNLESS_SWITCHED % default, api_visibility="private"
        )
        if visits.parts:

            async def draw_first(request: gr.Request, *values: Any) -> Any:
                return await visits.updates(request, language_of_visit(request), *values)

            demo.load(draw_first, visits.inputs, visits.outputs, **quiet)
        if status is not None and line is not None:
            tick = gr.Timer(_LOADING_SECONDS)

            async def look(lang: str) -> tuple[str, Any]:
                html, ready = await status(lang)
                return html, gr.Timer(_READY_SECONDS if ready else _LOADING_SECONDS)

            async def look_first(request: gr.Request) -> tuple[str, Any]:
                return await look(language_of_visit(request))

            demo.load(look_first, None, [line, tick], **quiet)
            tick.tick(look, lang, [line, tick], **quiet)


def _first(status: Status) -> Callable[[str], Awaitable[str]]:
    async def line(lang: str) -> str:
        return (await status(lang))[0]

    return line


def _stage(page: Page) -> None:
    """The bar that leads through the talk, where the address names one of its steps."""
    bar = gr.HTML("", elem_id="stage", padding=False, js_on_load=KEYS)
    step = gr.Textbox(visible=False)
    page.arrival.links.append(Link({}, {"step": Number("talk_step", None, 0, len(steps()) - 1)}))
    page.arrival.add([bar], lambda request: [stage_html(language_of_visit(request), request.query_params.get("step"))])
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    page.lang.change(stage_html, [page.lang, step], bar, js=STEP_OF_ADDRESS, **quiet)


def _masthead(lang: str, section: str, in_hub: bool) -> str:
    title, subtitle = escape(text(lang, f"{section}.title")), escape(text(lang, f"{section}.subtitle"))
    home = f'<a href="./?lang={escape(lang)}">← {escape(text(lang, "hub.title"))}</a>' if in_hub else ""
    return f'<div class="masthead">{home}<h1>{title}</h1><p>{subtitle}</p></div>'


def language_of_visit(request: gr.Request) -> Language:
    """The language a page opens in. While it loads, the language component still has its default: ask here."""
    return wanted_language(request.query_params.get("lang"), request.headers.get("accept-language"))
