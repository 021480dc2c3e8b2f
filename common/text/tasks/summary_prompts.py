"""What is put before a model for a summary: the instruction, examples of how it is done, and the text.

Without an example the model has to understand the instruction (zero-shot); with one or several solved examples before
it (one-shot, few-shot) it can also go on as they do. All of it is English: the embedded model has learned hardly
anything else. Knows nothing about engines.

Source: Brown et al. 2020, *Language Models are Few-Shot Learners* (arXiv:2005.14165).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from common.text.engine import Message
from common.text.tasks.prompts import fill

Kind = Literal["text", "dialogue"]
Form = Literal["line", "bullets", "abstract"]
KINDS: tuple[Kind, ...] = ("text", "dialogue")
FORMS: tuple[Form, ...] = ("line", "bullets", "abstract")

# The instruction stands after the text: a small model has forgotten one that stands before it.
SUMMARY_PROMPT = "Here is a {kind}:\n\n{text}\n\nSummarize the {kind} {form}."
MERGE_PROMPT = "Here are summaries of the parts of one {kind}:\n\n{text}\n\nSummarize the {kind} {form}."
SUMMARY_NAMES = ("text", "kind", "form", "words")
_FORM_WORDS = {
    "line": "in one short sentence",
    "bullets": "in three key points",
    "abstract": "in a short paragraph",
}
# Signs that chat templates put around turns: a text that brings its own could end its turn and begin another.
_CONTROL = re.compile(r"<(?=\|[^|<>\s]{1,40}\|>)|<(?=/?(?:s|bos|eos|start_of_turn|end_of_turn)>)|\[(?=/?INST\])")


@dataclass(frozen=True, slots=True)
class Shot:
    """A solved example: a text and its summary."""

    document: str
    summary: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """The templates, with names in braces where the inputs go.

    Attributes:
        summary: asks for the summary of a text.
        merge: asks for one summary of the summaries of a long text's parts.
        opening: how the answer is begun for the model; may be empty.
    """

    summary: str = SUMMARY_PROMPT
    merge: str = MERGE_PROMPT
    opening: str = ""


def harmless(text: str) -> str:
    """The text with a space inside whatever a chat template could take for the border of a turn."""
    return _CONTROL.sub(lambda found: f"{found[0]} ", text)


def messages(
    template: str, text: str, kind: Kind, form: Form, words: int, shots: Sequence[Shot] = ()
) -> tuple[Message, ...]:
    """The conversation that ends with the request: one turn and its answer per example, then the text."""

    def ask(document: str) -> Message:
        values = {"text": harmless(document), "kind": kind, "form": _FORM_WORDS[form], "words": str(words)}
        return Message("user", fill(template, values))

    turns: list[Message] = []
    for shot in shots:
        turns += [ask(shot.document), Message("assistant", harmless(shot.summary))]
    return (*turns, ask(text))


def opening_of(form: Form, opening: str) -> str:
    """How the answer begins: as the visitor wrote, or with the first bullet of a list."""
    return opening or ("-" if form == "bullets" else "")
