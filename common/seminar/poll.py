"""What everybody guessed before the answer was shown: one question at a time, one guess a visitor, kept in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

# More visitors than any room holds; a program that votes under ever new names ends here.
MOST_VISITORS = 5000


@dataclass(frozen=True, slots=True)
class PollState:
    """What a page draws.

    Attributes:
        question: id of the question on screen; empty when none was asked.
        choices: number of answers to choose from.
        counts: votes for each answer.
        own: the visitor's own guess, counted from 0; None without one.
        revealed: whether the answer is shown.
        version: changes with every change of any of these, but ``own``.
    """

    question: str
    choices: int
    counts: tuple[int, ...]
    own: int | None
    revealed: bool
    version: int


@dataclass(slots=True)
class _Question:
    choices: int
    guesses: dict[str, int] = field(default_factory=dict)
    revealed: bool = False


class Poll:
    """The room's guesses, for all questions asked since the last reset. Safe to use from several threads."""

    def __init__(self) -> None:
        self._questions: dict[str, _Question] = {}
        self._current = ""
        self._version = 0
        self._lock = threading.Lock()

    def ask(self, question: str, choices: int) -> None:
        """Put a question on every screen; one that was asked before keeps its guesses."""
        with self._lock:
            if self._current != question:
                self._questions.setdefault(question, _Question(choices))
                self._current = question
                self._version += 1

    def guess(self, visitor: str, choice: int) -> bool:
        """Count a visitor's guess, instead of an earlier one.

        Returns:
            Whether it counts: not without a question, after the answer was shown, or for a choice that is none.
        """
        with self._lock:
            asked = self._questions.get(self._current)
            if asked is None or asked.revealed or not 0 <= choice < asked.choices:
                return False
            if visitor not in asked.guesses and len(asked.guesses) >= MOST_VISITORS:
                return False
            asked.guesses[visitor] = choice
            self._version += 1
            return True

    def reveal(self) -> None:
        """Show the answer to the question on screen; guesses count no more."""
        with self._lock:
            if self._current:
                self._questions[self._current].revealed = True
                self._version += 1

    def reset(self, question: str | None = None) -> None:
        """Forget the guesses of one question, or everything."""
        with self._lock:
            if question is None:
                self._questions.clear()
                self._current = ""
            elif question in self._questions:
                self._questions[question] = _Question(self._questions[question].choices)
            self._version += 1

    def state(self, visitor: str = "") -> PollState:
        """The question on screen as this visitor sees it."""
        with self._lock:
            asked = self._questions.get(self._current)
            if asked is None:
                return PollState("", 0, (), None, False, self._version)
            counts = [0] * asked.choices
            for choice in asked.guesses.values():
                counts[choice] += 1
            own = asked.guesses.get(visitor)
            return PollState(self._current, asked.choices, tuple(counts), own, asked.revealed, self._version)
