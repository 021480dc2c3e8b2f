"""What a tool is: a name, what it is for, a JSON schema of its arguments, and a function that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common import errors

# Only letters and signs that a JSON string needs no backslash for. A pattern that says what is allowed, with an end, is
# one that a small model gets out of again.
WORDS = r"^[ !#-\[\]-~À-ɏ]{1,%d}$"


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave.

    Attributes:
        words: all that the model reads of it.
        picture: a PNG file; empty if there is none.
        shows: what the picture shows.
    """

    words: str
    picture: bytes = b""
    shows: str = ""


def _nothing() -> None:
    """Most tools are ready as they are."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may ask for.

    Attributes:
        name: what a call names it.
        purpose: one English sentence, for the prompt.
        properties: JSON schema of each argument, by name; all are texts, and all are needed.
        run: does it, given the arguments by name; its result, in words if that is all. Raises ToolFailed.
        examples: questions in English with the arguments of the call that answers each; a small model picks the right
            tool far more often from examples than from a description.
        copied: arguments that are words of the question in a row, and how many at most. Held to that, a small model
            cannot misspell a name or invent another.
        quoted: arguments that a question may spell out, with a pattern: what it finds in the question is the argument.
        named: arguments that are one of a few options, and how a question names each, as a pattern; the model chooses
            among those that are named, if any is.
        answered: a question, a result and the answer made of it, where a small model needs to see one: the examples
            that come with every result answer with a figure.
        seconds: after which it has failed.
        prepare: begins what its first run would wait for, and returns at once; while a person looks at the call, there
            is time for that.
    """

    name: str
    purpose: str
    properties: Mapping[str, Mapping[str, Any]]
    run: Callable[..., Awaitable[str | Result]]
    examples: tuple[tuple[str, Mapping[str, str]], ...] = ()
    copied: Mapping[str, int] = field(default_factory=dict)
    quoted: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answered: tuple[str, str, str] | None = None
    seconds: float = 10.0
    prepare: Callable[[], None] = _nothing


# Tools by name.
Toolbox = Mapping[str, Tool]


class ToolFailed(errors.InvalidCall):
    """A call that cannot be read, or that its tool cannot do; ``reason`` says why."""

    def __init__(self, reason: errors.Phrase) -> None:
        super().__init__(reason=reason)
