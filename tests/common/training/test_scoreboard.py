"""Which runs stand on one board, in what order, and with which figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from common.config import Settings
from common.training.config import FinetuneConfig, ScratchConfig
from common.training.instructions import pair, to_jsonl
from common.training.runs import Run, TrainingRuns
from common.training.scoreboard import boards

EXAMPLES = to_jsonl([pair(f"Question {number}?", f"Answer {number}.") for number in range(20)])


@pytest.fixture
def runs(tmp_path: Path) -> TrainingRuns:
    return TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=20))


def finished(runs: TrainingRuns, name: str, loss: float, data: str = EXAMPLES, **config: Any) -> Run:
    """A run that has written down what a run writes down, without having trained."""
    values = {"owner": "a" * 32, "base": "/base", "base_title": "Base", **config}
    run = runs.create(FinetuneConfig(name=name, **values), data)
    run.folder.append("eval", step=0, loss=4.0, seconds=0.0)
    run.folder.append("eval", step=9, loss=loss, seconds=60.0)
    run.folder.model.mkdir()
    (run.folder.model / "adapter_config.json").write_text("{}")
    (run.folder.model / "adapter_model.safetensors").write_bytes(b"0" * 2_000_000)
    run.folder.write_json("data.json", {"parameters": 1_100, "trainable": 100})
    run.folder.write_json("result.json", {"state": "finished", "test_loss": loss, "seconds": 90.0, "peak_mb": 700.0})
    return runs.find(run.folder.id)


def test_the_base_stands_first_and_the_best_run_next(runs: TrainingRuns) -> None:
    finished(runs, "one", 2.5)
    finished(runs, "two", 2.0, method="full")
    (board,) = boards(runs.all())
    assert [score.run.config.name if score.run else "" for score in board.scores] == ["", "two", "one"]
    base, best, second = board.scores
    assert (base.loss, base.parameters) == (4.0, 1_100)  # of a full training nothing was added
    assert best.perplexity == pytest.approx(math.exp(2.0))
    assert (second.trainable, second.parameters, second.megabytes) == (100, 1_100, 2.0)
    assert second.cost(per_hour=4.0) == pytest.approx(0.1)
    assert len(board.test) == 2 and len(board.train) == 18
    assert not set(board.test) & set(board.train)


def test_an_adapter_is_no_part_of_the_base(runs: TrainingRuns) -> None:
    finished(runs, "one", 2.5)
    assert boards(runs.all())[0].scores[0].parameters == 1_000


def test_only_what_was_tested_on_the_same_is_compared(runs: TrainingRuns) -> None:
    finished(runs, "one", 2.5)
    finished(runs, "other base", 2.5, base="/other")
    finished(runs, "longer rows", 2.5, row=128)
    finished(runs, "other examples", 2.5, data=EXAMPLES + to_jsonl([pair("More?", "Yes.")]))
    found = boards(runs.all())
    assert [len(board.scores) for board in found] == [2] * 4
    assert len({board.key for board in found}) == 4


def test_what_has_no_test_or_no_model_is_on_no_board(runs: TrainingRuns) -> None:
    assert boards(runs.all()) == []
    runs.create(ScratchConfig(name="scratch", owner="b" * 32), "text")
    waiting = FinetuneConfig(name="waiting", owner="b" * 32, base="/base")
    runs.create(waiting, EXAMPLES)
    failed = finished(runs, "failed", 2.5)
    failed.folder.write_json("result.json", {"state": "failed"})
    gone = finished(runs, "gone", 2.5)
    (gone.folder.model / "adapter_config.json").unlink()
    assert boards(runs.all()) == []
