"""What the Summary tab does: summarize, compare prompts, score, fill from a sample or a file. Layout: summary_tab.py.

What has been made lives in the visitor's session, so that it can be drawn again in another language or scored again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import gradio as gr
from chat_page import ChatPage
from summary_draw import (
    Contents,
    contents_html,
    growing_html,
    note,
    parts_html,
    progress_html,
    prompts_html,
    scores_html,
    supported_html,
    texts_html,
    way_html,
    writer_html,
)
from summary_form import FORM, OWN, REFERENCE, SAMPLE, SOURCE, as_dialogue, read_task
from summary_writers import BASE, WITH, WRITER, Writer, Writers

from common import errors
from common.config import settings
from common.documents import take_upload
from common.text.engine import TextEngine
from common.text.tasks.extract import LEAD, candidates, lead, lexrank
from common.text.tasks.manuscript import count_words
from common.text.tasks.orders import find_orders
from common.text.tasks.rouge import Rouge, rouge
from common.text.tasks.samples import Sample, examples, samples
from common.text.tasks.summarize import Job, Progress, Task, Work, plan, progress, prompt_tokens, summarize, write_all
from common.text.tasks.summary_prompts import Form, Shot
from common.text.tasks.support import Support, find_support
from common.text.tasks.wording import joined, units
from common.ui.fields import Link
from common.ui.i18n import error_text, number, text
from common.ui.streams import StopSignals


@dataclass(slots=True)
class Made:
    """One summary and what is known about it.

    Attributes:
        task, work: what was asked, and what the model has written.
        told: how far it is; None before the first word.
        state: "running", "done", "stopped" or "failed".
        orders: sentences of the text that speak to the model.
        source: the text's sentences or turns.
        writer: who has written it.
        earlier: (who, summary) of the others who have summarized the same text in the same form just before.
        support: what each sentence of the summary rests on; empty while it is written.
        prompts: (which, text) as the model read them; ``which`` is "whole", "first" or "merge".
    """

    task: Task
    work: Work
    orders: list[str]
    source: list[str]
    writer: Writer = field(default_factory=Writer)
    earlier: tuple[tuple[Writer, str], ...] = ()
    told: Progress | None = None
    state: str = "running"
    support: list[Support] = field(default_factory=list)
    prompts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The summary so far; of a long text, nothing before its parts are done."""
        return self.work.final.summary if self.work.final else ""


@dataclass(slots=True)
class Compared:
    """The same text summarized with no, one and several examples; ``jobs`` by their number."""

    task: Task
    jobs: dict[int, Job]
    state: str = "running"


class SummaryTab:
    """The handlers of the tab. ``form`` is what the inputs say, in the order of ``read_task``.

    Attributes:
        link: what the tab's addresses carry.
    """

    link: Link | None = None

    def __init__(self, page: ChatPage) -> None:
        self._models = page.models
        self._writers, self._in_hub = Writers(page.models, page.own), page.in_hub
        self._stops = StopSignals()
        # A quarter of the model's places: parts of 700 tokens then fill nearly half of the keys and values it keeps.
        self._places = asyncio.Semaphore(max(settings().max_active // 4, 2))

    # -- filling the inputs ---------------------------------------------------------------------------------------

    def choose(self, lang: str, sample: Any, form: Any) -> tuple[Any, ...]:
        """A sample of ours into the inputs: (text, kind, reference)."""
        found = _sample(sample)
        if found is None:
            return gr.skip(), gr.skip(), gr.skip()
        return found.document, found.kind, found.references[_form(form)]

    def refer(self, lang: str, sample: Any, form: Any) -> Any:
        """The sample's reference in another form; the visitor's own stays."""
        found = _sample(sample)
        return gr.skip() if found is None else found.references[_form(form)]

    def name_source(self, lang: str, source: Any, sample: Any) -> Any:
        """A sample that the visitor has changed is a text of their own."""
        found = _sample(sample)
        return gr.skip() if found is None or found.document == source else OWN

    async def upload(self, lang: str, file: Any) -> tuple[Any, ...]:
        """A visitor's file into the inputs; the file itself is deleted: (text, kind, sample, reference, status)."""
        document = await asyncio.to_thread(take_upload, Path(str(file)))
        if (letters := len(document.text)) > SOURCE.max_length:
            reason = errors.Phrase("document_letters", count=letters, limit=SOURCE.max_length)
            raise errors.DocumentTooLong(name=document.name, reason=reason)
        spoken = as_dialogue(document.text)
        words = number(lang, count_words(document.text))
        told = note(text(lang, "summary.uploaded", name=document.name, words=words))
        if document.empty_pages:
            told += note(text(lang, "summary.empty_pages", n=number(lang, document.empty_pages)))
        return spoken or document.text, "text" if spoken is None else "dialogue", OWN, "", told

    async def meter(self, lang: str, owner: Any, writer: Any, *form: Any) -> str:
        """How much of the context examples and text take; an input that cannot be used shows nothing yet."""
        try:
            task = (await self._writers.find(writer, owner)).asked(read_task(*form))
        except (errors.EmptyPrompt, errors.OnlyAddress, errors.InvalidInput, errors.NoSuchRun):
            return ""
        engine = self._models.engine()
        try:
            work = await plan(engine, task)
        except errors.PromptTooLong as problem:
            return note(text(lang, "summary.no_room", **problem.params))
        largest = max(work.levels[0], key=lambda job: len(job.source))
        whole = await prompt_tokens(engine, largest)
        bare = await prompt_tokens(engine, task.job(largest.source, shots=()))
        context = (await engine.info()).context
        counted = Contents(
            len(task.shots), whole - bare, bare, task.answer_tokens, context, len(work.levels[0]), work.estimated
        )
        return contents_html(lang, counted)

    # -- who writes -----------------------------------------------------------------------------------------------

    async def arrive(self, lang: str, owner: Any, request: gr.Request) -> tuple[Any, Any, str]:
        """When a page opens: who can write, and the one that its address names, as ``choose_writer`` gives it."""
        named = self.link.read(dict(request.query_params))[0].get("writer") if self.link else None
        switch, said, way = await self._switch(lang, owner, named or BASE, errors.NoRunOfLink())
        # What a visitor has chosen by now stays, unless the address has something to say.
        return switch if named is None else {"value": named, **switch}, said, way

    async def refresh_writers(self, lang: str, owner: Any, writer: Any) -> tuple[Any, Any, str]:
        """As ``choose_writer``, when nothing was chosen: of the page's own model there is nothing to say.

        While a page opens, the switch may still wait for what the address names, and what is said of that would go.
        """
        switch, said, way = await self.choose_writer(lang, owner, writer)
        return switch, said or gr.skip(), way

    async def choose_writer(self, lang: str, owner: Any, writer: Any) -> tuple[Any, str, str]:
        """Who can write, as things are now: (switch, what is said of the one that is chosen, how to train one).

        Of one that is no longer there it is said why, and the page's model takes its place.
        """
        return await self._switch(lang, owner, writer, errors.NoSuchRun())

    async def _switch(self, lang: str, owner: Any, writer: Any, gone: errors.NoSuchRun) -> tuple[Any, str, str]:
        """As ``choose_writer``; ``gone`` is what is said of a run that is not there."""
        own = await self._writers.runs(owner)
        names = [(text(lang, f"summary.writer_{name}"), name) for name in WRITER.options]
        choices = [*names, *((text(lang, "summary.writer_run", name=name), run_id) for name, run_id in own)]
        way = way_html(lang) if self._in_hub and not own else ""
        try:
            who = await self._writers.find(writer or BASE, owner)
        except errors.DemystifyError as met:
            problem = gone if isinstance(met, errors.NoSuchRun) else met
            return gr.update(choices=choices, value=BASE), note(error_text(lang, problem), "problem"), way
        return gr.update(choices=choices), writer_html(lang, who), way

    # -- writing --------------------------------------------------------------------------------------------------

    async def run(
        self, lang: str, request: gr.Request, before: Made | None, reference: Any, owner: Any, writer: Any, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Summarize, showing everything as it grows: (made, status, summary, scores, parts, prompts).

        ``before`` is what the page shows already: another writer's summary of the same text is scored beside this one.
        """
        task = read_task(*form)
        expected = REFERENCE.check(reference)
        who, engine = await self._writers.open(writer, owner)
        task = who.asked(task)
        yield None, note(text(lang, "summary.reading")), *[gr.skip()] * 4
        try:
            work = await plan(engine, task)
        except errors.DemystifyError:
            yield None, "", *[gr.skip()] * 4
            raise
        source = units(task.text, task.kind == "dialogue")
        made = Made(task, work, find_orders(source), source, who, _earlier(before, task, who))
        stream = summarize(engine, task, work, self._places)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as states:
            async for told in states:
                made.told = told
                shown = gr.skip() if len(work.levels[0]) == 1 else parts_html(lang, work.levels)
                yield made, _status(lang, made), growing_html(lang, made.summary, _words(made)), "", shown, gr.skip()
        problem = next((job.problem for job in work.jobs if job.problem is not None), None)
        finished = work.final is not None and work.final.finished
        made.told = progress(work)
        made.state = "failed" if problem else "done" if finished else "stopped"
        if finished:
            summary = units(made.summary, task.form == "bullets")
            made.support = await asyncio.to_thread(find_support, [_plain(one) for one in summary], source)
            made.prompts = await _prompts(engine, work)
        yield made, *await asyncio.to_thread(_drawn, lang, made, expected)
        if problem is not None:
            raise problem

    async def compare(
        self, lang: str, request: gr.Request, reference: Any, owner: Any, writer: Any, *form: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The same text with no, one and several examples before it, as one batch: (compared, drawing)."""
        task = read_task(*form)
        expected = REFERENCE.check(reference)
        who, engine = await self._writers.open(writer, owner)
        task = who.asked(task)
        ours = tuple(example.shot(task.form) for example in examples() if example.kind == task.kind)
        shots: tuple[Shot, ...] = task.shots if len(task.shots) > 1 else ours
        jobs = {many: task.job(task.text, shots=shots[:many]) for many in (0, 1, len(shots))}
        compared = Compared(task, jobs)
        stream = write_all(engine, list(jobs.values()), self._places)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as states:
            async for _ in states:
                yield compared, compared_html(lang, compared, "")
        problem = next((job.problem for job in jobs.values() if job.problem is not None), None)
        finished = all(job.finished for job in jobs.values())
        compared.state = "failed" if problem else "done" if finished else "stopped"
        yield compared, await asyncio.to_thread(compared_html, lang, compared, expected)
        if problem is not None:
            raise problem

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what the visitor's model is writing; what has come stays."""
        self._stops.stop(request.session_hash)

    # -- drawing again --------------------------------------------------------------------------------------------

    def score(self, lang: str, reference: Any, made: Made | None, compared: Compared | None) -> tuple[Any, ...]:
        """The scores against another reference: (scores, comparison)."""
        expected = REFERENCE.check(reference)
        first = gr.skip() if made is None or made.state != "done" else _scores(lang, made, expected)
        second = gr.skip() if compared is None else compared_html(lang, compared, expected)
        return first, second

    def relabel(self, lang: str, reference: Any, made: Made | None, compared: Compared | None) -> tuple[Any, ...]:
        """Everything in another language: (status, summary, scores, parts, prompts, comparison)."""
        expected = reference if isinstance(reference, str) else ""
        shown = [gr.skip()] * 5 if made is None or made.state == "running" else _drawn(lang, made, expected)
        return *shown, gr.skip() if compared is None else compared_html(lang, compared, expected)


def _sample(name: Any) -> Sample | None:
    wanted = SAMPLE.check(name or OWN)
    return next((sample for sample in samples() if sample.id == wanted), None)


def _form(value: Any) -> Form:
    return cast(Form, FORM.check(value))


def _words(made: Made) -> int:
    return count_words(made.summary)


def _plain(unit: str) -> str:
    return unit.removeprefix("- ")


async def _prompts(engine: TextEngine, work: Work) -> list[tuple[str, str]]:
    """The first and the last prompt as the model read them; none where the engine cannot tell."""
    wanted = [("whole", work.levels[0][0])] if len(work.levels) == 1 else [("first", work.levels[0][0])]
    if len(work.levels) > 1 and work.final is not None:
        wanted.append(("merge", work.final))
    try:
        return [(which, "".join(token.text for token in await engine.tokenize(job.request))) for which, job in wanted]
    except errors.NotSupported:
        return []


def _status(lang: str, made: Made) -> str:
    drawn = progress_html(lang, made.told, made.state) if made.told else ""
    if made.writer.choice == WITH:
        names = {"model": made.writer.base, "adapter": made.writer.name}
        drawn += note(text(lang, "summary.adapted", form=text(lang, "summary.form_line"), **names))
    elif made.writer.choice != BASE:
        drawn += note(text(lang, "summary.by_run", model=made.writer.base, name=made.writer.name))
    if made.orders:
        drawn += note(
            text(lang, "summary.orders", n=number(lang, len(made.orders)), first=made.orders[0][:160]), "note"
        )
    if made.work.estimated:
        drawn += note(text(lang, "summary.estimated"))
    return drawn


def _drawn(lang: str, made: Made, reference: str) -> list[str]:
    """Status, summary, scores, parts and prompts of a summary that is no longer written."""
    if made.support:
        bullets = made.task.form == "bullets"
        summary = supported_html(lang, made.support, made.source, _words(made), bullets)
    else:
        summary = growing_html(lang, made.summary, _words(made)) if made.summary else ""
        if made.state == "done":
            summary = note(text(lang, "summary.nothing"))
    named = [(text(lang, f"summary.prompt_{which}"), shown) for which, shown in made.prompts]
    scores = _scores(lang, made, reference) if made.support else ""
    return [_status(lang, made), summary, scores, parts_html(lang, made.work.levels), prompts_html(lang, named)]


def _scores(lang: str, made: Made, reference: str) -> str:
    """ROUGE of the summary beside the two baselines that write nothing."""
    if not reference.strip():
        return note(text(lang, "summary.no_reference"))
    count, dialogue = (1 if made.task.form == "line" else LEAD), made.task.kind == "dialogue"
    sentences = made.source if dialogue else candidates(made.source)
    rows = [
        *((who.name or text(lang, "summary.the_model"), "", told) for who, told in _told(made)),
        (f"Lead-{count}", text(lang, "summary.lead"), joined(lead(sentences, count), dialogue)),
        (f"LexRank-{count}", text(lang, "summary.lexrank"), joined(lexrank(sentences, count), dialogue)),
    ]
    return scores_html(lang, [(name, small, told, rouge(told, reference)) for name, small, told in rows])


def _told(made: Made) -> tuple[tuple[Writer, str], ...]:
    return (made.writer, made.summary), *made.earlier


def _earlier(before: Made | None, task: Task, who: Writer) -> tuple[tuple[Writer, str], ...]:
    """What others than ``who`` have made of the same text in the same form, each once."""
    if before is None or before.state != "done":
        return ()
    asked, now = ((one.text, one.kind, one.form, one.words) for one in (before.task, task))
    return tuple((one, told) for one, told in _told(before) if one.choice != who.choice) if asked == now else ()


def compared_html(lang: str, compared: Compared, reference: str) -> str:
    """The three summaries side by side, then their scores when they are complete and there is a reference."""
    rows: list[tuple[str, str, str]] = []
    scored: list[tuple[str, str, str, Rouge]] = []
    for many, job in compared.jobs.items():
        kind = "zero" if many == 0 else "one" if many == 1 else "few"
        name = f"{text(lang, f'summary.shots_{kind}')} ({number(lang, many)})"
        small = text(lang, "summary.tokens", read=number(lang, job.prompt_tokens), written=number(lang, job.tokens))
        rows.append((name, job.summary or text(lang, "summary.waiting"), small))
        if job.finished and reference.strip():
            scored.append((name, small, job.summary, rouge(job.summary, reference)))
    if len(scored) == len(rows):
        return scores_html(lang, scored)
    ended = note(text(lang, f"summary.{compared.state}")) if compared.state in ("stopped", "failed") else ""
    return texts_html(rows) + ended
