"""Examples to fine-tune on: conversations, each with at least one answer that is to be learned.

They come from a file (four forms, told apart by the names of the columns), from a persona, or are written by hand.
How they become tokens is packing.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import errors
from common.documents.read import display_name
from common.errors import Phrase
from common.training.uploads import listed, read_table, take_text

KINDS = (".csv", ".jsonl")
FEWEST, MOST = 5, 20_000
LONGEST = 20_000  # characters of one example
_HELD_OUT = 0.1
_MOST_HELD_OUT = 32  # enough for a loss to two digits, and few enough that looking at them takes no minute
_ROLES = ("system", "user", "assistant")
_WANTED = "“messages”, “instruction” + “response”, “dialogue” + “summary”, “document” + “summary”"
# How a summary is asked for, by the column that the text stands in.
_SUMMARIZE = {
    "dialogue": "Summarize this conversation in one or two sentences.",
    "document": "Summarize this text in one or two sentences.",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; the answers are those of role "assistant"."""

    role: str
    content: str


Example = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Conversations to learn from and some to test with.

    Attributes:
        train, test: the first ones, and the last tenth (one at least), which the model never learns from.
        repeated: how many were left out, since they were copies.
    """

    train: tuple[Example, ...]
    test: tuple[Example, ...]
    repeated: int = 0

    def __len__(self) -> int:
        return len(self.train) + len(self.test)


def pair(question: str, answer: str) -> Example:
    """A question and the answer to it."""
    return Turn("user", question.strip()), Turn("assistant", answer.strip())


def split(examples: Sequence[Example]) -> Examples:
    """Copies left out, the last tenth held out.

    Raises:
        UnusableExamples: too few, too many, one that is too long, or one whose answer is empty.
    """
    found = tuple(dict.fromkeys(examples))
    if len(found) < FEWEST:
        raise errors.UnusableExamples(reason=Phrase("examples_few", count=len(found), limit=FEWEST))
    if len(found) > MOST:
        raise errors.UnusableExamples(reason=Phrase("examples_many", count=len(found), limit=MOST))
    for place, example in enumerate(found, start=1):
        if sum(len(turn.content) for turn in example) > LONGEST:
            raise errors.UnusableExamples(reason=Phrase("example_long", place=place, limit=LONGEST))
        if any(turn.role == "assistant" and not turn.content.strip() for turn in example):
            raise errors.UnusableExamples(reason=Phrase("answer_empty", place=place))
    held_out = min(_MOST_HELD_OUT, max(1, round(len(found) * _HELD_OUT)))
    return Examples(found[:-held_out], found[-held_out:], len(examples) - len(found))


def read_examples(path: Path) -> list[Example]:
    """The examples in an uploaded CSV or JSONL; the file is deleted. Call it in a thread.

    A row has ``messages`` (a list of role and content), or ``instruction`` (perhaps with ``input``) and ``response`` or
    ``output``, or ``dialogue`` and ``summary``, or ``document`` and ``summary``.

    Raises:
        WrongColumns: none of these; says which were found.
        UnusableExamples: a conversation without an answer.
        UnsupportedDocument, DocumentTooLarge, DocumentBroken, DocumentNotText, UploadGone.
    """
    name, kind = display_name(path.name), path.suffix.lower()
    rows = read_table(take_text(path, KINDS), kind, name)
    return [_example(row, name, place) for place, row in enumerate(rows, start=1)]


def _example(row: dict[str, Any], name: str, place: int) -> Example:
    messages = row.get("messages")
    if isinstance(messages, list):
        return _conversation(messages, place)
    question, answer = row.get("instruction"), row.get("response", row.get("output"))
    if isinstance(question, str) and isinstance(answer, str):
        more = row.get("input")
        return pair(f"{question}\n\n{more}" if isinstance(more, str) and more.strip() else question, answer)
    summary = row.get("summary")
    for column, asked in _SUMMARIZE.items():
        source = row.get(column)
        if isinstance(source, str) and isinstance(summary, str):
            return pair(f"{asked}\n\n{source}", summary)
    raise errors.WrongColumns(name=name, found=listed(row), wanted=_WANTED)


def _conversation(messages: list[Any], place: int) -> Example:
    turns = []
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            raise errors.UnusableExamples(reason=Phrase("message_malformed", place=place))
        turns.append(Turn(role, content))
    if not turns or turns[-1].role != "assistant":
        raise errors.UnusableExamples(reason=Phrase("example_no_answer", place=place))
    return tuple(turns)


def to_jsonl(examples: Iterable[Example]) -> str:
    """The examples as the run's file has them: one conversation a line."""
    return "".join(
        json.dumps({"messages": [{"role": turn.role, "content": turn.content} for turn in example]}, ensure_ascii=False)
        + "\n"
        for example in examples
    )


def from_jsonl(text: str) -> list[Example]:
    """What ``to_jsonl`` wrote."""
    return [
        tuple(Turn(message["role"], message["content"]) for message in json.loads(line)["messages"])
        for line in text.split("\n")
        if line.strip()
    ]
