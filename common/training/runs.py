"""All runs of an app: they wait in a fair line, are started in processes of their own, and are found again afterwards.

Everything that lasts is in the runs' folders (folder.py). When the app dies, its runs go on, and the next
app finds them. Several apps may share the folders: a lock file lets one at a time start, make or delete runs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from filelock import FileLock
from pydantic import ValidationError

from common import errors
from common.config import Settings, settings
from common.training import room, spent
from common.training.config import AnyConfig
from common.training.folder import RunFolder, State
from common.training.launch import command, cores, environment

_LOOK_SECONDS = 1.0
_LEAST_MINUTES = 0.5  # of a run that is worth beginning
_ROOT = Path(__file__).resolve().parents[2]
_OPEN: tuple[State, ...] = ("waiting", "running")


class _Whose(Enum):
    """Stands where an owner may, since what a visitor sends can be any text or None."""

    ANYBODY = "anybody"


ANYBODY: Final = _Whose.ANYBODY


@dataclass(frozen=True, slots=True)
class Run:
    """A run as a list shows it.

    Attributes:
        created: seconds since 1970.
        ahead: how many runs will be started before it; 0 unless it waits.
        wait_seconds: how long that is likely to take.
    """

    folder: RunFolder
    config: AnyConfig
    state: State
    created: float
    ahead: int = 0
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Child:
    """The process of a run that this app has started."""

    process: subprocess.Popen[bytes]
    folder: RunFolder


class TrainingRuns:
    """The runs in one directory.

    Args:
        config: the settings; the process's own by default.

    Attributes:
        settings: those.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self.settings = config or settings()
        self._root = self.settings.runs_dir
        self._lock = threading.Lock()
        self._between_apps = FileLock(self._root / "lock")
        self._children: list[_Child] = []
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look after the line; returns at once."""
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="training-runs")
        self._watcher.start()

    def close(self) -> None:
        """Stop looking after the line. Runs at work go on."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()

    def create(self, config: AnyConfig, data: str, unlimited: bool = False) -> Run:
        """Put a new run into the line. It has at most the minutes that are left to its owner.

        Args:
            config: what is asked for.
            data: what its kind learns from, as a file's content.
            unlimited: its owner may train for any time in all.

        Raises:
            TooManyRuns, NameTaken, RunsTooLarge, TrainingTimeUsed: of this owner.
            DiskFull.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise errors.DiskFull() from problem
        with self._alone():
            own = self.of(config.owner)
            self._check_limits(own)
            if any(run.config.name == config.name for run in own):
                raise errors.NameTaken(name=config.name)
            if not unlimited:
                config = config.model_copy(
                    update={"minutes": min(config.minutes, self._minutes_left(own, config.owner))}
                )
            folder = RunFolder(self._root / secrets.token_hex(6))
            try:
                folder.path.mkdir(parents=True)
                folder.write_text(config.data_file, data)
                folder.write_json("config.json", config.model_dump(mode="json"))
            except OSError as problem:
                shutil.rmtree(folder.path, ignore_errors=True)
                raise errors.DiskFull() from problem
        return self.find(folder.id)

    def all(self) -> list[Run]:
        """Every run, the newest first."""
        found = []
        for path in self._root.glob("*/config.json"):
            folder = RunFolder(path.parent)
            try:
                found.append(Run(folder, folder.config(), folder.state(), path.stat().st_mtime))
            except (OSError, ValidationError):  # deleted meanwhile, or of another version
                continue
        line = [run.folder.id for run in self._line(found)]
        running = [run for run in found if run.state == "running"]

        def placed(run: Run) -> Run:
            if run.state != "waiting":
                return run
            before = [*running, *(other for other in found if other.folder.id in line[: line.index(run.folder.id)])]
            seconds = sum(map(seconds_left, before)) / self.settings.max_runs
            return replace(run, ahead=len(before), wait_seconds=seconds)

        return sorted(map(placed, found), key=lambda run: -run.created)

    def of(self, owner: str) -> list[Run]:
        """A visitor's runs, the newest first."""
        return [run for run in self.all() if run.config.owner == owner]

    def find(self, run_id: str, owner: str | _Whose | None = ANYBODY) -> Run:
        """One run, if it is this owner's; None owns none. Raises NoSuchRun."""
        for run in self.all():
            if run.folder.id == run_id and owner in (ANYBODY, run.config.owner):
                return run
        raise errors.NoSuchRun()

    def stop(self, run_id: str, owner: str | _Whose | None) -> None:
        """Ask a run to end; it saves its model first. One that waits leaves the line. Raises NoSuchRun."""
        run = self.find(run_id, owner)
        if run.state == "running":
            (run.folder.path / "stop").touch()
        elif run.state == "waiting":
            run.folder.write_json("result.json", {"state": "stopped"})

    def resume(self, run_id: str, owner: str | _Whose | None, unlimited: bool = False) -> None:
        """Put a run that was stopped or interrupted into the line again; ``unlimited`` as in ``create``.

        Raises:
            NoSuchRun.
            TooManyRuns, RunsTooLarge, TrainingTimeUsed: of this owner.
        """
        with self._alone():
            run = self.find(run_id, owner)
            if run.state in (*_OPEN, "finished"):
                return
            # What this run holds on the disk is there already, and must not keep it from going on.
            own = self.of(run.config.owner)
            self._check_limits([other for other in own if other.folder.id != run_id])
            if not unlimited:
                self._minutes_left(own, run.config.owner)
            for name in ("result.json", "stop", "process.json"):
                (run.folder.path / name).unlink(missing_ok=True)

    def delete(self, run_id: str, owner: str | _Whose | None) -> None:
        """Remove a run and all that it made; one at work is ended. Raises NoSuchRun."""
        run = self.find(run_id, owner)
        with self._alone():
            process = run.folder.read_json("process.json")
            if run.folder.state() == "running" and process:  # it may have begun since
                _end(process["pid"])
            with contextlib.suppress(OSError):  # on a disk that is full it is forgotten what the run took
                spent.note_deleted(self._root, run.folder)
            shutil.rmtree(run.folder.path, ignore_errors=True)

    def _check_limits(self, own: list[Run]) -> None:
        """Whether a visitor may have one more of their runs at work. Raises TooManyRuns, RunsTooLarge."""
        if sum(run.state in _OPEN for run in own) >= self.settings.max_runs_per_visitor:
            raise errors.TooManyRuns(limit=self.settings.max_runs_per_visitor)
        used, limit = sum(run.folder.size() for run in own) / 1e6, self.settings.max_visitor_disk_mb
        if used >= limit:
            raise errors.RunsTooLarge(used=round(used), limit=limit)

    def _minutes_left(self, own: list[Run], owner: str) -> float:
        """What is left to a visitor of the time to train, without what their open runs will take.

        Raises:
            TrainingTimeUsed: nothing worth beginning.
        """
        booked = sum(seconds_left(run) for run in own if run.state in _OPEN)
        used = (booked + spent.spent_seconds(self._root, owner, [run.folder for run in own])) / 60
        limit = self.settings.max_visitor_minutes
        if limit - used < min(_LEAST_MINUTES, limit):
            raise errors.TrainingTimeUsed(used=round(used), limit=round(limit), hours=spent.WINDOW_HOURS)
        return limit - used

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Start what may start now."""
        if not self._root.is_dir():  # no run was ever made
            return
        with self._alone():
            ended = {child.folder.id: child.process.poll() for child in self._children}
            runs = self.all()
            for run in runs:
                if run.state == "interrupted" and ended.get(run.folder.id, -1) is not None:
                    # accelerate ends with 1 when the process that it has started is killed.
                    room.explain(run.folder, by_signal=ended.get(run.folder.id, 1) in (-signal.SIGKILL, 1))
            self._children = [child for child in self._children if ended[child.folder.id] is None]
            free = self.settings.max_runs - sum(run.state == "running" for run in runs)
            for run in self._line(runs)[: max(0, free)]:
                self._launch(run.folder)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts, makes or deletes runs meanwhile: no thread of this app, and no other app."""
        with self._lock, self._between_apps:
            yield

    def _line(self, runs: list[Run]) -> list[Run]:
        """Those that wait, in the order in which they start: who has had fewer runs lately comes first."""
        recent = time.time() - 3600
        had = Counter(run.config.owner for run in runs if run.state != "waiting" and run.created > recent)
        line, turn = [], Counter(had)
        waiting = sorted((run for run in runs if run.state == "waiting"), key=lambda run: run.created)
        while waiting:
            chosen = min(waiting, key=lambda run: (turn[run.config.owner], run.created))
            turn[chosen.config.owner] += 1
            waiting.remove(chosen)
            line.append(chosen)
        return line

    def _launch(self, folder: RunFolder) -> None:
        """Start the run's process. It belongs to no terminal and outlives the app."""
        import psutil

        threads = cores(self.settings)
        with (folder.path / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                command(folder, self.settings.accelerate_config),
                cwd=_ROOT,
                env=environment(threads, folder.config().kind),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(_Child(child, folder))
        room.mark_process(folder, psutil.Process(child.pid))


def _end(process: int) -> None:
    """End a run's process and all that it has started: they are a group of their own (see ``_launch``)."""
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(process)
        if group == os.getpgrp():  # started by hand in this app's own group
            os.kill(process, signal.SIGKILL)
        else:
            os.killpg(group, signal.SIGKILL)


def seconds_left(run: Run) -> float:
    """How long a run will still take, by its own speed so far; by its time limit before it has one.

    A run that goes on gets its time anew.
    """
    last, now, before = None, 0.0, 0.0
    for event in run.folder.events():
        now = event.get("seconds", now)
        if event["type"] == "step":
            last = event
        elif event["type"] == "resumed":
            before = now
    most = 60 * run.config.minutes
    if last is None or not last["step"]:
        return most
    per_step = last["seconds"] / last["step"]
    spent = 0.0 if run.state == "waiting" else max(0.0, last["seconds"] - before)
    return float(max(0.0, min(most - spent, per_step * (run.config.pace.steps - last["step"]))))
