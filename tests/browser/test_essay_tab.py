"""The Essay tab in a real browser: outline, essay, one section again, both files, stop, and a topic that is missing."""

from __future__ import annotations

import re
from pathlib import Path

from docx import Document
from playwright.sync_api import Browser, Page, expect

from common.text.tasks.manuscript import from_markdown
from tests.browser.conftest import SLOW, desktop_only, open_tab, phone_only


def _open(page: Page) -> None:
    open_tab(page, "essay")
    expect(page.locator("#essay-plan")).to_be_visible()


def _topic(page: Page, topic: str, words: int) -> None:
    page.fill("#essay-topic textarea, #essay-topic input", topic)
    box = page.locator("#essay-words input[type=number]")
    box.fill(str(words))
    box.press("Tab")


def _document(page: Page) -> str:
    return page.locator("#essay-document textarea").input_value()


def _save(page: Page, button: str) -> tuple[str, Path]:
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path()


@desktop_only
def test_from_a_topic_to_both_files(page: Page) -> None:
    _open(page)
    page.click("#essay-plan")
    toasts = page.locator(".toast-body")
    expect(toasts.filter(has_text="type something first")).to_be_visible()
    expect(page.locator("#essay-go")).to_be_enabled()
    _topic(page, "How bread is made", 100)
    page.click("#essay-go")
    expect(toasts.filter(has_text="1 to 12 headings, one per line")).to_be_visible()
    expect(page.locator("#essay-plan")).to_be_enabled()
    page.click("#essay-plan")
    expect(page.locator("#essay-status")).to_contain_text("The outline came at try", timeout=SLOW)
    outline = page.locator("#essay-outline textarea")
    assert len(outline.input_value().splitlines()) == 2
    expect(page.locator("#essay-go")).to_be_enabled()
    outline.fill("The <b>first</b> loaf\nBread today")

    page.click("#essay-go")
    status = page.locator("#essay-status")
    expect(page.locator("#essay-go")).to_be_disabled()
    expect(status).to_contain_text("taken", timeout=SLOW)
    expect(page.locator("#essay-again")).to_be_enabled()
    written = from_markdown(_document(page))
    assert [section.heading for section in written.sections] == ["The <b>first</b> loaf", "Bread today"]
    assert 80 <= written.words <= 120
    expect(status).to_contain_text(f"{written.words} of 100 words")

    mine = "I baked this sentence myself."
    box = page.locator("#essay-document textarea")
    box.fill(_document(page).replace(written.sections[1].body, mine))
    box.blur()
    page.locator("#essay-section input").click()
    page.get_by_role("option", name="1. The <b>first</b> loaf").click()
    page.click("#essay-again")
    expect(page.locator("#essay-again")).to_be_disabled()
    expect(page.locator("#essay-again")).to_be_enabled(timeout=SLOW)
    again = from_markdown(_document(page))
    assert again.sections[1].body == mine
    assert again.sections[0].body not in ("", written.sections[0].body)

    name, path = _save(page, "#essay-markdown")
    assert name == "demystify-essay.md" and path.read_text(encoding="utf-8") == _document(page)
    name, path = _save(page, "#essay-docx")
    assert name == "demystify-essay.docx"
    with path.open("rb") as file:
        paragraphs = [paragraph.text for paragraph in Document(file).paragraphs]
    assert paragraphs[:2] == ["How bread is made", "The <b>first</b> loaf"]
    assert paragraphs[-2:] == ["Bread today", mine]

    page.click("#essay-prompts > button")
    page.fill("#essay-section_prompt textarea", "Write about {colour} and {topic}")
    page.click("#essay-plan")
    expect(toasts.filter(has_text="no other names in braces")).to_be_visible()


@phone_only
def test_stop_keeps_what_has_come(page: Page) -> None:
    _open(page)
    _topic(page, "Why cities need trees", 1000)
    page.fill("#essay-outline textarea", "Shade\nAir\nBirds\nRain\nNoise\nHealth\nStreets\nParks")
    page.click("#essay-go")
    expect(page.locator("#essay-status")).to_contain_text("still to go", timeout=SLOW)
    page.dispatch_event("#essay-stop", "click")  # the page moves while text comes
    expect(page.locator("#essay-status")).to_contain_text("Stopped. What has come so far stays.")
    written = from_markdown(_document(page))
    assert written.sections[0].body and len(written.sections) == 8 and written.words < 900
    expect(page.locator("#essay-document textarea")).to_be_editable()


def test_a_link_opens_the_tab_with_its_inputs(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(
        f"{app_url}/?tab=essay&topic=Bread&words=450&audience=my+cats&outline=One%0ATwo&section_prompt=%7Btopic%7D"
    )
    expect(page.locator("#essay-outline textarea")).to_have_value("One\nTwo", timeout=30_000)
    expect(page.locator("#essay-words input[type=number]")).to_have_value("450")
    expect(page.locator("#essay-audience input")).to_have_value("my cats")
    page.click("#essay-link")
    expect(page).to_have_url(re.compile(r"tab=essay&topic=Bread&audience=my\+cats&words=450&"))
    context.close()
