"""The process that does a run: ``python -m common.training.run FOLDER``.

On several GPUs or machines: ``accelerate launch … -m common.training.run FOLDER``. It writes all it does into the
folder, and needs nobody to watch.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from common import errors
from common.memory import settle
from common.training import room
from common.training.folder import RunFolder
from common.without import not_installed

# What transformers' Trainer imports wherever it is installed, and a run of the kind has no use for: a third of the
# processor time that importing takes. A model to be tuned may itself be stored in bitsandbytes' formats.
_UNUSED = {
    "scratch": ("bitsandbytes", "datasets", "peft"),
    "style": ("bitsandbytes", "datasets"),
    "finetune": ("datasets",),
    "preference": (),
}


def main(path: str, alone: bool = False) -> int:
    """Do the run in ``path``, or go on with it; 0 when it came to an end that it can tell of.

    Args:
        path: the run's folder.
        alone: this process does nothing else. Libraries that the run does not use may stay out of it, and what the
            others bring is there for good: the garbage collector need not look through it.
    """
    if alone:
        gc.disable()
    folder = RunFolder(Path(path).resolve())
    rank = int(os.environ.get("RANK", "0"))
    if rank == 0:
        room.mark_process(folder, psutil.Process())
    try:
        if rank == 0:
            room.drop_torn(folder)
            room.keep_reserve(folder)
        with not_installed(*_UNUSED[folder.config().kind] if alone else ()):
            result = _train(folder, alone)
    except Exception as problem:
        named = room.named(problem, folder)
        if rank == 0:
            room.free_reserve(folder)
            with contextlib.suppress(OSError):  # a disk that is full has room for the result, at least
                folder.append("error", **named.to_json())
            folder.write_json("result.json", {"state": "failed", "error": named.to_json()})
        if not isinstance(named, errors.DemystifyError) or type(named) is errors.DemystifyError:
            raise
        return 1
    if rank == 0:
        room.free_reserve(folder)
        folder.write_json("result.json", result)
        if result["state"] == "finished":  # nothing goes on from them now, and they are large
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return 0


def _train(folder: RunFolder, alone: bool) -> dict[str, object]:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import torch

    if threads := int(os.environ.get("DEMYSTIFY_THREADS", "0") or 0):
        torch.set_num_threads(max(1, threads // int(os.environ.get("WORLD_SIZE", "1"))))
    train = _trainer(folder.config().kind)
    if alone:
        settle()
    return train(folder)


def _trainer(kind: str) -> Callable[[RunFolder], dict[str, object]]:
    """What does a run of this kind, with all that it imports."""
    if kind == "finetune":
        from common.training import finetune

        return finetune.train
    if kind == "preference":
        from common.training import preference

        return preference.train
    if kind == "style":
        from common.training import style

        return style.train
    from common.training import scratch

    return scratch.train


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], alone=True))
