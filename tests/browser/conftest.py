"""A real browser on the real app: Chromium through playwright, the embedded model behind it.

``app_url`` is the chat space, started once for all tests of all workers in its own process. ``page`` is a fresh visit;
tests that take ``viewport`` run on a desktop and on a phone. A visit fails its test when the page logs an error or asks
another host for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, TimeoutError, expect, sync_playwright

from common import catalog
from common.text.convert import _folder_for
from common.ui.i18n import text
from tests import tiny_llama
from tests.browser.shared import common_folder, shared

ROOT = Path(__file__).resolve().parents[2]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Chromium's windows bring pages for their address bars, which nobody sees, and which cost a visit half a second of
    # a core. Of several such flags the last counts, so what playwright leaves out by itself is named again.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "HttpsUpgrades,LensOverlay,MediaRouter,OptimizationHints,PaintHolding,PreconnectToSearch",
]
KEY = "the-presenters-own"
expect.set_options(timeout=30_000)
SLOW = 120_000  # for what a model does, which a busy machine may make wait
# For what is the same on a phone.
desktop_only = pytest.mark.parametrize("viewport", [DESKTOP], ids=["desktop"], indirect=True)
# For what is shown on a desktop already, by a longer test.
phone_only = pytest.mark.parametrize("viewport", [PHONE], ids=["phone"], indirect=True)
HOW_TO_GET = "no Chromium found: `sudo apt install chromium`, or `.venv/bin/playwright install chromium`"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            if os.environ.get("CI"):
                pytest.fail(HOW_TO_GET)
            pytest.skip(HOW_TO_GET)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(script: Path, port: int, *options: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start a space or the hub and wait until it answers."""
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "DEMYSTIFY_OFFLINE": "true", **settings}
    process = subprocess.Popen(
        [sys.executable, script.name, "--port", str(port), *options], cwd=script.parent, env=environment
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
                return process
        except OSError:
            assert process.poll() is None, f"{script} ended with code {process.returncode}"
            time.sleep(0.2)
    process.kill()
    raise AssertionError(f"{script} did not answer within two minutes")


def _shared_app(
    factory: pytest.TempPathFactory, name: str, script: Path, settings: Callable[[Path], dict[str, str]] = lambda _: {}
) -> AbstractContextManager[str]:
    """The address of an app that all workers share; ``settings`` gets the folder that is the app's own."""
    folder = common_folder(factory) / name

    def start() -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        return start_app(script, port, **settings(folder)), f"http://127.0.0.1:{port}"

    return shared(folder, start)


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The chat space, started once for all tests that ask for it, as the others are."""
    with _shared_app(tmp_path_factory, "chat", ROOT / "spaces" / "chat" / "app.py") as url:
        yield url


@pytest.fixture(scope="session")
def translate_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The translate space."""
    with _shared_app(tmp_path_factory, "translate", ROOT / "spaces" / "translate" / "app.py") as url:
        yield url


@pytest.fixture(scope="session")
def diffusion_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The diffusion space."""
    with _shared_app(tmp_path_factory, "diffusion", ROOT / "spaces" / "diffusion" / "app.py") as url:
        yield url


def tiny_places(folder: Path) -> dict[str, str]:
    """Settings with which a tiny model stands in place of the embedded one's weights for everything that is trained.

    Runs that begin with a model then come to their end in seconds; what the page says of its size is the real one's.
    """
    converted = _folder_for(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))).name
    tiny_llama.build(folder / "cache" / "converted" / converted)
    return {"DEMYSTIFY_RUNS_DIR": str(folder / "runs"), "DEMYSTIFY_CACHE_DIR": str(folder / "cache")}


@pytest.fixture(scope="session")
def train_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The train space, with a folder for runs of its own, and ``tiny_places``."""
    with _shared_app(tmp_path_factory, "train", ROOT / "spaces" / "train" / "app.py", tiny_places) as url:
        yield url


@pytest.fixture(scope="session")
def hub_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The hub; ``KEY`` is the presenter's."""

    def settings(folder: Path) -> dict[str, str]:
        return {"DEMYSTIFY_PRESENTER_KEY": KEY, "DEMYSTIFY_RUNS_DIR": str(folder / "runs")}

    with _shared_app(tmp_path_factory, "hub", ROOT / "app.py", settings) as url:
        yield url


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def viewport(request: pytest.FixtureRequest) -> dict[str, int]:
    size: dict[str, int] = request.param
    return size


@pytest.fixture
def page(browser: Browser, app_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A fresh visit of the chat space in English."""
    with visit(browser, app_url, viewport, "#chat-message textarea") as page:
        yield page


@pytest.fixture
def translate_page(browser: Browser, translate_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A fresh visit of the translate space in English."""
    with visit(browser, translate_url, viewport, "#translate-source") as page:
        yield page


@pytest.fixture
def diffusion_page(browser: Browser, diffusion_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A fresh visit of the diffusion space in English."""
    with visit(browser, diffusion_url, viewport, "#image-prompt textarea") as page:
        yield page


@pytest.fixture
def train_page(browser: Browser, train_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A fresh visit of the train space in English."""
    with visit(browser, train_url, viewport, "#scratch-corpus .figures") as page:
        yield page


@contextmanager
def visit(
    browser: Browser, app_url: str, viewport: dict[str, int], settled: str, status: str = "#status .dot"
) -> Iterator[Page]:
    """A fresh visit in English; what a visitor would never see but an engineer should is checked at the end.

    Args:
        settled: an element that is there once the page is.
        status: one that is there once the status line is; pages without such a line name another.
    """
    context = browser.new_context(viewport=viewport, locale="en-US", accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _is_fault(message) else None)
    page.on("request", lambda request: elsewhere.append(request.url) if not _is_local(request.url, app_url) else None)
    page.goto(app_url, wait_until="load")
    page.wait_for_selector(settled)
    page.wait_for_selector(status)  # the first updates have begun to arrive; they set every box once
    page.wait_for_timeout(700)
    yield page
    expect_no_wider_than_the_screen(page)
    context.close()
    assert not errors, errors
    assert not elsewhere, elsewhere


def expect_no_wider_than_the_screen(page: Page) -> None:
    """Fail when what is on the page, as a test has left it, scrolls sideways: on its own screen and on a phone's.

    So what a model has made on a desktop, where most tests run, need not be made once more to see it on a phone.
    """
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits), "it scrolls sideways"
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # two whole numbers
    try:
        page.wait_for_function(fits)  # what is drawn by a script follows a moment later
    except TimeoutError:
        width = page.evaluate("document.documentElement.scrollWidth")
        raise AssertionError(f"on a phone the page is {width} px wide: it scrolls sideways") from None


def _is_fault(message: ConsoleMessage) -> bool:
    """A reload cuts gradio's open streams, which it reports as errors; everything else counts."""
    cut_by_reload = ("AbortError", "Connection errored out", "network error", "ERR_ABORTED")
    return message.type == "error" and not any(phrase in message.text for phrase in cut_by_reload)


def _is_local(url: str, app_url: str) -> bool:
    here = "/".join(app_url.split("/")[:3])
    return url.startswith((here, "data:", "blob:", here.replace("http", "ws", 1)))


def open_tab(page: Page, name: str) -> None:
    """Go to a tab by its id, such as ``completion``; also when a phone has it in a menu and not in the bar.

    Until the page has measured its bar neither the button nor the menu is there, so the first of them is waited for.
    """
    label = text(page.evaluate("document.documentElement.lang"), f"{name}.tab")
    button = page.locator(f"#tab-{name}-button").filter(visible=True)
    menu = page.locator(".overflow-menu > button").filter(visible=True)
    expect(button.or_(menu).first).to_be_visible()
    if button.count():
        button.first.click()
    else:
        menu.first.click()
        page.locator(".overflow-dropdown").filter(visible=True).first.get_by_text(label, exact=True).click()


def has_answered_briefly(page: Page, message: str) -> None:
    """Ask the chat of the page something in English, in whose answer only a few words are of interest."""
    page.get_by_role("button", name=text("en", "chat.settings")).click()
    page.get_by_label(text("en", "chat.max_new_tokens")).first.fill("12")
    page.fill("#chat-message textarea", message)
    page.click("#chat-send")
    expect(page.locator("#chat-figures")).to_contain_text(re.compile("finished by itself|cut off"), timeout=SLOW)


def expect_accessible(page: Page) -> None:
    """Fail when axe (https://github.com/dequelabs/axe-core) finds a serious or critical fault on the page."""
    page.wait_for_timeout(500)  # axe looks at colours: let everything finish fading in
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    assert not serious, [(f["id"], f["help"], [node["html"][:160] for node in f["nodes"]][:3]) for f in serious]
