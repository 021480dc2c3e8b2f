"""What the workers of a run share is started once, is not ended under another's feet, and does not outlive them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.browser.shared import shared

_ADDRESS = "http://127.0.0.1:1"


def _waiting() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_an_app_ends_with_the_last_that_uses_it(tmp_path: Path) -> None:
    folder, started = tmp_path / "app", []

    def start() -> tuple[subprocess.Popen[bytes], str]:
        started.append(_waiting())
        return started[-1], _ADDRESS

    with _waiting() as worker:
        with shared(folder, start) as address:
            assert address == _ADDRESS
            (folder / f"user-{worker.pid}").touch()
        assert started[0].poll() is None, "another worker still uses it"
        worker.kill()  # without a word, as a worker that crashes
    with shared(folder, start):
        assert len(started) == 1
    assert started[0].wait(5) is not None
    with shared(folder, start):
        assert len(started) == 2, "what has ended is started again"
    assert started[1].wait(5) is not None
