"""Apps that the workers of one test run share: whoever needs one first starts it, whoever leaves last ends it.

An app takes ten seconds of a core to start and keeps its models in memory; a run with two workers would pay twice.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

_GRACE_SECONDS = 20


def common_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder of this test run, the same for all of its workers."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def shared(folder: Path, start: Callable[[], tuple[subprocess.Popen[bytes], str]]) -> Iterator[str]:
    """The address of an app that runs as long as anybody uses it.

    Args:
        folder: the app's own, below ``common_folder``; who uses it is written there. A worker that died counts no
            longer.
        start: starts the app and waits until it answers; gives its process and its address.
    """
    folder.mkdir(exist_ok=True)
    running, me = folder / "running.json", folder / f"user-{os.getpid()}"
    with FileLock(folder / "lock"):
        if not running.exists():
            process, address = start()
            running.write_text(json.dumps([process.pid, address]))
        pid, address = json.loads(running.read_text())
        me.touch()
    try:
        yield address
    finally:
        with FileLock(folder / "lock"):
            me.unlink()
            if not any(psutil.pid_exists(int(user.name.removeprefix("user-"))) for user in folder.glob("user-*")):
                running.unlink()
                _end(pid)


def _end(pid: int) -> None:
    """Ask the process to end and wait for it; a worker that is not its parent cannot."""
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(_GRACE_SECONDS)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        process.kill()
