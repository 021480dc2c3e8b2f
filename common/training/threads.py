"""How many threads train fastest now: tried on the run's own steps, for it changes with what else the machine does.

The steps of a small model are hundreds of operations of a tenth of a millisecond, after each of which all threads wait
for the slowest. Alone on two cores two threads take 0.7 of one's time; where others work on the same cores, as in a
room full of chats, the waiting costs more than the second thread brings, by far, and one alone is faster.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_TRIED_STEPS = 8  # with each number of threads
_HOPELESS = 2.0  # times the time of another number: after two such steps it is clear
_AGAIN_SECONDS = 30.0


class Threads(TrainerCallback):
    """Takes one thread or all that the process was given, whichever did a step faster when last tried.

    What is tried is trained, too: no step is done twice. Numbers are the same up to rounding.
    """

    def __init__(self) -> None:
        self._choices = sorted({1, torch.get_num_threads()})
        self._took: dict[int, list[float]] = {}
        self._begun = 0.0
        self._next_trial = 0.0

    @property
    def trying(self) -> bool:
        """Whether the next step is part of a trial."""
        return len(self._choices) > 1 and time.monotonic() >= self._next_trial

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the number that has been tried least, of those worth a try."""
        if self.trying:
            torch.set_num_threads(min(self._open(), key=lambda threads: len(self._took.get(threads, ()))))
        self._begun = time.monotonic()

    def _open(self) -> list[int]:
        """The numbers that have not been tried enough yet."""
        best = min((min(took) for took in self._took.values()), default=0.0)

        def open_(threads: int) -> bool:
            took = self._took.get(threads, [])
            return len(took) < _TRIED_STEPS and (len(took) < 2 or min(took) < _HOPELESS * best)

        return [threads for threads in self._choices if open_(threads)]

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Note what it took; after the last step of a trial decide."""
        if not self.trying:
            return
        self._took.setdefault(torch.get_num_threads(), []).append(time.monotonic() - self._begun)
        if not self._open():
            torch.set_num_threads(min(self._took, key=lambda threads: statistics.median(self._took[threads])))
            self._took.clear()
            self._next_trial = time.monotonic() + _AGAIN_SECONDS
