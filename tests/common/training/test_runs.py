"""Runs: trained in a folder, killed and resumed, stopped, refused, in a fair line."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import errors
from common.config import Settings
from common.training import run as child
from common.training.config import Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.progress import last_checkpoint
from common.training.room import Kills
from common.training.runs import ANYBODY, TrainingRuns, seconds_left
from common.training.samples import sample_text

TEXT = sample_text("story")[:30_000]
SMALL = Shape(layers=1, heads=2, width=16, context=16)
PACE = Pace(steps=40, batch=4, learning_rate=5e-3, evaluate_every=10, checkpoint_seconds=60)


def _config(owner: str = "a", name: str = "mine", **changes: Any) -> ScratchConfig:
    return ScratchConfig(name=name, owner=owner, shape=SMALL, pace=PACE.model_copy(update=changes))


def _folder(place: Path, config: ScratchConfig) -> RunFolder:
    place.mkdir(parents=True)
    folder = RunFolder(place)
    folder.write_text("corpus.txt", TEXT)
    folder.write_json("config.json", config.model_dump(mode="json"))
    return folder


def _losses(folder: RunFolder) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in folder.events() if event["type"] == "step"}


@pytest.fixture
def runs(tmp_path: Path) -> TrainingRuns:
    return TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs=1, max_runs_per_visitor=2))


@pytest.mark.slow
def test_a_run_learns_writes_and_leaves_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setattr("common.training.scratch.app_settings", lambda: Settings(trackio=True))
    folder = _folder(tmp_path / "run", _config())
    assert child.main(str(folder.path)) == 0
    losses = _losses(folder)
    from trackio.sqlite_storage import SQLiteStorage

    tracked = SQLiteStorage.get_logs("demystify", f"mine ({folder.id})")
    assert [log["train/loss"] for log in tracked if "train/loss" in log] == list(losses.values())
    assert list(losses) == [1, 10, 20, 30, 40]
    assert losses[40] < losses[1]
    assert folder.state() == "finished"
    samples = [event for event in folder.events() if event["type"] == "sample"]
    assert samples and all(len(event["text"]) > 20 for event in samples)
    model = AutoModelForCausalLM.from_pretrained(folder.model)
    tokenizer = AutoTokenizer.from_pretrained(folder.model)
    assert not list(folder.model.glob("*.bin"))
    ids = torch.tensor([tokenizer.encode(TEXT[-2000:])[:16]])
    with torch.no_grad():
        loss = float(model(ids, labels=ids).loss)
    assert loss == pytest.approx(folder.read_json("result.json")["test_loss"], abs=0.8)


@pytest.mark.slow
def test_a_rate_that_is_too_high_is_stopped_and_explained(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", _config(learning_rate=10.0, steps=200))
    assert child.main(str(folder.path)) == 1
    assert folder.state() == "failed"
    problem = errors.from_json(folder.read_json("result.json")["error"])
    assert isinstance(problem, errors.Diverged) and "10" in str(problem)
    assert max(_losses(folder)) < 200


@pytest.mark.slow
def test_a_stopped_run_keeps_its_model_and_can_go_on(tmp_path: Path, runs: TrainingRuns) -> None:
    run = runs.create(_config(steps=100_000), TEXT)
    (run.folder.path / "stop").touch()
    assert child.main(str(run.folder.path)) == 0
    assert run.folder.state() == "stopped"
    assert (run.folder.model / "model.safetensors").exists()
    first = last_checkpoint(run.folder)
    assert first is not None
    runs.resume(run.folder.id, "a")
    assert run.folder.state() == "waiting"
    (run.folder.path / "stop").touch()
    assert child.main(str(run.folder.path)) == 0
    second = last_checkpoint(run.folder)
    assert second is not None and int(second.name.split("-")[1]) > int(first.name.split("-")[1])


@pytest.mark.slow
def test_the_line_starts_a_process_and_delete_ends_it(runs: TrainingRuns) -> None:
    run = runs.create(_config(steps=100_000), TEXT)
    runs.look()
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not _losses(run.folder):
        time.sleep(0.2)
    assert _losses(run.folder), (run.folder.path / "log.txt").read_text()
    assert runs.find(run.folder.id).state == "running"
    again = TrainingRuns(runs.settings)  # the app has been started anew
    assert again.find(run.folder.id).state == "running"
    process = run.folder.read_json("process.json")["pid"]
    again.delete(run.folder.id, "a")
    assert again.all() == []
    runs._children[0].process.wait(20)
    assert runs._children[0].process.pid == process


def test_deleting_a_run_ends_all_that_it_has_started(runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    monkeypatch.setattr("common.training.runs.command", lambda *_: [sys.executable, "-c", script])
    run = runs.create(_config(), TEXT)
    runs.look()
    log = run.folder.path / "log.txt"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not log.read_text().strip():
        time.sleep(0.05)
    started = psutil.Process(int(log.read_text()))
    runs.delete(run.folder.id, "a")
    runs._children[0].process.wait(20)
    psutil.wait_procs([started], timeout=20)
    assert not started.is_running() or started.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("another_app", [False, True], ids=["its own app", "another app"])
@pytest.mark.parametrize(
    ("kills", "state"),
    [
        ((Kills("here", 3), Kills("here", 4)), "failed"),
        ((Kills("here", 3), Kills("here", 3)), "interrupted"),
        ((Kills("here", 3), Kills("elsewhere", 4)), "interrupted"),
        ((None, None), "interrupted"),
    ],
)
def test_killed_for_its_memory_a_run_says_what_fits(
    runs: TrainingRuns,
    monkeypatch: pytest.MonkeyPatch,
    kills: tuple[Kills | None, Kills | None],
    state: str,
    another_app: bool,
) -> None:
    killed = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    counts = iter((*kills, Kills("here", 9)))
    monkeypatch.setattr("common.training.runs.command", lambda *_: killed)
    monkeypatch.setattr("common.training.room.oom_kills", lambda: next(counts))
    run = runs.create(_config(batch=8), TEXT)
    runs.look()
    runs._children[0].process.wait(20)
    looks = TrainingRuns(runs.settings) if another_app else runs
    looks.look()
    assert run.folder.state() == state
    looks.look()  # what the kernel kills afterwards was not this run
    assert run.folder.state() == state
    if state == "failed":
        problem = errors.from_json(run.folder.read_json("result.json")["error"])
        assert isinstance(problem, errors.TrainingTooLarge) and problem.params["batch"] < 8
        runs.resume(run.folder.id, "a")
        assert run.folder.state() == "waiting"


def test_a_visitors_time_is_limited_and_a_deleted_run_still_counts(
    runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = TrainingRuns(runs.settings.model_copy(update={"max_visitor_minutes": 30.0, "max_runs_per_visitor": 9}))
    first = limited.create(_config().model_copy(update={"minutes": 20.0}), TEXT)
    assert first.config.minutes == 20
    assert limited.create(_config(name="second"), TEXT).config.minutes == pytest.approx(10)  # what the first leaves
    with pytest.raises(errors.TrainingTimeUsed, match="30 within 12 hours"):
        limited.create(_config(name="third"), TEXT)
    assert limited.create(_config("b"), TEXT).config.minutes == 30  # everybody has time of their own
    assert limited.create(_config(name="presenter's"), TEXT, unlimited=True).config.minutes == 60
    for run in limited.of("a"):
        limited.delete(run.folder.id, "a")
    worked = limited.create(_config(), TEXT)
    worked.folder.append("step", step=10, loss=3.0, seconds=29.8 * 60)
    limited.stop(worked.folder.id, "a")
    with pytest.raises(errors.TrainingTimeUsed):
        limited.resume(worked.folder.id, "a")
    limited.resume(worked.folder.id, "a", unlimited=True)
    limited.delete(worked.folder.id, "a")
    with pytest.raises(errors.TrainingTimeUsed, match="30 minutes"):
        limited.create(_config(), TEXT)
    later = time.time() + 13 * 3600
    monkeypatch.setattr("common.training.spent.time.time", lambda: later)
    assert limited.create(_config(), TEXT).config.minutes == 30


def test_two_apps_on_the_same_folders_start_a_run_once(runs: TrainingRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def waits(*_: Any) -> list[str]:
        time.sleep(0.3)  # were there no lock, the other app would find the run waiting here
        return ["sleep", "60"]

    monkeypatch.setattr("common.training.runs.command", waits)
    run = runs.create(_config(), TEXT)
    apps = [TrainingRuns(runs.settings) for _ in range(2)]

    def look(app: TrainingRuns) -> None:
        both.wait()
        app.look()

    threads = [threading.Thread(target=look, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert sorted(len(app._children) for app in apps) == [0, 1]
    finally:
        runs.delete(run.folder.id, "a")
        for app in apps:
            for child_process in app._children:
                child_process.process.wait(20)


def test_who_has_had_less_comes_first(runs: TrainingRuns) -> None:
    config = Settings(runs_dir=runs._root, max_runs=1, max_runs_per_visitor=10)
    many = TrainingRuns(config)
    for number, owner in enumerate("aaab"):
        run = many.create(_config(owner, f"run {number}"), TEXT)
        os.utime(run.folder.path / "config.json", (1000 + number, 1000 + number))
    line = [run.config.owner for run in many._line(many.all())]
    assert line == ["a", "b", "a", "a"]
    waits = {run.config.name: (run.ahead, run.wait_seconds) for run in many.all()}
    assert waits["run 0"] == (0, 0.0)
    assert waits["run 3"][0] == 1
    assert waits["run 3"][1] > 0


def test_limits_names_and_owners(runs: TrainingRuns) -> None:
    first = runs.create(_config(), TEXT)
    with pytest.raises(errors.NameTaken, match="mine"):
        runs.create(_config(), TEXT)
    runs.create(_config(name="other"), TEXT)
    with pytest.raises(errors.TooManyRuns, match="2 training runs"):
        runs.create(_config(name="third"), TEXT)
    runs.create(_config("b"), TEXT)
    for action in (runs.stop, runs.resume, runs.delete, runs.find):
        for other in ("b", "", None):  # as a program may send it
            with pytest.raises(errors.NoSuchRun):
                action(first.folder.id, other)
    runs.stop(first.folder.id, "a")
    assert runs.find(first.folder.id).state == "stopped"
    third = runs.create(_config(name="third"), TEXT)
    with pytest.raises(errors.TooManyRuns, match="2 training runs"):
        runs.resume(first.folder.id, "a")
    runs.delete(third.folder.id, "a")
    small = TrainingRuns(Settings(runs_dir=runs._root, max_runs_per_visitor=2, max_visitor_disk_mb=1))
    (other,) = [run for run in runs.of("a") if run.folder.id != first.folder.id]
    (other.folder.path / "weights").write_bytes(b"\0" * 1_000_000)
    with pytest.raises(errors.RunsTooLarge):
        small.resume(first.folder.id, "a")
    (other.folder.path / "weights").rename(first.folder.path / "weights")
    small.resume(first.folder.id, "a")  # its own checkpoints keep no run from going on
    assert runs.find(first.folder.id).state == "waiting"


def test_a_run_that_goes_on_has_its_time_anew(runs: TrainingRuns) -> None:
    run = runs.create(_config(steps=1000).model_copy(update={"minutes": 1.0}), TEXT)
    run.folder.append("step", step=100, loss=3.0, seconds=61.0)
    assert seconds_left(runs.find(run.folder.id)) == 60  # it waits to go on
    run.folder.append("resumed", step=100)
    running = replace(runs.find(run.folder.id), state="running")
    assert seconds_left(running) == 60
    run.folder.append("step", step=110, loss=3.0, seconds=71.0)
    assert seconds_left(running) == 50


def test_a_torn_line_is_passed_over_and_lost_steps_come_once(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", _config())
    for step in (10, 20, 30):
        folder.append("step", step=step, loss=float(step))
    folder.append("resumed", step=20)
    folder.append("step", step=30, loss=3.0)
    with (folder.path / "events.jsonl").open("ab") as file:
        file.write(b'{"type": "step", "st')
    assert _losses(folder) == {10: 10.0, 20: 20.0, 30: 3.0}
    folder.append("step", step=40, loss=4.0)
    assert _losses(folder) == {10: 10.0, 20: 20.0, 30: 3.0, 40: 4.0}
    folder.append("resumed", step=0)
    folder.append("step", step=10, loss=1.0)
    assert _losses(folder) == {10: 1.0}


def test_a_run_id_is_no_path(runs: TrainingRuns) -> None:
    for hostile in ("../..", "/etc", "", "x/../../y"):
        with pytest.raises(errors.NoSuchRun):
            runs.delete(hostile, ANYBODY)
