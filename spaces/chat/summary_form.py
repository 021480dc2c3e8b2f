"""The inputs of the Summary tab: what they may be, and what they say together as a task."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any, cast

from chat_page import REPETITION_PENALTY, TEMPERATURE, sampling_settings

from common import errors
from common.config import settings
from common.text.tasks import prompts
from common.text.tasks.samples import examples, samples
from common.text.tasks.summarize import MAX_WORDS, MIN_WORDS, Task
from common.text.tasks.summary_prompts import (
    FORMS,
    KINDS,
    MERGE_PROMPT,
    SUMMARY_NAMES,
    SUMMARY_PROMPT,
    Form,
    Kind,
    Prompts,
    Shot,
)
from common.ui.fields import Choice, Number, Several, Text

# A document may be ten times as long as what else is put before the model: it is read in parts.
SOURCE = Text("text", "", 10 * settings().max_prompt_chars)
OWN = "own"
SAMPLE = Choice("sample", samples()[0].id, (*(sample.id for sample in samples()), OWN))
KIND = Choice("summary_kind", KINDS[0], KINDS)
FORM = Choice("summary_form", "abstract", FORMS)
WORDS = Number("summary_words", 60, MIN_WORDS, MAX_WORDS, 5)
PART_TOKENS = Number("part_tokens", 700, 100, 3000, 50)
SHOTS = Several("shots", (), tuple(example.id for example in examples()))
SHOT_DOCUMENT = Text("shot_document", "", 4_000)
SHOT_SUMMARY = Text("shot_summary", "", 1_500)
SUMMARY_TEMPLATE = Text("summary_prompt", SUMMARY_PROMPT, 2_000)
MERGE_TEMPLATE = Text("merge_prompt", MERGE_PROMPT, 2_000)
OPENING = Text("summary_opening", "", 500)
REFERENCE = Text("reference", "", 10_000)
# Greedy and without a penalty: a summary should say again what the text says, and both were better when measured.
SUMMARY_TEMPERATURE = replace(TEMPERATURE, default=0.0)
SUMMARY_PENALTY = replace(REPETITION_PENALTY, default=1.0)
_LONGEST_ANSWER = min(400, settings().max_new_tokens)
# A turn begins with a name and a colon; in a paragraph, after the end of a sentence.
_SPEAKER = re.compile(r"\s*(#?[^\W\d][\w .#’'-]{0,30}):\s")
_TURN = re.compile(r"(?<=[.!?…\"”»)])\s+(?=[^\W\d_a-z][\w#’'-]{0,20}(?: [^\W\d_a-z][\w#’'-]{0,20}){0,2}:\s)")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)


def check_source(value: Any) -> str:
    """The text to summarize. Raises EmptyPrompt, OnlyAddress, InvalidInput."""
    source = SOURCE.check(value)
    if not source.strip():
        raise errors.EmptyPrompt()
    if _ADDRESS.fullmatch(source.strip()):
        raise errors.OnlyAddress()
    return source


def read_shots(chosen: Any, form: Form, document: Any, summary: Any) -> tuple[Shot, ...]:
    """The examples that were chosen, then the visitor's own. Raises InvalidInput: one half of it is missing."""
    picked = SHOTS.check(chosen or [])
    shots = [example.shot(form) for example in examples() if example.id in picked]
    text, told = SHOT_DOCUMENT.check(document).strip(), SHOT_SUMMARY.check(summary).strip()
    if bool(text) != bool(told):
        missing = SHOT_SUMMARY if text else SHOT_DOCUMENT
        raise errors.InvalidInput(field=missing.name, allowed=errors.Phrase("both_halves"))
    return (*shots, Shot(text, told)) if text else tuple(shots)


def read_task(
    source: Any,
    kind: Any,
    form: Any,
    words: Any,
    part_tokens: Any,
    shots: Any,
    shot_document: Any,
    shot_summary: Any,
    summary_prompt: Any,
    merge_prompt: Any,
    opening: Any,
    temperature: Any,
    top_p: Any,
    penalty: Any,
    seed: Any,
) -> Task:
    """What the inputs say, checked. Raises EmptyPrompt, OnlyAddress, InvalidInput."""
    sampling = sampling_settings(temperature, top_p, _LONGEST_ANSWER, seed, repetition_penalty=penalty)
    if sampling.seed is None:
        sampling = replace(sampling, seed=random.randrange(2**31))  # noqa: S311 - chooses a text, protects nothing
    asked, merged = SUMMARY_TEMPLATE.check(summary_prompt), MERGE_TEMPLATE.check(merge_prompt)
    wanted = cast(Form, FORM.check(form))
    return Task(
        text=check_source(source),
        kind=cast(Kind, KIND.check(kind)),
        form=wanted,
        words=WORDS.whole(words),
        part_tokens=PART_TOKENS.whole(part_tokens),
        sampling=sampling,
        prompts=Prompts(
            prompts.check(SUMMARY_TEMPLATE.name, asked, SUMMARY_NAMES, ("text",)),
            prompts.check(MERGE_TEMPLATE.name, merged, SUMMARY_NAMES, ("text",)),
            OPENING.check(opening),
        ),
        shots=read_shots(shots, wanted, shot_document, shot_summary),
    )


def as_dialogue(text: str) -> str | None:
    """A text in which speakers take turns, one turn per line, also when it came as one paragraph; None for others."""
    lines = [line for block in text.splitlines() for line in _TURN.split(block) if line.strip()]
    named = [found[1] for line in lines if (found := _SPEAKER.match(line))]
    # Somebody speaks twice: a list of terms with explanations looks the same otherwise.
    return "\n".join(lines) if len(named) >= max(2, 0.7 * len(lines)) and len(set(named)) < len(named) else None
