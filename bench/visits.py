"""What a visitor costs the web process before they have asked for anything: opening a page, and having it open.

Counted in processor time of the web process alone, which a busy machine hardly changes, less what it uses when nobody
is there. Files that never change could come from a proxy, so they are told apart. Not part of ``make bench``: it needs
Chromium, as the browser tests do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from bench.room import ROOT, free_port
from bench.tables import machine, report

VISITS, OPEN_PAGES, SECONDS, FETCHES = 6, 6, 40.0, 10
PAGES = {"front page": ("", ".doors a"), "Chat": ("chat", "#chat-message textarea")}
PHONE: ViewportSize = {"width": 390, "height": 844}


def is_fixed(url: str) -> bool:
    """Whether what is there is the same for everybody until the next version."""
    return urlsplit(url).path.startswith(("/assets/", "/static/", "/theme.css"))


class Processor:
    """The processor time of a process, in seconds beyond what it takes with nobody there."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._idle = process, 0.0
        start, began = self._total(), time.perf_counter()
        time.sleep(SECONDS)
        self._idle = (self._total() - start) / (time.perf_counter() - began)

    def _total(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))

    @property
    def idle(self) -> float:
        """Share of a core with nobody there."""
        return self._idle

    def of(self, work: Callable[[], None]) -> float:
        """What this takes."""
        start, began = self._total(), time.perf_counter()
        work()
        return self._total() - start - self._idle * (time.perf_counter() - began)


def visit(browser: Browser, url: str, settled: str) -> tuple[BrowserContext, list[str]]:
    """Open a page on a phone that has never been here; the addresses that it asked for."""
    context = browser.new_context(viewport=PHONE, locale="en-US")
    page: Page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url, wait_until="load")
    page.wait_for_selector(settled)
    page.wait_for_timeout(1500)
    return context, asked


def fetch(urls: list[str]) -> None:
    for url in urls:
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "Accept": "*/*"})
        urllib.request.urlopen(request).read()


def measure(url: str, process: psutil.Process, browser: Browser) -> tuple[list[list[str]], list[str]]:
    """The rows of the table, and what stands below it."""
    processor = Processor(process)
    rows = []
    for name, (path, settled) in PAGES.items():
        address = f"{url}/{path}"
        asked: list[str] = []

        def visits(address: str = address, settled: str = settled, asked: list[str] = asked) -> None:
            for _ in range(VISITS):
                context, asked[:] = visit(browser, address, settled)
                context.close()

        whole = processor.of(visits) / VISITS
        fixed = [one for one in asked if is_fixed(one)]
        files = processor.of(lambda fixed=fixed: fetch(fixed * FETCHES)) / FETCHES  # type: ignore[misc]
        itself = processor.of(lambda address=address: fetch([address] * FETCHES)) / FETCHES  # type: ignore[misc]
        opened: list[BrowserContext] = []
        for _ in range(OPEN_PAGES):
            opened.append(visit(browser, address, settled)[0])
        waiting = processor.of(lambda: time.sleep(SECONDS)) / OPEN_PAGES / SECONDS
        for context in opened:
            context.close()
        rows.append(
            [
                name,
                f"{whole:.2f} s",
                f"{files:.2f} s ({len(fixed)} of {len(asked)} requests)",
                f"{itself * 1000:.0f} ms",
                f"{max(0.0, waiting) * 60 * 1000:.0f} ms",
            ]
        )
    memory = process.memory_info().rss / 1e6
    return rows, [
        f"With nobody there the web process uses {processor.idle:.0%} of a core. Its memory: {memory:.0f} MB."
    ]


def main() -> None:
    port = free_port()
    environment = {**os.environ, "DEMYSTIFY_OFFLINE": "true", "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, "app.py", "--port", str(port)]
    app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                fetch([f"{url}/chat"])
                break
            except OSError:
                time.sleep(0.25)
        time.sleep(10)  # its models load
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            rows, notes = measure(url, psutil.Process(app.pid), browser)
            browser.close()
    finally:
        app.terminate()
        app.wait(20)
    head = ["page", "first visit", "of it files that never change", "the page itself", "a minute of having it open"]
    report("visits", "What a visitor costs the web process, in processor time", head, rows, [*notes, f"{machine()}."])


if __name__ == "__main__":
    main()
