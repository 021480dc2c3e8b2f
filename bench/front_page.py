"""How long a visitor waits for a page, and whether it holds still meanwhile: the front page and every space, from here.

The clock runs from the address to the moment the page's first content can be read and its inputs are there, once with
nothing in the browser's cache and once with it. What moves by itself is summed up as browsers do (cumulative layout
shift, https://web.dev/articles/cls: the worst five seconds; below 0.1 counts as good). Run by hand: it needs Chromium,
as the browser tests do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from bench.room import ROOT, free_port
from bench.tables import machine, median, report

ROUNDS, SETTLE_MS = 5, 3000
PAGES = {
    "front page": ("", ".doors a"),
    "Chat": ("chat", "#chat-message textarea"),
    "Translate": ("translate", "#translate-text textarea"),
    "Train": ("train", "#scratch-go"),
    "Pictures": ("diffusion", "#image-prompt textarea"),
}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Shifts no more than a second apart, for five seconds at most, count together; the worst such window is the figure.
WATCH = """
window.shifted = 0;
let sum = 0, first = 0, last = 0;
new PerformanceObserver((list) => list.getEntries().forEach((shift) => {
  if (shift.hadRecentInput) return;
  const together = sum && shift.startTime - last < 1000 && shift.startTime - first < 5000;
  sum = together ? sum + shift.value : shift.value;
  if (!together) first = shift.startTime;
  last = shift.startTime;
  window.shifted = Math.max(window.shifted, sum);
})).observe({type: 'layout-shift', buffered: true});
"""


def seconds_to(context: BrowserContext, url: str, settled: str) -> tuple[float, float]:
    """Seconds until ``settled`` is seen on a fresh page, and what has moved there a few seconds later."""
    page = context.new_page()
    page.add_init_script(WATCH)
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(settled)
    seconds = time.perf_counter() - start
    page.wait_for_timeout(SETTLE_MS)
    shifted = float(page.evaluate("window.shifted"))
    page.close()
    return seconds, shifted


def measure(url: str, browser: Browser) -> list[list[str]]:
    """The rows of the table: medians of the seconds, the most of what moved."""
    rows = []
    for name, (path, settled) in PAGES.items():
        for device, size in (("desktop", DESKTOP), ("phone", PHONE)):
            new: list[float] = []
            again: list[float] = []
            moved: list[float] = []
            for _ in range(ROUNDS):
                context = browser.new_context(viewport=size, locale="en-US")
                for seconds in (new, again):
                    took, shifted = seconds_to(context, f"{url}/{path}", settled)
                    seconds.append(took)
                    moved.append(shifted)
                context.close()
            times = f"{median(new):.1f} s", f"{median(again):.1f} s"
            rows.append([name, device, *times, f"{max(moved):.3f}"])
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "DEMYSTIFY_OFFLINE": "true", "GRADIO_ANALYTICS_ENABLED": "False"}
    app = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/gradio_api/info", timeout=2).close()
                break
            except OSError:
                if app.poll() is not None:
                    raise SystemExit("the app did not start") from None
                time.sleep(0.1)
        time.sleep(10)  # the models load beside the page at first
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            rows = measure(url, browser)
            browser.close()
    finally:
        app.terminate()
        app.wait(30)
    report(
        "front_page",
        "From the address to a page that can be used, on this machine",
        ("page", "device", "first visit", "again", "moved by itself (CLS)"),
        rows,
        (
            f"Medians of {ROUNDS} visits, the browser included; of what moved, the most. {machine()}.",
            "Aim: the front page ≤ 2 s, CLS < 0.05.",
        ),
    )


if __name__ == "__main__":
    main()
