"""The hub as a newcomer meets it: the front page, through a door into a space, and back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import ROOT, desktop_only, expect_accessible, free_port, start_app


@pytest.fixture(scope="module")
def hub_url() -> Iterator[str]:
    port = free_port()
    process = start_app(ROOT / "app.py", port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def front(browser: Browser, hub_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(viewport=viewport, locale="en-US")
    page = context.new_page()
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((hub_url, "data:", "blob:")) else elsewhere.append(request.url),
    )
    page.goto(hub_url, wait_until="load")
    yield page
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert not elsewhere, elsewhere
    assert width <= viewport["width"]


def test_through_the_door_and_back(front: Page) -> None:
    front.locator(".doors a").filter(has_text=text("en", "hub.chat")).click()
    front.fill("#chat-message textarea", "Say hello.")
    front.click("#chat-send")
    expect(front.locator("#chat-figures")).to_contain_text(re.compile("finished by itself|cut off"))
    front.locator(".masthead a").click()
    expect(front.locator("h1")).to_have_text(text("en", "hub.title"))


@desktop_only
def test_the_translator_has_a_door(front: Page) -> None:
    front.locator(".doors a").filter(has_text=text("en", "hub.translate_about")).click()
    expect(front.locator("h1")).to_have_text(text("en", "translate.title"))
    expect(front.locator("#translate-translation textarea")).to_have_value(re.compile("I love the DSA seminar"))


@desktop_only
def test_the_language_goes_through_the_door(front: Page) -> None:
    front.locator("#language label").filter(has_text="DE").click()
    expect(front.locator(".doors")).to_contain_text(text("de", "hub.chat_about")[:40])
    front.locator(".doors a").first.click()
    expect(front.locator("#chat-send")).to_have_text(text("de", "chat.send"))


def test_the_front_page_has_no_serious_accessibility_fault(front: Page) -> None:
    expect(front.locator(".doors a").first).to_be_visible()
    expect_accessible(front)


def test_the_agenda_opens_a_demo_as_the_talk_wants_it(front: Page) -> None:
    front.locator(".by-slide summary").click()
    expect(front.locator(".by-slide a").first).to_be_visible()
    expect(front.locator("#status")).to_contain_text("memory")
    front.locator(".agenda .cards a").filter(has_text=text("en", "agenda.prompts")).click()
    expect(front.locator("#completion-prompt textarea")).to_have_value("The capital of France is")
    expect(front.locator("#tab-completion-button")).to_have_attribute("aria-selected", "true")


def test_the_room_joins_by_a_code(front: Page, hub_url: str) -> None:
    front.locator(".joining a").click()
    code = front.locator(".join svg")
    expect(code).to_be_visible()
    picture = Image.open(io.BytesIO(code.screenshot())).convert("L")
    assert zxingcpp.read_barcodes(picture)[0].text == f"{hub_url}/"
    expect(front.locator(".join")).to_contain_text(text("en", "link.alone"))
    front.locator(".masthead a").click()
    expect(front.locator("h1")).to_have_text(text("en", "hub.title"))
