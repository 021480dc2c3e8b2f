"""Writing an essay with a model of any size: an outline first, then section by section, each with its share of words.

A small model loses the thread, repeats itself and ends too early or never. So it is asked for little at a time, its
sentences are read by ``prose`` as they come, and it goes on with its own text until the section has its share. All of
what is in the essay was written by the model; what it wrote may be left out. Knows nothing about pages, nor which
engine writes.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from common import errors
from common.errors import Phrase
from common.text.engine import GenerationRequest, Message, SamplingSettings, TextEngine, TokenBundle
from common.text.tasks.manuscript import Section, count_words
from common.text.tasks.prompts import GO_ON, OUTLINE_PROMPT, SECTION_OPENING, SECTION_PROMPT, fill
from common.text.tasks.prose import cut, read

MIN_WORDS, MAX_WORDS = 100, 1000
MAX_HEADINGS = 12
# A section with fewer words than this is hardly a paragraph.
_FEWEST_WORDS = 15
_LONGEST_HEADING = 80
# From the fourth answer on, the list is begun for the model.
_OUTLINE_TRIES, _BEGUN_FROM = 5, 4
_OUTLINE_TOKENS = 160
# A section is long enough from this share of its words; what it lacks goes to the sections after it.
_ENOUGH = 0.9
# How often a section is gone on with before it stays as short as it is.
_SECTION_TRIES = 12
# Tokens per word of English prose, with room for the end of the last sentence.
_TOKENS_PER_WORD, _ROOM = 1.5, 25
_NUMBERED = re.compile(r"^\s{0,3}(\d{1,2})[.)]\s+(.+)$")


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is put before the model, with the names of ``prompts`` in braces where the inputs go.

    Attributes:
        outline: asks for the headings.
        section: asks for the text below one heading.
        opening: how the model's answer to ``section`` is begun for it; may be empty.
    """

    outline: str = OUTLINE_PROMPT
    section: str = SECTION_PROMPT
    opening: str = SECTION_OPENING


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be written.

    Attributes:
        topic: in the visitor's words; the title.
        audience, tone, language: as the prompts say them, such as "beginners", "friendly", "English".
        words: length below the title, headings among it.
        sampling: ``seed`` is set; the requests of an essay get it and the numbers after it.
    """

    topic: str
    audience: str
    tone: str
    language: str
    words: int
    sampling: SamplingSettings
    prompts: Prompts = field(default_factory=Prompts)

    def names(self, **more: str) -> dict[str, str]:
        """The values of the names in braces."""
        told = {"topic": self.topic, "audience": self.audience, "tone": self.tone, "language": self.language}
        return {**told, "words": str(self.words), **more}

    def sampling_of(self, number: int, tokens: int) -> SamplingSettings:
        """The settings of the request with this number in the essay."""
        seed = ((self.sampling.seed or 0) + number) % 2**31
        return replace(self.sampling, seed=seed, max_new_tokens=tokens)


@dataclass(frozen=True, slots=True)
class OutlineText:
    """What the model has answered so far, in which try (from 1)."""

    text: str
    attempt: int


@dataclass(frozen=True, slots=True)
class OutlineReady:
    """The headings, and the try that gave them."""

    headings: tuple[str, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class SectionText:
    """A section while it is written.

    Attributes:
        index: its place.
        body: its text so far.
        tokens: that the model has written for the essay so far, also those that were left out.
        seconds: since the essay was begun.
    """

    index: int
    body: str
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SectionDone:
    """A section that is complete.

    Attributes:
        index, body, tokens, seconds: as in ``SectionText``.
        budget: words it should have.
        repeated, scraps: what was left out of the model's text, see ``prose.Prose``.
    """

    index: int
    body: str
    tokens: int
    seconds: float
    budget: int
    repeated: int
    scraps: int


@dataclass(slots=True)
class _Count:
    """What an essay has taken so far."""

    started: float = field(default_factory=time.perf_counter)
    requests: int = 0
    tokens: int = 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


def sections_for(words: int) -> int:
    """How many headings to ask for: one per 100 words or so, from 2 to 6."""
    return min(max(round(words / 120) + 1, 2), 6)


def parse_outline(text: str, most: int = MAX_HEADINGS) -> list[str]:
    """The headings of a numbered list in a model's answer: the first ``most``, without marks, none twice."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if (match := _NUMBERED.match(line)) and (heading := _tidy(match[2])) and re.search(r"[^\W\d_]", heading):
            found.setdefault(heading.lower(), heading)
    return list(found.values())[:most]


def _tidy(heading: str) -> str:
    """A heading on one line, without marks of Markdown and closing signs."""
    plain = re.sub(r"\s*\([^)]*\)\s*$", "", re.sub(r"[*_`#]+", "", heading))  # "(10 words)" is no part of one
    words = " ".join(plain.split()).strip(' .:;,–-"“”')
    return words if len(words) <= _LONGEST_HEADING else ""


def read_headings(outline: str, words: int) -> list[str]:
    """The headings that a writer left in the outline, one per line; a number before one is no part of it.

    Raises:
        InvalidInput: none, too many, too long, or too many for so few words.
    """
    lines = [" ".join(line.split()) for line in outline.splitlines()]
    headings = [re.sub(r"^(?:#+|[-*•]|\d{1,2}[.)])\s+", "", line) for line in lines if line]
    if not 1 <= len(headings) <= MAX_HEADINGS:
        raise errors.InvalidInput(field="outline", allowed=Phrase("headings_up_to", most=MAX_HEADINGS))
    if any(len(heading) > _LONGEST_HEADING for heading in headings):
        raise errors.InvalidInput(field="outline", allowed=Phrase("heading_letters", limit=_LONGEST_HEADING))
    if (words - sum(map(count_words, headings))) / len(headings) < _FEWEST_WORDS:
        raise errors.InvalidInput(field="outline", allowed=Phrase("headings_for_words", words=words))
    return headings


async def make_outline(engine: TextEngine, assignment: Assignment) -> AsyncGenerator[OutlineText | OutlineReady, None]:
    """Ask for the headings until an answer has them, each time with another seed, at last with the list begun.

    Raises:
        NoOutline: no answer was a list of headings.
    """
    many = sections_for(assignment.words)
    asked = Message("user", fill(assignment.prompts.outline, assignment.names(count=str(many))))
    for attempt in range(1, _OUTLINE_TRIES + 1):
        begun = "1." if attempt >= _BEGUN_FROM else ""
        messages = (asked, Message("assistant", begun)) if begun else (asked,)
        sampling = assignment.sampling_of(attempt - 1, _OUTLINE_TOKENS)
        answer = begun
        async with contextlib.aclosing(_pieces(engine, messages, sampling)) as pieces:
            async for piece, _ in pieces:
                answer += piece
                yield OutlineText(answer, attempt)
                if len(parse_outline(answer)) > many:  # the one after the last: the last is complete
                    break
        headings = parse_outline(answer, many)
        if len(headings) == many:
            yield OutlineReady(tuple(headings), attempt)
            return
    raise errors.NoOutline(tries=_OUTLINE_TRIES)


async def write_essay(
    engine: TextEngine, assignment: Assignment, headings: Sequence[str]
) -> AsyncGenerator[SectionText | SectionDone, None]:
    """Write all sections in order. Words that one has too few or too many are evened out by those after it."""
    count, done = _Count(), [Section(heading) for heading in headings]
    for index, heading in enumerate(headings):
        written = sum(count_words(f"{section.heading} {section.body}") for section in done)
        budget = max(round((assignment.words - written) / (len(done) - index)), _FEWEST_WORDS)
        async with contextlib.aclosing(write_section(engine, assignment, done, index, budget, count)) as events:
            async for event in events:
                done[index] = Section(heading, event.body)
                yield event


async def write_section(
    engine: TextEngine,
    assignment: Assignment,
    sections: Sequence[Section],
    index: int,
    budget: int,
    count: _Count | None = None,
) -> AsyncGenerator[SectionText | SectionDone, None]:
    """Write one section anew, about ``budget`` words long, knowing the others.

    Args:
        engine: who writes.
        assignment: what the essay is to be.
        sections: all of them; what stands in this one is not looked at.
        index: which one.
        budget: its words, without the heading.
        count: what the essay has taken before.
    """
    count = count or _Count()
    others = [section.body for place, section in enumerate(sections) if place != index]
    before = next((section.body for section in reversed(sections[:index]) if section.body), "")
    names = assignment.names(
        heading=sections[index].heading,
        outline="\n".join(f"{n}. {section.heading}" for n, section in enumerate(sections, 1)),
        before=" ".join(before.split()[-40:]),
    )
    names["words"] = str(budget)
    asked = Message("user", fill(assignment.prompts.section, names))
    opening = fill(assignment.prompts.opening, names)
    body, repeated, scraps, stuck = "", 0, 0, False
    for _ in range(_SECTION_TRIES):
        missing = budget - count_words(body)
        if missing <= (1 - _ENOUGH) * budget:
            break
        # When it has nothing to add to its own text, it begins again from the heading; what it repeats is left out.
        begun = "\n\n".join(part for part in (opening, "" if stuck else body) if part)
        messages = (asked, Message("assistant", begun)) if begun else (asked,)
        tokens = min(round(missing * _TOKENS_PER_WORD) + _ROOM, assignment.sampling.max_new_tokens)
        raw = ""
        prose = read("")
        async with contextlib.aclosing(
            _pieces(engine, messages, assignment.sampling_of(count.requests, tokens))
        ) as new:
            async for piece, many in new:
                raw += piece
                count.tokens += many
                prose = read(raw, [*others, body], growing=True)
                yield SectionText(index, _joined(body, prose.text, raw), count.tokens, count.seconds)
                if count_words(prose.text) > missing:
                    break
        count.requests += 1
        prose = read(raw, [*others, body])
        repeated, scraps = repeated + prose.repeated, scraps + prose.scraps
        longer = cut(_joined(body, prose.text, raw), budget)
        body, stuck = longer, longer == body
    yield SectionDone(index, body, count.tokens, count.seconds, budget, repeated, scraps)


def _joined(body: str, more: str, raw: str) -> str:
    """A section and what was added; a model that goes on with its own text says itself where a paragraph begins."""
    between = "\n\n" if raw.strip(" ").startswith("\n") else " "
    return between.join(part for part in (body, more) if part)


async def _pieces(
    engine: TextEngine, messages: tuple[Message, ...], sampling: SamplingSettings
) -> AsyncGenerator[tuple[str, int], None]:
    """New text and how many tokens it took, as it comes; a last message from the model is gone on with."""
    begun = messages[-1].role == "assistant"
    request = GenerationRequest(messages=messages, sampling=sampling, continue_last=begun)
    try:
        async with contextlib.aclosing(_texts(engine, request)) as texts:
            async for piece in texts:
                yield piece
    except errors.NotSupported:  # some remote servers cannot go on with an answer, and say so before they begin
        if not begun:
            raise
        asked_again = GenerationRequest(messages=(*messages, Message("user", GO_ON)), sampling=sampling)
        async with contextlib.aclosing(_texts(engine, asked_again)) as texts:
            async for piece in texts:
                yield piece


async def _texts(engine: TextEngine, request: GenerationRequest) -> AsyncGenerator[tuple[str, int], None]:
    async with contextlib.aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, TokenBundle):
                yield "".join(token.text for token in event.tokens if not token.special), len(event.tokens)
