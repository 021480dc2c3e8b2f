"""Summaries of texts of any length: at once where a text fits, else part by part and then of those (map-reduce).

All requests of a level start together, so the model writes them as one batch. The summaries in between are kept. This
module knows nothing about pages, nor which engine writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from common import errors
from common.text.engine import Finished, GenerationRequest, Message, PromptRead, SamplingSettings, TextEngine
from common.text.engine import TokenBundle as Bundle
from common.text.tasks.prompts import GO_ON
from common.text.tasks.summary_forms import shape, too_long
from common.text.tasks.summary_parts import count, parts
from common.text.tasks.summary_prompts import Form, Kind, Prompts, Shot, messages, opening_of
from common.text.tasks.wording import joined, units

MIN_WORDS, MAX_WORDS = 10, 200
# How often the state of the work is told, in seconds.
_TELL_SECONDS = 0.4
# Tokens per word of English prose, with room for the end of the last sentence.
_TOKENS_PER_WORD, _ROOM = 1.5, 25
# A part smaller than this has hardly anything to summarize.
_SMALLEST_PART = 60


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be summarized and how.

    Attributes:
        text, kind: the source, and whether it is a text or a dialogue (one turn per line).
        form, words: of the summary; ``words`` is its longest length.
        part_tokens: a longer text is cut into parts of at most this many tokens.
        sampling: ``seed`` is set; ``max_new_tokens`` is the most one answer may take.
        prompts: the templates.
        shots: solved examples that stand before the text.
    """

    text: str
    kind: Kind
    form: Form
    words: int
    part_tokens: int
    sampling: SamplingSettings
    prompts: Prompts = field(default_factory=Prompts)
    shots: tuple[Shot, ...] = ()

    @property
    def answer_tokens(self) -> int:
        """The most tokens one summary may take."""
        return min(round(self.words * _TOKENS_PER_WORD) + _ROOM, self.sampling.max_new_tokens)

    def job(self, source: str, *, merge: bool = False, shots: Sequence[Shot] | None = None) -> Job:
        """The request for one summary."""
        template = self.prompts.merge if merge else self.prompts.summary
        # The examples show texts, not summaries of parts: they would only mislead when summaries are put together.
        before = () if merge else self.shots if shots is None else shots
        asked = messages(template, source, self.kind, self.form, self.words, before)
        sampling = replace(self.sampling, max_new_tokens=self.answer_tokens)
        return Job(source, asked, opening_of(self.form, self.prompts.opening), self.form, self.words, sampling)


@dataclass(slots=True)
class Job:
    """One summary, filled while it is written.

    Attributes:
        source: what it summarizes.
        messages, opening: what is put before the model, and how its answer is begun.
        form, words, sampling: as asked.
        raw: what the model has written, the opening included.
        tokens, prompt_tokens: written, and read before (0 until known).
        started: moment (``time.perf_counter``) when it was sent to the model; None while it waits for a place.
        finished: complete; stays False when the work was stopped before.
        problem: why there is no complete summary.
    """

    source: str
    messages: tuple[Message, ...]
    opening: str
    form: Form
    words: int
    sampling: SamplingSettings
    raw: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    started: float | None = None
    finished: bool = False
    problem: errors.DemystifyError | None = None

    @property
    def summary(self) -> str:
        """What has come so far, in the form that was asked for."""
        return shape(self.raw, self.form, self.words, growing=not self.finished)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.finished or self.problem is not None

    @property
    def request(self) -> GenerationRequest:
        """What the engine is asked."""
        begun = (Message("assistant", self.opening),) if self.opening else ()
        return GenerationRequest(
            messages=(*self.messages, *begun), sampling=self.sampling, continue_last=bool(self.opening)
        )


@dataclass(slots=True)
class Work:
    """A summary in the making, level by level.

    Attributes:
        levels: the first has one job per part of the text; each later one summarizes the summaries before it. The last
            one has a single job, whose summary is the summary.
        estimated: parts were measured by letters, since the engine cannot count.
        started: moment it began.
    """

    levels: list[list[Job]] = field(default_factory=list)
    estimated: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def jobs(self) -> list[Job]:
        """All jobs so far."""
        return [job for level in self.levels for job in level]

    @property
    def final(self) -> Job | None:
        """The job whose summary is the summary; None while there are only parts."""
        last = self.levels[-1] if self.levels else []
        return last[0] if len(last) == 1 else None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Attributes:
        done, total: summaries, those still to be planned included.
        level: the one being written, from 1.
        tokens: written so far.
        seconds, seconds_left: since the beginning, and at most to come by the speed so far (None before the first
            token).
        share: part of the work that is done, 0 to 1; half-written summaries count as half.
    """

    done: int
    total: int
    level: int
    tokens: int
    seconds: float
    seconds_left: float | None
    share: float


async def plan(engine: TextEngine, task: Task) -> Work:
    """The first level: one job, or one per part.

    Raises:
        EmptyPrompt, PromptTooLong: the examples leave no room for a text.
    """
    dialogue = task.kind == "dialogue"
    counted = await count(engine, units(task.text, dialogue))
    if not counted.units:
        raise errors.EmptyPrompt()
    room = task.part_tokens
    if context := (await engine.info()).context:  # some remote servers do not say
        frame = await prompt_tokens(engine, task.job(""))
        room = min(room, context - frame - task.answer_tokens)
        if room < _SMALLEST_PART:
            raise errors.PromptTooLong(tokens=frame + task.answer_tokens + _SMALLEST_PART, limit=context)
    if counted.total <= room:
        return Work([[task.job(task.text)]], counted.estimated)
    cut = parts(counted, room)
    return Work([[task.job(joined(part, dialogue)) for part in cut]], counted.estimated)


async def prompt_tokens(engine: TextEngine, job: Job) -> int:
    """How many tokens the job's prompt has; a guess by letters where the engine cannot count."""
    try:
        return len(await engine.tokenize(job.request))
    except errors.NotSupported:
        return math.ceil(sum(len(message.content) for message in job.request.messages or ()) / 3)


async def summarize(
    engine: TextEngine, task: Task, work: Work, places: asyncio.Semaphore
) -> AsyncGenerator[Progress, None]:
    """Write all levels that ``plan`` began, adding those that put summaries together.

    Closing the generator ends what is being written; what has come stays in ``work``.

    Args:
        engine: who writes.
        task: what is asked.
        work: filled as the tokens come.
        places: how many summaries all visitors together may have with the model at a time.
    """
    while True:
        level = work.levels[-1]
        async with contextlib.aclosing(write_all(engine, level, places)) as told:
            async for _ in told:
                yield progress(work)
        if len(level) == 1 or not all(job.finished for job in level):
            return
        summaries = [job.summary for job in level if job.summary]
        if not summaries:
            return
        work.levels.append(await _merge(engine, task, summaries, len(level)))
        yield progress(work)


async def _merge(engine: TextEngine, task: Task, summaries: Sequence[str], many: int) -> list[Job]:
    """The next level: one job when all summaries fit, else one per group, always fewer than before."""
    counted = await count(engine, summaries)
    room = max(task.part_tokens, math.ceil(2 * counted.total / many))  # two in a group at least, or it would not end
    return [task.job("\n".join(group), merge=True) for group in _groups(summaries, counted.sizes, room)]


def _groups(summaries: Sequence[str], sizes: Sequence[int], room: int) -> list[list[str]]:
    """Neighbours together, as many as fit and at least two where there are two."""
    groups: list[list[str]] = []
    filled = room + 1
    for summary, size in zip(summaries, sizes, strict=True):
        if filled + size > room and not (groups and len(groups[-1]) == 1):
            groups.append([])
            filled = 0
        groups[-1].append(summary)
        filled += size
    return groups


async def write_all(engine: TextEngine, jobs: Sequence[Job], places: asyncio.Semaphore) -> AsyncGenerator[None, None]:
    """Write jobs at the same time, telling now and then. One that cannot be written says so; the others go on."""
    tasks = [asyncio.create_task(_write(engine, job, places)) for job in jobs]
    pending = set(tasks)
    try:
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_TELL_SECONDS)
            yield
        await asyncio.gather(*tasks)  # an error that is not for users is raised here
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write(engine: TextEngine, job: Job, places: asyncio.Semaphore) -> None:
    async with places:
        job.started = time.perf_counter()
        try:
            try:
                await _fill(engine, job, job.request)
            except errors.NotSupported:  # some remote servers cannot go on with an answer, and say so at once
                if not job.opening:
                    raise
                begun = (Message("assistant", job.opening), Message("user", GO_ON))
                await _fill(engine, job, GenerationRequest(messages=(*job.messages, *begun), sampling=job.sampling))
            job.finished = True
        except errors.DemystifyError as problem:
            job.problem = problem


async def _fill(engine: TextEngine, job: Job, request: GenerationRequest) -> None:
    job.raw, job.tokens = job.opening, 0
    async with contextlib.aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, PromptRead):
                job.prompt_tokens = event.tokens
            elif isinstance(event, Bundle):
                for token in event.tokens:  # one by one: where it ends must not depend on how they were bundled
                    job.raw += "" if token.special else token.text
                    job.tokens += 1
                    if too_long(job.raw, job.words):
                        return
            elif isinstance(event, Finished):
                job.prompt_tokens = event.prompt_tokens


def progress(work: Work) -> Progress:
    """How far the work is now."""
    jobs, last = work.jobs, work.levels[-1]
    more = 1 if len(last) > 1 else 0  # the summary of the summaries
    seconds = time.perf_counter() - work.started
    tokens = sum(job.tokens for job in jobs)
    missing = sum(job.sampling.max_new_tokens - job.tokens for job in jobs if not job.done)
    missing += more * last[0].sampling.max_new_tokens
    return Progress(
        done=sum(job.done for job in jobs),
        total=len(jobs) + more,
        level=len(work.levels),
        tokens=tokens,
        seconds=seconds,
        seconds_left=missing * seconds / tokens if tokens else None,
        share=1.0 if not more and all(job.done for job in jobs) else tokens / max(tokens + missing, 1),
    )
