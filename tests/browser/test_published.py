"""The whole hub as it would be published: outside the project, with only the packages that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from common.preflight.run import CHECKS
from common.publish.bundle import HUB
from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible, has_answered_briefly, visit
from tests.common.publish.published import put, started

KEY = "the-presenters-own"


@pytest.fixture
def published(browser: Browser, viewport: dict[str, int], tmp_path: Path) -> Iterator[Page]:
    folder, python = put(HUB, tmp_path)
    with (
        started(folder, python, DEMYSTIFY_RUNS_DIR=str(tmp_path / "runs"), DEMYSTIFY_PRESENTER_KEY=KEY) as url,
        visit(browser, url, viewport, ".doors a") as page,
    ):
        yield page


def _through(page: Page, space: str) -> None:
    page.locator(".doors a").filter(has_text=text("en", f"hub.{space}_about")).click()
    expect(page.locator("h1")).to_have_text(text("en", f"{space}.title"))


@desktop_only
def test_every_space_of_the_published_hub_works_and_the_pre_flight_says_so(published: Page) -> None:
    url = published.url.rstrip("/")
    _through(published, "chat")
    has_answered_briefly(published, "Say hello.")
    published.locator(".masthead a").click()
    _through(published, "translate")
    expect(published.locator("#translate-translation textarea")).to_have_value(re.compile("I love the DSA seminar"))
    published.locator(".masthead a").click()
    _through(published, "train")
    expect(published.locator("#scratch-corpus .figures")).to_be_visible()
    published.locator(".masthead a").click()
    _through(published, "diffusion")
    expect(published.locator("#image-prompt textarea")).to_be_visible()

    published.goto(f"{url}/preflight", wait_until="load")
    expect(published.locator("#preflight-closed")).to_contain_text(text("en", "presenter.closed"))
    published.goto(f"{url}/preflight?presenter={KEY}", wait_until="load")
    published.click("#preflight-start")
    expect(published.locator("#preflight .summary")).to_have_text(text("en", "preflight.ready"), timeout=150_000)
    expect(published.locator("#preflight li.ok, #preflight li.note")).to_have_count(len(CHECKS))
    published.locator("#language label").filter(has_text="FR").click()
    expect(published.locator("#preflight li").last).to_contain_text(text("fr", "preflight.check_picture"))
    expect_accessible(published)
