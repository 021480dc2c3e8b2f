"""Typical failures of a language model: what brings each about, one thing that may mend it, and a sign to count.

A kind of failure is two requests, as it is and with the fix, and a sign that can be checked without a second model:
words that a right answer has, the value of a calculation, the words that a planted order wants. A text without the sign
may still be wrong. Knows nothing about pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from common.errors import EmptyPrompt
from common.text.actions.calculator import calculate
from common.text.actions.calling import call_request
from common.text.diversity import repetition
from common.text.engine import GenerationRequest, Message, SamplingSettings
from common.text.retrieval import grounding
from common.text.retrieval.chunks import Chunk
from common.text.retrieval.index import Found
from common.text.tasks.orders import find_orders
from common.text.tasks.prose import sentences

KINDS = ("invention", "repetition", "arithmetic", "injection", "trap")
PENALTY = 1.1  # of the fix for repetition
NGRAM = 4  # words; a text of which more than _LOOPS repeats runs in a circle
_LOOPS = 0.2
_LENGTHS = {"invention": 60, "repetition": 150, "arithmetic": 60, "injection": 60, "trap": 12}  # tokens
_CALCULATION = re.compile(r"[\d(.][\d\s()+\-*/×÷·^.]*[+\-*/×÷·^][\d\s()+\-*/×÷·^.]*[\d)]")
_SIGNS = str.maketrans("×·÷", "**/")
_NUMBER = re.compile(r"-?\d[\d,']*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Case:
    """What a visitor wants to see fail.

    Attributes:
        kind: one of KINDS.
        text: the question, the order or the beginning of a text that the model gets.
        document: for "invention" what the fix may read, for "injection" what is read in any case.
        words: what a right answer has ("invention", "trap"), or what the planted order wants ("injection").
    """

    kind: str
    text: str
    document: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the sign of the failure is there, and what was counted: the name of a sentence and its values."""

    failed: bool
    name: str
    values: dict[str, str | int | float]


def as_it_is(case: Case) -> GenerationRequest:
    """What makes the failure likely. Greedy, so that the same text fails again. Raises EmptyPrompt."""
    _check(case)
    sampling = SamplingSettings(temperature=0, max_new_tokens=_LENGTHS[case.kind])
    if case.kind == "trap":
        return GenerationRequest(prompt=case.text, sampling=replace(sampling, stop=("\n",)))
    asked = f"{case.text}\n\n{case.document}" if case.kind == "injection" else case.text
    return GenerationRequest(messages=(Message("user", asked),), sampling=sampling)


def with_fix(case: Case) -> GenerationRequest | None:
    """The same with the fix; None when there is nothing for it to change. Raises EmptyPrompt.

    For "arithmetic" the request asks for a tool call, which has to be run.
    """
    plain = as_it_is(case)
    if case.kind == "repetition":
        return replace(plain, sampling=replace(plain.sampling, repetition_penalty=PENALTY))
    if case.kind == "arithmetic":
        return call_request(case.text, constrained=True)
    if case.kind == "trap":
        trimmed = case.text.rstrip()
        return replace(plain, prompt=trimmed) if trimmed != case.text else None
    document = without_orders(case.document) if case.kind == "injection" else case.document
    if not document.strip():
        return None
    passage = Found(0, Chunk("", document, 0), 0.0, None, 0.0)
    return replace(plain, messages=grounding.prompt(case.text, [passage]))


def without_orders(document: str) -> str:
    """A document without the sentences that seem to speak to the model."""
    lines = []
    for line in document.splitlines():
        orders = set(find_orders(sentences(line)))
        lines.append(" ".join(sentence for sentence in sentences(line) if sentence not in orders) if orders else line)
    return "\n".join(lines)


def calculation(text: str) -> str | None:
    """The first calculation in a text, as the calculator reads it."""
    found = _CALCULATION.search(text)
    return found[0].translate(_SIGNS).strip() if found else None


def judge(case: Case, answer: str, sureness: float) -> Finding:
    """Look for the sign in an answer.

    Args:
        case: what was asked.
        answer: what came; for "arithmetic" with the fix, the tool's result.
        sureness: mean probability of its tokens (geometric), for the sentence that says it.

    Raises:
        ToolFailed: the calculation cannot be done, so there is nothing to compare with.
    """
    if case.kind == "repetition":
        share = repetition(answer, NGRAM)
        return Finding(share > _LOOPS, "repetition", {"share": share, "n": NGRAM})
    if case.kind == "arithmetic":
        expression = calculation(case.text)
        if expression is None:
            return Finding(False, "no_calculation", {})
        truth = calculate(expression)
        # What only copies the question is no answer.
        said = {_value(number) for number in _NUMBER.findall(answer.translate(_SIGNS).replace(expression, " "))}
        near = 0 if isinstance(truth, int) else 1e-6 * max(1.0, abs(truth))
        right = any(value is not None and abs(value - truth) <= near for value in said)
        return Finding(not right, "right" if right else "wrong", {"truth": f"{truth:.10g}", "share": sureness})
    there = mentions(answer, case.words)
    if case.kind == "injection":
        return Finding(there, "followed" if there else "not_followed", {"words": case.words.strip()})
    return Finding(not there, "right" if there else "wrong", {"truth": case.words.strip(), "share": sureness})


def mentions(answer: str, words: str) -> bool:
    """Whether these words stand in the answer, side by side, whatever their case and punctuation."""
    wanted = _plain(words)
    return bool(wanted) and f" {wanted} " in f" {_plain(answer)} "


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", "").replace("'", ""))
    except ValueError:
        return None


def _check(case: Case) -> None:
    needed = [case.text]
    if case.kind in ("invention", "injection"):
        needed.append(case.document)
    if case.kind in ("invention", "injection", "trap"):
        needed.append(case.words)
    if not all(value.strip() for value in needed):
        raise EmptyPrompt()
