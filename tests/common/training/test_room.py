"""Room for a run: a disk that is full, memory that is too small, and a visitor who keeps too much."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import errors
from common.config import Settings
from common.training import room
from common.training.config import Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.runs import TrainingRuns
from common.training.samples import sample_text
from common.training.shape import memory_bytes

_ROOT = Path(__file__).resolve().parents[3]
TEXT = sample_text("story")[:30_000]
LARGE = ScratchConfig(name="large", shape=Shape(width=256, context=1024), pace=Pace(batch=512, steps=20))


def _folder(place: Path, config: ScratchConfig) -> RunFolder:
    place.mkdir()
    folder = RunFolder(place)
    folder.write_text("corpus.txt", TEXT)
    folder.write_json("config.json", config.model_dump(mode="json"))
    return folder


_FULL_DISK = """
import pathlib, resource, signal, sys
import torch
from safetensors.torch import save_file
from common.training import room
from common.training.folder import RunFolder

folder = RunFolder(pathlib.Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # no file may grow past it: what a quota does
large = torch.zeros(500_000)
for write in (
    lambda: (folder.path / "a").write_bytes(bytes(200_000)),
    lambda: torch.save(large, folder.path / "b"),
    lambda: save_file({"large": large}, folder.path / "c"),
):
    try:
        write()
    except Exception as problem:
        print(type(room.named(problem, folder)).__name__)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of a file")
def test_a_full_disk_is_known_whoever_writes(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", LARGE)
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(folder.path)],
        check=False,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["DiskFull"] * 3, done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_with_no_space_left_is_known(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", LARGE)
    with pytest.raises(OSError) as caught, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    assert isinstance(room.named(caught.value, folder), errors.DiskFull)


def test_the_reserve_and_torn_checkpoints_are_given_back(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", LARGE)
    room.keep_reserve(folder)
    for name, whole in (("checkpoint-10", True), ("checkpoint-20", False)):
        (folder.checkpoints / name).mkdir(parents=True)
        if whole:
            (folder.checkpoints / name / "complete").touch()
    before = folder.size()
    room.free_reserve(folder)
    assert before - folder.size() == 64 * 1024
    assert [place.name for place in folder.checkpoints.iterdir()] == ["checkpoint-10"]


@pytest.mark.parametrize("free", [2e9, 2e8, 2e7])
def test_what_is_said_to_fit_does_fit(free: float) -> None:
    found = room.too_large(LARGE, 67, free).params
    shape = LARGE.shape.model_copy(update={"context": found["context"], "layers": found["layers"]})
    assert memory_bytes(shape, 67, found["batch"]) <= free
    assert found["batch"] < LARGE.pace.batch


def test_a_model_that_memory_cannot_hold_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: 1e9)
    with pytest.raises(errors.TrainingTooLarge, match="a batch of"):
        room.check_memory(LARGE, 67)
    small = ScratchConfig(name="small")
    room.check_memory(small, 67)
    # What a process takes by itself counts as far as it has not taken it yet.
    monkeypatch.setattr(room, "free_bytes", lambda: 3e8)
    monkeypatch.setattr(room, "_held_bytes", lambda: 1e7)
    monkeypatch.setattr("common.hardware.device", lambda: "cpu")
    with pytest.raises(errors.TrainingTooLarge):
        room.check_memory(small, 67)
    monkeypatch.setattr(room, "_held_bytes", lambda: 6e8)
    room.check_memory(small, 67)


def test_what_a_training_takes_is_said_with_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.has_nvidia_gpu", lambda: False)
    small = ScratchConfig(name="small")
    assert 6e8 < room.to_train(small.shape, 67, small.pace.batch) < 8e8  # 681 MB were measured


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the memory of a process")
def test_memory_that_runs_out_in_the_middle_is_said_with_what_fits(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", LARGE)
    script = (
        "import resource, sys; import torch; from common.training import room, run\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2_000_000_000, -1))\n"
        "room.free_bytes = lambda: 1e12  # the check before the run sees nothing wrong\n"
        "sys.exit(run.main(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder.path)],
        check=False,
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    problem = errors.from_json(folder.read_json("result.json")["error"])
    assert isinstance(problem, errors.TrainingTooLarge)
    assert problem.params["batch"] <= LARGE.pace.batch // 2


def test_a_visitor_who_keeps_too_much_deletes_first(tmp_path: Path) -> None:
    runs = TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=9, max_visitor_disk_mb=1))
    first = runs.create(ScratchConfig(name="one", owner="a"), TEXT)
    (first.folder.path / "weights").write_bytes(b"\0" * 1_000_000)
    with pytest.raises(errors.RunsTooLarge, match="1 MB of the disk"):
        runs.create(ScratchConfig(name="two", owner="a"), TEXT)
    runs.create(ScratchConfig(name="two", owner="b"), TEXT)
    runs.delete(first.folder.id, "a")
    runs.create(ScratchConfig(name="two", owner="a"), TEXT)


@pytest.mark.parametrize(
    ("groups", "place", "said"),
    [
        ("0::/app\n", "sys/fs/cgroup/app/memory.events", "oom 9\noom_kill 2\noom_group_kill 0\n"),
        ("4:cpu,memory:/a:b\n0::/\n", "sys/fs/cgroup/memory/a:b/memory.oom_control", "under_oom 0\noom_kill 2\n"),
        ("0::/\n", "proc/vmstat", "pgfault 5\noom_kill 2\n"),
        ("", "elsewhere", ""),
    ],
    ids=["version 2", "version 1", "the whole machine", "nobody counts"],
)
def test_the_kernels_count_of_kills(tmp_path: Path, groups: str, place: str, said: str) -> None:
    for path, content in (("proc/self/cgroup", groups), (place, said)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text("one\n")
    assert room.oom_kills(tmp_path) == (room.Kills(f"one {tmp_path / place}", 2) if said else None)
