"""The prompt that a run's examples have in common, when they show how texts are summarized: told from them alone.

Whoever lets the run's model write later has to ask it in the words that it learned with. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.training.instructions import Example

PLACE = "{text}"
# An answer that is less than this much shorter than its text is a rewriting or a reply, not a summary.
_LEAST_SHORTER = 2
_BREAK = "\n\n"  # between an instruction and a text


def summary_template(examples: Sequence[Example]) -> str:
    """The template of the prompts, with ``{text}`` where each example has its own text.

    Empty unless all examples are one question and one answer, the questions are a text before or after the same
    instruction, with an empty line between, and the answers are less than half as long as the texts, on average.
    """
    if any([turn.role for turn in example] != ["user", "assistant"] for example in examples):
        return ""
    questions, answers = ([example[place].content.strip() for example in examples] for place in (0, 1))
    if len(set(questions)) < 2:
        return ""
    # Texts may begin or end alike, too ("Anna: Hi"): the instruction goes no further than to an empty line.
    before = _until_break(questions)
    rest = [question[len(before) :] for question in questions]
    after = _until_break([question[::-1] for question in rest])[::-1]
    texts = [question[: len(question) - len(after)] for question in rest]
    shorter = _LEAST_SHORTER * sum(map(len, answers)) < sum(map(len, texts))
    if not (before + after).strip() or "{" in before + after or not shorter:
        return ""
    return f"{before}{PLACE}{after}"


def _until_break(texts: Sequence[str]) -> str:
    """How all of them begin, up to the last empty line within."""
    first, last = min(texts), max(texts)  # what these two share, those between them share as well
    same = next((place for place, sign in enumerate(first) if last[place : place + 1] != sign), len(first))
    return first[: first[:same].rfind(_BREAK) + len(_BREAK)] if _BREAK in first[:same] else ""
