"""How long a run takes: read from runs, measured by a short real one, kept by settings, and turned into steps."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from common import hardware
from common.config import Settings
from common.training import timing
from common.training.config import FinetuneConfig, Pace, ScratchConfig, Shape
from common.training.instructions import pair, to_jsonl
from common.training.runs import Run, TrainingRuns
from common.training.samples import sample_text
from common.training.timing import Timing

TEXT = sample_text("story")[:30_000]
CONFIG = ScratchConfig(name="mine", shape=Shape(layers=1, heads=2, width=16, context=16), pace=Pace(steps=500, batch=4))
SIZE = len(set(TEXT)) + 2


@pytest.fixture
def runs(tmp_path: Path) -> TrainingRuns:
    return TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=9))


def _done(runs: TrainingRuns, name: str, step_seconds: float, **changes: Any) -> Run:
    """A run that has written down what a run writes down: it began at 1000, and its first step ended at 1010."""
    config = CONFIG.model_copy(update={"name": name, **changes})
    run = runs.create(config, TEXT)
    run.folder.write_json("process.json", {"pid": 1, "begun": 1000.0})
    run.folder.write_json("data.json", {"vocabulary": SIZE})
    rate = config.pace.batch * config.shape.context / step_seconds
    lines: list[dict[str, Any]] = [
        {"type": "step", "time": 1010.0, "step": 1, "loss": 4.0, "tokens_per_second": 0.0, "seconds": 0}
    ]
    for step in range(10, 101, 10):
        at = 1010.0 + step * step_seconds
        lines += [{"type": "step", "time": at, "step": step, "loss": 3.0, "tokens_per_second": rate, "seconds": 0}]
    last = lines[-1]["time"]
    lines += [{"type": "eval", "time": last + 0.5, "step": 100, "loss": 3.0}]
    lines += [{"type": "sample", "time": last + 2.0, "step": 100, "loss": 3.0, "text": "x"}]
    run.folder.write_text("events.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return run


def test_a_run_tells_what_it_took(runs: TrainingRuns) -> None:
    found = timing.of_run(_done(runs, "one", 0.25).folder, 5)
    assert found == Timing(pytest.approx(9.75), pytest.approx(0.25), pytest.approx(0.5), pytest.approx(1.5))


def test_a_run_counts_for_its_own_settings_alone_and_the_newest_first(runs: TrainingRuns) -> None:
    _done(runs, "other shape", 9.0, shape=Shape(layers=2, heads=2, width=16, context=16))
    _done(runs, "other way", 9.0, compiled=True)
    assert timing.known(runs, CONFIG, SIZE) is None and timing.wanted(runs, CONFIG, SIZE)
    _done(runs, "mine", 0.25)
    found = timing.known(runs, CONFIG, SIZE)
    assert found is not None and found.step == pytest.approx(0.25)
    assert timing.known(runs, CONFIG, SIZE + 1) is None
    assert not timing.wanted(runs, CONFIG, SIZE)


def test_a_run_that_was_interrupted_tells_nothing(runs: TrainingRuns) -> None:
    run = _done(runs, "mine", 0.25)
    run.folder.append("resumed", step=50)
    assert timing.of_run(run.folder, 1) is None


@pytest.mark.parametrize("config", [CONFIG, FinetuneConfig(name="x", base="/base")])
def test_steps_fill_the_minutes(config: ScratchConfig | FinetuneConfig) -> None:
    took = Timing(start=10, step=0.1, look=0.5, sample=1.0)
    steps = took.steps(config, 3)
    assert took.seconds(config, steps) == pytest.approx(180, abs=0.2)
    assert took.steps(config, 0.1) == timing._FEWEST[config.kind]  # too little time for anything: a run all the same
    assert took.steps(config, 6) > 2 * steps


@pytest.mark.slow
def test_a_short_run_of_a_model_that_exists(runs: TrainingRuns, tiny_llama: Path) -> None:
    data = to_jsonl([pair(f"What is {number}?", f"It is {number}.") for number in range(20)])
    config = FinetuneConfig(name="x", base=str(tiny_llama), row=64, pace=Pace(batch=2, weight_decay=0))
    found = asyncio.run(timing.measure(runs, config, data, 0))
    assert found is not None and min(found.step, found.look, found.sample) > 0
    assert timing.known(runs, config, 0) == found


def test_who_takes_too_long_is_not_tried_again(runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_PATIENCE", 0.1)
    monkeypatch.setattr(timing, "_LOOK_SECONDS", 0.1)
    assert asyncio.run(timing.measure(runs, CONFIG, TEXT, SIZE)) is None
    assert timing.known(runs, CONFIG, SIZE) is None and not timing.wanted(runs, CONFIG, SIZE)


@pytest.mark.slow
@pytest.mark.parametrize(("load", "again"), [(3.0, False), (95.0, True)], ids=["idle", "busy"])
def test_a_short_real_run_measures_is_kept_and_is_done_again_soon_if_the_machine_was_busy(
    runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch, load: float, again: bool
) -> None:
    monkeypatch.setattr(hardware, "load", lambda seconds: load)
    found = asyncio.run(timing.measure(runs, CONFIG, TEXT, SIZE))
    assert found is not None and min(found.start, found.step, found.look, found.sample) > 0
    assert timing.known(runs, CONFIG, SIZE) == found and runs.all() == []
    assert timing.known(runs, CONFIG.model_copy(update={"pace": Pace(batch=8)}), SIZE) is None
    assert not timing.wanted(runs, CONFIG, SIZE)
    (kept,) = (runs.settings.runs_dir / "speed").iterdir()
    os.utime(kept, (time.time() - 400, time.time() - 400))
    assert timing.wanted(runs, CONFIG, SIZE) is again
    assert timing.known(runs, CONFIG, SIZE) == found  # until then it is better than a guess


def test_a_real_run_has_the_cores_for_itself(runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.create(CONFIG, TEXT)
    process = psutil.Process()
    run.folder.write_json("process.json", {"pid": process.pid, "begun": process.create_time()})
    assert not timing.wanted(runs, CONFIG, SIZE)
    monkeypatch.setattr(timing, "_LOOK_SECONDS", 0.1)
    assert asyncio.run(timing.measure(runs, CONFIG, TEXT, SIZE)) is None
    run.folder.write_json("result.json", {"state": "finished"})
    assert timing.wanted(runs, CONFIG, SIZE)


def test_what_fails_is_not_measured(runs: TrainingRuns) -> None:
    broken = CONFIG.model_copy(update={"shape": Shape(layers=1, heads=3, width=16, context=16)})
    assert asyncio.run(timing.measure(runs, broken, TEXT, SIZE)) is None
    assert timing.known(runs, broken, SIZE) is None
