"""How fast this machine trains a model further: a guess by its cores, then what its own runs have shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import hardware
from common.config import Settings
from common.training.config import FinetuneConfig, Method
from common.training.runs import TrainingRuns
from common.training.speed import finetune_steps, measured_finetune_flops


def _run(runs: TrainingRuns, name: str, method: Method, tokens_per_second: float) -> None:
    made = runs.create(FinetuneConfig(name=name, base="/base", method=method), "{}")
    made.folder.write_json("data.json", {"parameters": 1_000_000})
    for step in range(1, 7):
        made.folder.append("step", step=step, loss=1.0, tokens_per_second=tokens_per_second, seconds=float(step))


def test_a_guess_by_cores_and_then_the_runs_that_compute_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    runs = TrainingRuns(Settings(runs_dir=tmp_path, max_runs_per_visitor=9))
    guesses = {}
    for half in (False, True):
        monkeypatch.setattr(hardware, "cpu_has_bf16", lambda half=half: half)
        guesses[half] = measured_finetune_flops(runs, "lora", 2)
        assert guesses[half] == 2 * measured_finetune_flops(runs, "lora", 1)
    assert guesses[True] > 2 * guesses[False] == 2 * measured_finetune_flops(runs, "full", 2)
    _run(runs, "half", "lora", 5000.0)
    _run(runs, "whole", "full", 1000.0)
    assert measured_finetune_flops(runs, "dora", 2) == 5000 * 1_000_000 * 4
    assert measured_finetune_flops(runs, "full", 2) == 1000 * 1_000_000 * 6
    assert finetune_steps(1e6, "lora", 512, 5, 2e10) > finetune_steps(1e6, "lora", 512, 5, 1e10)
