"""Whether a run has room: in memory before and during the work, and on the disk. What fits is said with the error."""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import psutil

from common import errors, hardware
from common.training.config import ScratchConfig, Shape, StyleConfig
from common.training.folder import RunFolder
from common.training.shape import memory_bytes

# Kept in the folder, so that there is room to write down that the disk is full.
_RESERVE, _RESERVE_BYTES = "reserve", 64 * 1024
_LEAST_CONTEXT = 16
# Of a process that trains, beside its tensors: Python, PyTorch and transformers after the first step (681 MB, of which
# 76 are tensors, on Linux with one thread).
PROCESS_BYTES = 6.05e8
# What libraries say when the system gave them no room; they raise errors of their own.
_DISK_FULL = (
    "no space left",
    "disk quota",
    "file too large",
    "pytorchstreamwriter",
    "inline_container",
    "iostream error",
)
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


def free_bytes() -> float:
    """Memory for a training: of the GPU where there is one."""
    if hardware.device() == "cuda":
        import torch

        return float(torch.cuda.mem_get_info()[0])
    return 1e9 * hardware.free_memory_gb()


def to_train(shape: Shape, vocabulary: int, batch: int) -> float:
    """Memory of a training from scratch: its tensors, and on a processor what the process takes by itself."""
    by_itself = 0.0 if hardware.has_nvidia_gpu() else PROCESS_BYTES
    return by_itself + memory_bytes(shape, vocabulary, batch)


def check_memory(config: ScratchConfig, vocabulary: int) -> None:
    """Raises TrainingTooLarge, with a setting that fits, before anything is built."""
    free = free_bytes()
    if hardware.device() != "cuda":
        free -= max(0.0, PROCESS_BYTES - _held_bytes())
    if memory_bytes(config.shape, vocabulary, config.pace.batch) > free:
        raise too_large(config, vocabulary, free)


def _held_bytes() -> float:
    """What this process holds already."""
    return float(psutil.Process().memory_info().rss)


def too_large(config: ScratchConfig, vocabulary: int, free: float) -> errors.TrainingTooLarge:
    """The error with the batch, context and layers that fit into ``free`` bytes: halved one after the other."""
    shape, batch = config.shape, config.pace.batch

    def too_much() -> bool:
        return memory_bytes(shape, vocabulary, batch) > free

    while too_much() and batch > 1:
        batch //= 2
    while too_much() and shape.context // 2 >= _LEAST_CONTEXT:
        shape = _changed(shape, context=shape.context // 2)
    while too_much() and shape.layers > 1:
        shape = _changed(shape, layers=shape.layers // 2)
    return errors.TrainingTooLarge(batch=batch, context=shape.context, layers=shape.layers)


def _changed(shape: Shape, **values: int) -> Shape:
    return shape.model_copy(update=values)


def mark_process(folder: RunFolder, process: psutil.Process) -> None:
    """Write down which process does the run, and what any app has to know that finds it gone (``explain``)."""
    folder.write_json("process.json", {"pid": process.pid, "begun": process.create_time(), "oom_kills": oom_kills()})


def explain(folder: RunFolder, by_signal: bool) -> None:
    """Say of an interrupted run that the kernel has killed for its memory what would fit; it has failed then.

    Looked at once, by the first app that finds the run gone: what the kernel kills later is something else.

    Args:
        by_signal: whether the run's process may have ended so; for another app's that is not known.
    """
    process = folder.read_json("process.json") or {}
    before, now = process.pop("oom_kills", None), oom_kills()
    if before is None:
        return
    with contextlib.suppress(OSError):  # on a disk that is full it stays interrupted
        folder.write_json("process.json", process)
        if by_signal and now is not None and now.counter == before[0] and now.killed > before[1]:
            free_reserve(folder)
            error = outgrown(folder, 1e9 * hardware.free_memory_gb() - PROCESS_BYTES).to_json()
            folder.append("error", **error)
            folder.write_json("result.json", {"state": "failed", "error": error})


def keep_reserve(folder: RunFolder) -> None:
    """Set a little of the disk aside. Raises OSError: it is full already."""
    (folder.path / _RESERVE).write_bytes(b"\0" * _RESERVE_BYTES)


def free_reserve(folder: RunFolder) -> None:
    """Give the reserve back, and checkpoints that were not written to their end."""
    (folder.path / _RESERVE).unlink(missing_ok=True)
    drop_torn(folder)


def drop_torn(folder: RunFolder) -> None:
    """Remove the checkpoints that were not written to their end: the Trainer, which keeps two, would count them."""
    for place in folder.checkpoints.glob("checkpoint-*"):
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)


def named(problem: Exception, folder: RunFolder) -> errors.DemystifyError:
    """The error with a sentence for what went wrong in a run."""
    if isinstance(problem, errors.DemystifyError):
        return problem
    words = str(problem).lower()
    full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or any(sign in words for sign in _DISK_FULL):
        return errors.DiskFull()
    if isinstance(problem, MemoryError) or any(sign in words for sign in _NO_MEMORY):
        return outgrown(folder, free_bytes())
    return errors.DemystifyError()


def outgrown(folder: RunFolder, free: float) -> errors.DemystifyError:
    """The error of a run that asked for more memory than there was, with a setting that is likely to fit.

    The estimate thought that it would fit: half of what was asked for is more likely to.

    Args:
        folder: the run's.
        free: bytes that it may have at most.
    """
    config = folder.config()
    if isinstance(config, StyleConfig):
        return errors.StyleTooLarge(batch=max(1, config.pace.batch // 2))
    if not isinstance(config, ScratchConfig):
        return errors.FinetuneTooLarge(batch=max(1, config.pace.batch // 2), row=max(64, config.row // 2))
    vocabulary = (folder.read_json("data.json") or {}).get("vocabulary", config.vocabulary)
    asked = memory_bytes(config.shape, vocabulary, config.pace.batch)
    return too_large(config, vocabulary, min(free, asked / 2))


class Kills(NamedTuple):
    """How many processes the kernel has killed for memory, and who counts: a file, since a start of the machine."""

    counter: str
    killed: int


def oom_kills(root: Path = Path("/")) -> Kills | None:
    """How many processes the kernel has killed for memory so far: in this process's control group, else in all.

    Args:
        root: of the file system.

    Returns:
        None where nobody counts: on other systems than Linux.
    """
    try:
        boot = (root / "proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = ""
    for path in (*_counters(root), root / "proc/vmstat"):
        try:
            found = re.search(r"^oom_kill (\d+)$", path.read_text("ascii"), re.MULTILINE)
        except OSError:
            continue
        if found:
            return Kills(f"{boot} {path}", int(found[1]))
    return None


def _counters(root: Path) -> list[Path]:
    """Where the control groups of this process keep the count: in version 2 one file, in version 1 another."""
    found = []
    try:
        groups = (root / "proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return []
    for group in groups:
        _, kinds, place = group.split(":", 2)
        if not kinds:
            found.append(root / f"sys/fs/cgroup{place}/memory.events")
        elif "memory" in kinds.split(","):
            found.append(root / f"sys/fs/cgroup/memory{place}/memory.oom_control")
    return found
