"""The process that does a run: ``python -m common.training.run FOLDER``.

On several GPUs or machines: ``accelerate launch … -m common.training.run FOLDER``. It writes all it does into the
folder, and needs nobody to watch.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import psutil

from common import errors
from common.training.folder import RunFolder


def main(path: str) -> int:
    """Do the run in ``path``, or go on with it; 0 when it came to an end that it can tell of."""
    folder = RunFolder(Path(path).resolve())
    rank = int(os.environ.get("RANK", "0"))
    if rank == 0:
        process = psutil.Process()
        folder.write_json("process.json", {"pid": process.pid, "begun": process.create_time()})
    try:
        result = _train(folder)
    except Exception as problem:
        named = _named(problem)
        if rank == 0:
            folder.append("error", **named.to_json())
            folder.write_json("result.json", {"state": "failed", "error": named.to_json()})
        if not isinstance(named, errors.DemystifyError) or type(named) is errors.DemystifyError:
            raise
        return 1
    if rank == 0:
        folder.write_json("result.json", result)
    return 0


def _train(folder: RunFolder) -> dict[str, object]:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import torch

    if threads := int(os.environ.get("DEMYSTIFY_THREADS", "0") or 0):
        torch.set_num_threads(threads)
    from common.training import scratch

    return scratch.train(folder)


def _named(problem: Exception) -> errors.DemystifyError:
    """The sentence for what went wrong."""
    if isinstance(problem, errors.DemystifyError):
        return problem
    if isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return errors.DiskFull()
    memory = isinstance(problem, MemoryError) or "out of memory" in str(problem).lower()
    if memory or "can't allocate memory" in str(problem).lower():
        return errors.TrainingTooLarge()
    return errors.DemystifyError()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
