"""From the command to the first token, and what the whole chat app needs in memory.

The app is started as ``make demo`` does once set-up is done. "Usable" is when the page is served and its components
answer; the first token is then asked for through the app's own API, while the model may still be loading. Memory is the
proportional set size of all its processes together (shared pages counted once), at rest and at its highest while 32
people chat and one looks inside the model.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
import urllib.request

import psutil
from gradio_client import Client

from bench.room import ROOT, free_port, room, visit_once
from bench.tables import machine, median, report

ROUNDS = 3


def memory_mb(root: psutil.Process) -> float:
    """Proportional set size of a process and all below it, in MB; resident size where the system does not tell."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found = process.memory_full_info()
            total += getattr(found, "pss", found.rss) / 1e6
    return total


class Watch:
    """The highest memory of a process tree while it is watched."""

    def __init__(self, root: psutil.Process) -> None:
        self._root, self._end = root, threading.Event()
        self.highest = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._end.wait(0.5):
            self.highest = max(self.highest, memory_mb(self._root))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def start_once() -> tuple[float, float, psutil.Process, str]:
    """Start the hub: seconds to a usable page, seconds from there to the first token, its process, its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "DEMYSTIFY_OFFLINE": "true", "GRADIO_ANALYTICS_ENABLED": "False"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    while True:
        try:
            urllib.request.urlopen(f"{url}/chat", timeout=2).close()
            urllib.request.urlopen(f"{url}/gradio_api/info", timeout=2).close()
            break
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the app did not start") from None
            time.sleep(0.02)
    usable = time.perf_counter() - start
    first = asyncio.run(visit_once(url)).first
    return usable, first, psutil.Process(process.pid), url


def look_inside(url: str) -> None:
    """What a click on a completed token does: the glass box loads and gives alternatives."""
    client = Client(url, verbose=False)
    client.predict("The capital of France is", api_name="/next_token")


def main() -> None:
    usable: list[float] = []
    first: list[float] = []
    rest = highest = 0.0
    for number in range(ROUNDS):
        seconds, token, process, url = start_once()
        usable.append(seconds)
        first.append(token)
        if number == ROUNDS - 1:
            rest = memory_mb(process)
            with Watch(process) as watch:
                inside = threading.Thread(target=look_inside, args=(url,))
                inside.start()
                asyncio.run(room(url, 32))
                inside.join()
            highest = watch.highest
        process.terminate()
        process.wait(20)
    imported = subprocess.run(
        [sys.executable, "-c", "import sys, app; print('torch' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    rows = [
        ["command to a usable page", f"{median(usable):.1f} s", "≤ 5 s"],
        ["usable page to the first token", f"{median(first):.1f} s", "≤ 10 s"],
        ["importing the app imports torch", {"False": "no", "True": "yes"}[imported], "no"],
        ["memory with one chat", f"{rest:.0f} MB", ""],
        ["memory at its highest: 32 chats, one look inside", f"{highest:.0f} MB", "≤ 1500 MB"],
    ]
    report(
        "startup",
        "Start and memory of the hub on the embedded model",
        ["what", "measured", "aim"],
        rows,
        [f"Medians of {ROUNDS} starts, files in the disk cache. {machine()}."],
    )


if __name__ == "__main__":
    main()
