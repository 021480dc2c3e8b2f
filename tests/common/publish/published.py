"""A bundle outside the project, started as the platform does: with the packages that it asks for and no others."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.publish.bundle import bundle
from tests.common.publish.environment import environment


def put(space: str, folder: Path) -> tuple[Path, Path]:
    """Write the bundle of a space; its folder, and the interpreter of an environment made for it."""
    bundle(space).write(folder / "space")
    lines = (folder / "space" / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("-")]
    return folder / "space", environment(folder / "environment", [*wanted, "gradio", "spaces"])


def clean(**settings: str) -> dict[str, str]:
    """The environment variables of a process that must find nothing of the project."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "GRADIO_ANALYTICS_ENABLED": "False", "DEMYSTIFY_OFFLINE": "true", **settings}


@contextmanager
def started(folder: Path, python: Path, **settings: str) -> Iterator[str]:
    """The address of the app while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([python, "start.py", "--port", str(port)], cwd=folder, env=clean(**settings))
    try:
        deadline = time.monotonic() + 120
        while not _answers(f"http://127.0.0.1:{port}/"):
            assert process.poll() is None, f"{folder} ended with code {process.returncode}"
            assert time.monotonic() < deadline, f"{folder} did not answer"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
