"""The number of threads is the one with which the run's own steps were faster, and is tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from common.training import threads
from common.training.threads import Threads


class _Clock:
    """Time that only steps take."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Clock]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    clock = _Clock()
    monkeypatch.setattr(threads, "time", clock)
    yield clock
    torch.set_num_threads(before)


def _steps(callback: Threads, clock: _Clock, count: int, seconds: dict[int, float]) -> list[int]:
    """Steps that take so long with each number of threads; the numbers they ran with."""
    control, state = TrainerControl(), TrainerState()
    arguments = TrainingArguments(use_cpu=True)
    used = []
    for _ in range(count):
        callback.on_step_begin(arguments, state, control)
        used.append(torch.get_num_threads())
        clock.now += seconds[torch.get_num_threads()]
        callback.on_step_end(arguments, state, control)
    return used


def test_both_are_tried_then_the_faster_one_is_kept_until_the_machine_has_changed(clock: _Clock) -> None:
    callback = Threads()
    alone, busy = {1: 0.05, 2: 0.03}, {1: 0.06, 2: 0.2}
    tried = _steps(callback, clock, 16, alone)
    assert tried.count(1) == tried.count(2) == 8
    assert set(_steps(callback, clock, 500, alone)) == {2}  # half a minute less the trial's
    clock.now += threads._AGAIN_SECONDS
    tried = _steps(callback, clock, 10, busy)
    assert (tried.count(1), tried.count(2)) == (8, 2)  # three times as slow: no more of those
    assert set(_steps(callback, clock, 400, busy)) == {1}


def test_one_thread_stays_one(clock: _Clock) -> None:
    torch.set_num_threads(1)
    callback = Threads()
    assert not callback.trying
    assert set(_steps(callback, clock, 50, {1: 0.05})) == {1}
