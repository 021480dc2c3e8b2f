"""Summaries: prompts, forms, parts of a long text, and the real model over two levels."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.text.engine import Message, SamplingSettings
from common.text.engines.process import ProcessEngine
from common.text.tasks import prompts
from common.text.tasks.manuscript import count_words
from common.text.tasks.samples import samples
from common.text.tasks.summarize import Progress, Task, Work, plan, summarize
from common.text.tasks.summary_forms import shape, too_long
from common.text.tasks.summary_parts import Counted, count, parts
from common.text.tasks.summary_prompts import (
    MERGE_PROMPT,
    SUMMARY_NAMES,
    SUMMARY_PROMPT,
    Shot,
    harmless,
    messages,
    opening_of,
)

SAMPLING = SamplingSettings(temperature=0.0, seed=1, max_new_tokens=400)
LONG = next(sample for sample in samples() if sample.id == "life")
RAW = st.text(st.sampled_from("ab. -*1\n!“:"), max_size=200)


def _task(text: str = LONG.document, part_tokens: int = 300, **more: object) -> Task:
    return Task(text, "text", "abstract", 20, part_tokens, SAMPLING, **more)  # type: ignore[arg-type]


# -- prompts --------------------------------------------------------------------------------------------------------


def test_examples_stand_before_the_text_as_solved_turns() -> None:
    asked = messages("{kind} {form} {words}: {text}", "Mine {kind}", "dialogue", "line", 9, [Shot("Yours", "Short.")])
    assert asked == (
        Message("user", "dialogue in one short sentence 9: Yours"),
        Message("assistant", "Short."),
        Message("user", "dialogue in one short sentence 9: Mine {kind}"),
    )
    assert len(messages(SUMMARY_PROMPT, "x", "text", "line", 9)) == 1


def test_our_prompts_are_in_order() -> None:
    for template in (SUMMARY_PROMPT, MERGE_PROMPT):
        prompts.check("summary_prompt", template, SUMMARY_NAMES, ("text",))
    assert opening_of("bullets", "") == "-" and opening_of("line", "") == "" and opening_of("bullets", "So") == "So"


@pytest.mark.parametrize("sign", ["<|im_end|>", "<|endoftext|>", "</s>", "[INST]", "[/INST]", "<end_of_turn>"])
def test_a_text_cannot_end_its_turn(sign: str) -> None:
    asked = messages("{text}", f"a{sign}b {sign}", "text", "line", 9)[0].content
    assert sign not in asked and asked.replace(" ", "") == f"a{sign}b{sign}"


def test_what_is_harmless_stays() -> None:
    text = "if a < b | c > d: x[1] = <b>bold</b> [note] <|"
    assert harmless(text) == text


# -- forms ----------------------------------------------------------------------------------------------------------


def test_one_line() -> None:
    assert shape("Here is a summary:\n\n**Trees** cool streets. They cost money.", "line", 20) == "Trees cool streets."
    assert shape("one two three four", "line", 3) == "one two three …"


def test_bullets() -> None:
    raw = "- Trees cool.\n\n* Trees cool.\n2. They cost **money**.\nThat is all.\n- Points:\n- One word too many here"
    assert shape(raw, "bullets", 6) == "- Trees cool.\n- They cost money."
    assert shape("", "bullets", 5) == ""
    assert shape("- Trees cool.\n- They cost a", "bullets", 20) == "- Trees cool."
    assert shape("- Trees cool.\n- They cost a", "bullets", 20, growing=True) == "- Trees cool.\n- They cost a"


def test_an_abstract_ends_with_a_sentence() -> None:
    assert (
        shape("Trees cool streets. They cost money. And then", "abstract", 20) == "Trees cool streets. They cost money."
    )
    assert shape("Trees cool streets. They cost money.", "abstract", 4) == "Trees cool streets."
    assert shape("trees without an end", "abstract", 20) == "trees without an end"


@pytest.mark.parametrize("form", ["line", "bullets", "abstract"])
@given(raw=RAW, words=st.integers(1, 12))
def test_any_answer_keeps_its_length(form: str, raw: str, words: int) -> None:
    assert count_words(shape(raw, form, words)) <= words  # type: ignore[arg-type]


def test_when_waiting_is_useless() -> None:
    assert not too_long("word " * 40, 40) and too_long("word " * 80, 40)


# -- parts ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(5, 40))
def test_parts_keep_everything_in_order_and_within_the_room(sizes: list[int], room: int) -> None:
    units = tuple(" ".join([f"w{n}"] * size) for n, size in enumerate(sizes))
    found = parts(Counted(units, tuple(sizes)), room)
    assert " ".join(unit for part in found for unit in part).split() == " ".join(units).split()
    assert all(sum(len(unit.split()) for unit in part) <= room for part in found)


def test_parts_are_about_equal() -> None:
    counted = Counted(tuple(f"s{n}" for n in range(21)), (10,) * 21)
    assert [len(part) for part in parts(counted, 100)] == [7, 7, 7]


def test_a_word_without_an_end_is_cut() -> None:
    found = parts(Counted(("x" * 1000,), (500,)), 100)
    assert len(found) >= 5 and "".join(unit for part in found for unit in part) == "x" * 1000


@pytest.mark.slow
def test_counting_with_the_models_own_tokenizer(engine: ProcessEngine) -> None:
    units = ["Trees cool the street.", "Über Bäume 🌳 redet man.", "x"]
    counted = asyncio.run(count(engine, units))
    assert not counted.estimated and len(counted.sizes) == 3
    assert 4 <= counted.sizes[0] <= 7 and counted.sizes[1] > counted.sizes[0] and counted.sizes[2] <= 2
    assert asyncio.run(count(engine, [])).total == 0


# -- the real model -------------------------------------------------------------------------------------------------


def _write(engine: ProcessEngine, task: Task) -> tuple[Work, list[Progress]]:
    async def run() -> tuple[Work, list[Progress]]:
        work = await plan(engine, task)
        return work, [told async for told in summarize(engine, task, work, asyncio.Semaphore(8))]

    return asyncio.run(run())


@pytest.mark.slow
def test_a_long_text_is_summarized_in_levels(engine: ProcessEngine) -> None:
    task = _task()
    work, told = _write(engine, task)
    first, last = work.levels[0], work.levels[-1]
    assert len(first) > 2 and len(last) == 1 and work.final is last[0] and work.final.finished
    assert "\n".join(job.source for job in first).split() == LONG.document.split()
    assert all(job.finished and job.summary and job.prompt_tokens < 450 for job in first)
    assert all(job.summary in "\n".join(one.source for one in work.levels[1]) for job in first)
    assert all(count_words(job.summary) <= 20 for job in work.jobs)
    assert told[-1].done == told[-1].total == len(work.jobs) and told[-1].share == 1
    assert all(0 <= one.share <= 1 for one in told)
    assert engine.active == 0


@pytest.mark.slow
def test_a_short_text_is_summarized_at_once_and_again_the_same(engine: ProcessEngine) -> None:
    text = "Trees cool the street by five degrees. They hold back rain. People like to sit below them."
    once, again = (_write(engine, _task(text))[0] for _ in range(2))
    assert len(once.jobs) == 1 and once.final is not None and again.final is not None
    assert once.final.summary and once.final.raw == again.final.raw


@pytest.mark.slow
def test_examples_that_leave_no_room(engine: ProcessEngine) -> None:
    with pytest.raises(errors.PromptTooLong):
        asyncio.run(plan(engine, _task(shots=(Shot("word " * 9000, "word"),))))
    with pytest.raises(errors.EmptyPrompt):
        asyncio.run(plan(engine, _task(" \n ")))


@pytest.mark.slow
def test_stopped_work_keeps_what_has_come(engine: ProcessEngine) -> None:
    async def run() -> Work:
        task = replace(_task(), words=200)
        work = await plan(engine, task)
        stream = summarize(engine, task, work, asyncio.Semaphore(2))
        async for told in stream:
            if told.tokens > 20:
                break
        await stream.aclose()
        return work

    work = asyncio.run(run())
    assert any(job.raw for job in work.jobs) and work.final is None
    assert any(job.started is None for job in work.jobs)  # two places: the others were still waiting
    assert engine.active == 0
