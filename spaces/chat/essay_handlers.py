"""What the Essay tab does: outline, write section by section, write one again, give files. Layout: essay_tab.py.

The document is what stands in the visitor's browser, edits and all; the server keeps none.
"""

from __future__ import annotations

import base64
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr
from chat_page import ChatPage, sampling_settings

from common import errors
from common.config import LANGUAGES, settings
from common.text.tasks import prompts
from common.text.tasks.essay import (
    MAX_WORDS,
    MIN_WORDS,
    Assignment,
    OutlineReady,
    Prompts,
    SectionDone,
    SectionText,
    make_outline,
    parse_outline,
    read_headings,
    write_essay,
    write_section,
)
from common.text.tasks.manuscript import Manuscript, Section, count_words, from_markdown, to_docx, to_markdown
from common.ui.components import figures_html, meter_html
from common.ui.fields import Choice, Number, Text
from common.ui.i18n import number, text
from common.ui.streams import StopSignals

TOPIC = Text("topic", "", 200)
AUDIENCES = ("beginners", "pupils", "experts", "seniors")
AUDIENCE = Text("audience", AUDIENCES[0], 80)
TONE = Choice("tone", "friendly", ("friendly", "neutral", "formal", "lively"))
WORDS = Number("words", 300, MIN_WORDS, MAX_WORDS, 50)
LANGUAGE = Choice("essay_language", "en", LANGUAGES)
OUTLINE = Text("outline", "", 2_000)
DOCUMENT = Text("document", "", settings().max_prompt_chars)
OUTLINE_PROMPT = Text("outline_prompt", prompts.OUTLINE_PROMPT, 2_000)
SECTION_PROMPT = Text("section_prompt", prompts.SECTION_PROMPT, 2_000)
SECTION_OPENING = Text("section_opening", prompts.SECTION_OPENING, 2_000)
# As the prompts say it; a prompt is English on every page.
_LANGUAGE_NAMES = {"en": "English", "de": "German", "fr": "French", "it": "Italian"}
# What one request may take; a section that needs more is gone on with.
_LONGEST_REQUEST = min(400, settings().max_new_tokens)

SEED_PLACE = 8  # in the form


@dataclass(frozen=True, slots=True)
class Written:
    """How far an essay is; lives in the session, so that it can be told in another language.

    Attributes:
        asked, words: words the essay should have and has, headings among them.
        section, sections: the place of the one being written (from 1), and how many there are.
        tokens, seconds: what the model has written for it, and in how long.
        seed: of the first request.
        repeated, scraps: sentences and lines left out so far.
        before: words that were there before this work began.
        state: "running", "done", "stopped" or "failed".
    """

    asked: int
    words: int
    section: int
    sections: int
    seed: int
    tokens: int = 0
    seconds: float = 0.0
    repeated: int = 0
    scraps: int = 0
    before: int = 0
    state: str = "running"


@dataclass(slots=True)
class _Draft:
    """A document while the model writes in it.

    Attributes:
        manuscript, written: the document and how far it is.
        came: whether there is any text yet.
        finished: sections that are complete.
    """

    manuscript: Manuscript
    written: Written
    came: bool = False
    finished: int = 0

    def take(self, event: SectionText | SectionDone) -> None:
        """Put what has come into its section."""
        parts = list(self.manuscript.sections)
        parts[event.index] = replace(parts[event.index], body=event.body)
        self.manuscript = replace(self.manuscript, sections=tuple(parts))
        repeated, scraps = (event.repeated, event.scraps) if isinstance(event, SectionDone) else (0, 0)
        self.written = replace(
            self.written,
            words=self.manuscript.words,
            section=event.index + 1,
            tokens=event.tokens,
            seconds=event.seconds,
            repeated=self.written.repeated + repeated,
            scraps=self.written.scraps + scraps,
        )
        self.came = self.came or bool(event.body)
        self.finished += isinstance(event, SectionDone)


class EssayTab:
    """The handlers of the tab. ``form`` is what the inputs say, in the order of ``read_form``."""

    def __init__(self, page: ChatPage) -> None:
        self._models = page.models
        self._stops = StopSignals()

    async def outline(self, lang: str, request: gr.Request, *form: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Show headings as the model gives them: (outline, state, status)."""
        assignment = read_form(*form)
        yield gr.skip(), None, _note(text(lang, "essay.outlining", n=1))
        stream = make_outline(self._models.engine(), assignment)
        ready = False
        try:
            async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as events:
                async for event in events:
                    if isinstance(event, OutlineReady):
                        ready = True
                        yield "\n".join(event.headings), None, _note(text(lang, "essay.outlined", n=event.attempt))
                    else:
                        shown = "\n".join(parse_outline(event.text))
                        yield shown, None, _note(text(lang, "essay.outlining", n=event.attempt))
        except errors.DemystifyError:
            yield gr.skip(), None, ""
            raise
        if not ready:
            yield gr.skip(), None, _note(text(lang, "essay.stopped"))

    async def write(self, lang: str, request: gr.Request, outline: str, *form: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Write all sections: (document, sections to choose, state, status)."""
        assignment = read_form(*form)
        headings = read_headings(OUTLINE.check(outline), assignment.words)
        manuscript = Manuscript(assignment.topic, "", tuple(Section(heading) for heading in headings))
        draft = _draft(manuscript, assignment, 0)
        stream = write_essay(self._models.engine(), assignment, headings)
        async for update in self._stream(lang, request, draft, stream, len(headings)):
            yield update

    async def again(
        self, lang: str, request: gr.Request, document: str, which: Any, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Write one section again with another seed; all else in the document stays as the visitor left it."""
        manuscript = from_markdown(DOCUMENT.check(document))
        count = len(manuscript.sections)
        if count == 0:
            raise errors.EmptyPrompt()
        index = Number("section", 1, 1, count).whole(which) - 1
        # The seed in the settings gave the text that is not wanted any more.
        values = list(form)
        values[SEED_PLACE] = random.randrange(2**31)  # noqa: S311 - chooses a text, protects nothing
        assignment = read_form(*values)
        old = manuscript.sections[index].body
        fair = assignment.words / count
        room = assignment.words - manuscript.words + count_words(old)
        budget = round(min(max(room, fair / 2), fair * 2))
        parts = list(manuscript.sections)
        parts[index] = replace(parts[index], body="")
        draft = _draft(replace(manuscript, sections=tuple(parts)), assignment, index)
        stream = write_section(self._models.engine(), assignment, parts, index, budget)
        async for update in self._stream(lang, request, draft, stream, 1):
            yield update

    async def _stream(
        self,
        lang: str,
        request: gr.Request,
        draft: _Draft,
        stream: AsyncGenerator[SectionText | SectionDone, None],
        wanted: int,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The draft as it grows. Whatever ends the stream, what has come stays; before a word has, the page does."""
        quiet = (gr.skip(), gr.skip())
        yield *quiet, draft.written, status_html(lang, draft.written)
        try:
            async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as events:
                async for event in events:
                    first = not draft.came
                    draft.take(event)
                    yield _shown(lang, draft, choices=first) if draft.came else (*quiet, *_shown(lang, draft)[2:])
        except errors.DemystifyError:
            draft.written = replace(draft.written, state="failed")
            yield _shown(lang, draft) if draft.came else (*quiet, None, "")
            raise
        done = draft.finished == wanted
        draft.written = replace(draft.written, state="done" if done else "stopped")
        if draft.came:
            yield _shown(lang, draft)
        else:
            yield *quiet, None, _note(text(lang, "essay.off" if done else "essay.stopped"))

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what the visitor's model is writing; what has come stays."""
        self._stops.stop(request.session_hash)

    def sections(self, lang: str, document: str, which: Any) -> Any:
        """The sections to choose from, after the visitor has changed the document."""
        return _choices(from_markdown(DOCUMENT.check(document)), which)

    def relabel(self, lang: str, written: Written | None) -> Any:
        """The status in another language."""
        return gr.skip() if written is None else status_html(lang, written)

    # The files are made in memory and go to the browser as text, which saves them: nothing is left on the server, not
    # even for the hour after which gradio would tidy its cache.

    def markdown(self, lang: str, document: str) -> str:
        """The document as it stands, in base64."""
        return _base64(_checked(document).encode("utf-8", "ignore"))

    def docx(self, lang: str, document: str) -> str:
        """The document as a Word file, in base64."""
        return _base64(to_docx(from_markdown(_checked(document))))


def read_form(
    topic: Any,
    audience: Any,
    tone: Any,
    words: Any,
    language: Any,
    temperature: Any,
    top_p: Any,
    penalty: Any,
    seed: Any,
    outline_prompt: Any,
    section_prompt: Any,
    opening: Any,
) -> Assignment:
    """What the inputs say, checked. Raises EmptyPrompt, InvalidInput."""
    about = " ".join(TOPIC.check(topic).split())
    if not about:
        raise errors.EmptyPrompt()
    sampling = sampling_settings(temperature, top_p, _LONGEST_REQUEST, seed, repetition_penalty=penalty)
    if sampling.seed is None:
        sampling = replace(sampling, seed=random.randrange(2**31))  # noqa: S311 - chooses a text, protects nothing
    asked = OUTLINE_PROMPT.check(outline_prompt)
    told, begun = SECTION_PROMPT.check(section_prompt), SECTION_OPENING.check(opening)
    return Assignment(
        topic=about,
        audience=" ".join(AUDIENCE.check(audience).split()) or AUDIENCE.default,
        tone=str(TONE.check(tone)),
        language=_LANGUAGE_NAMES[str(LANGUAGE.check(language))],
        words=WORDS.whole(words),
        sampling=sampling,
        prompts=Prompts(
            prompts.check("outline_prompt", asked, prompts.OUTLINE_NAMES, ("topic", "count")),
            prompts.check("section_prompt", told, prompts.SECTION_NAMES, ("topic",)),
            prompts.check("section_opening", begun, prompts.SECTION_NAMES, ()),
        ),
    )


def _draft(manuscript: Manuscript, assignment: Assignment, index: int) -> _Draft:
    words, seed = manuscript.words, assignment.sampling.seed or 0
    written = Written(assignment.words, words, index + 1, len(manuscript.sections), seed, before=words)
    return _Draft(manuscript, written)


def _shown(lang: str, draft: _Draft, choices: bool = False) -> tuple[Any, ...]:
    """Updates for: document, sections to choose, state, status."""
    chosen = _choices(draft.manuscript, draft.written.section) if choices else gr.skip()
    return to_markdown(draft.manuscript), chosen, draft.written, status_html(lang, draft.written)


def _choices(manuscript: Manuscript, which: Any) -> Any:
    options = [(f"{n}. {section.heading}", n) for n, section in enumerate(manuscript.sections, 1)]
    known = isinstance(which, int) and 1 <= which <= len(options)
    return gr.update(choices=options, value=which if known else 1 if options else None)


def _checked(document: str) -> str:
    if not DOCUMENT.check(document).strip():
        raise errors.EmptyPrompt()
    return document


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _note(sentence: str) -> str:
    return f'<p class="quiet">{escape(sentence)}</p>'


def status_html(lang: str, written: Written) -> str:
    """The words asked for and written, how far the work is, how fast, and what was left out."""
    label = text(lang, "essay.meter", words=number(lang, written.words), asked=number(lang, written.asked))
    rows = [(f"{written.section} / {written.sections}", text(lang, "essay.section_now"))]
    if written.seconds and written.tokens:
        rows.append((number(lang, written.tokens / written.seconds, 1), text(lang, "essay.speed")))
    new = written.words - written.before
    if written.state == "running" and new > 0:
        left = max(written.asked - written.words, 0) * written.seconds / new
        rows.append((f"≈ {number(lang, left)} s", text(lang, "essay.left")))
    elif written.state != "running":
        rows.append((f"{number(lang, written.seconds)} s", text(lang, "essay.took")))
    rows.append((str(written.seed), text(lang, "essay.used_seed")))
    notes = []
    if written.state in ("stopped", "failed"):
        notes.append(text(lang, f"essay.{written.state}"))
    if written.state == "done" and abs(written.words - written.asked) > 0.2 * written.asked:
        notes.append(text(lang, "essay.off"))
    if written.repeated or written.scraps:
        counts = {"repeated": number(lang, written.repeated), "scraps": number(lang, written.scraps)}
        notes.append(text(lang, "essay.dropped", **counts))
    return (
        meter_html(written.words / written.asked, label, kind="completion")
        + figures_html(rows)
        + "".join(_note(note) for note in notes)
    )
