"""The chat tab, clicked through as a visitor would, on a desktop and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SLOW, desktop_only, visit


@pytest.fixture
def page(browser: Browser, app_url: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A visit in which no answer is long: how long the model writes is no concern of these tests."""
    with visit(browser, f"{app_url}/?max_new_tokens=16", viewport, "#chat-message textarea") as page:
        yield page


def _send(page: Page, message: str) -> None:
    page.fill("#chat-message textarea", message)
    page.click("#chat-send")


def _answers(page: Page) -> list[str]:
    return page.locator("#chat .bot.message").all_inner_texts()


def _wait_done(page: Page, turns: int) -> None:
    expect(page.locator("#chat .bot.message")).to_have_count(turns)
    expect(page.locator("#chat-figures")).to_contain_text(re.compile("finished by itself|cut off"), timeout=SLOW)


def _open(page: Page, label: str) -> None:
    page.get_by_role("button", name=label).click()


@desktop_only
def test_a_conversation_streams_and_survives_a_reload(page: Page) -> None:
    _send(page, "My name is Ada. Greet me by my name.")
    _wait_done(page, 1)
    first = _answers(page)[0]
    assert first.strip()
    expect(page.locator("#chat-context")).to_contain_text("of 8,192 tokens")
    expect(page.locator("#chat-message textarea")).to_have_value("")

    page.reload(wait_until="load")
    expect(page.locator("#chat .bot.message")).to_have_count(1)
    assert _answers(page)[0] == first


@desktop_only
def test_what_the_model_really_sees(page: Page) -> None:
    _send(page, "Hello there")
    _wait_done(page, 1)
    page.get_by_label("What the model really sees").check()
    view = page.locator("#chat-view")
    expect(view.locator(".chip.special").first).to_have_text(re.compile(r"<\|im_start\|>1"))
    expect(view).to_contain_text("·there")
    assert view.locator(".chip.special").count() >= 5  # system, user and assistant turns are opened and closed


@desktop_only
def test_stop_keeps_what_has_come(page: Page) -> None:
    _open(page, "Settings")
    page.get_by_label(re.compile("Longest answer")).first.fill("512")
    _send(page, "Tell me a long story about a ship, an island and the sea.")
    expect(page.locator("#chat-figures").get_by_text("tokens per second")).to_be_visible(timeout=SLOW)
    page.click("#chat-stop")
    expect(page.locator("#chat-figures")).to_contain_text("stopped")
    assert len(_answers(page)[0]) > 3
    kept = _answers(page)[0]
    page.reload(wait_until="load")
    expect(page.locator("#chat .bot.message")).to_have_count(1)
    assert _answers(page)[0] == kept


@desktop_only
def test_another_answer_starts_a_branch_and_the_first_one_stays(page: Page) -> None:
    _send(page, "Name an animal.")
    _wait_done(page, 1)
    first = _answers(page)[0]
    page.get_by_role("button", name=re.compile("retry", re.IGNORECASE)).first.click()
    _open(page, "Conversations and branches")
    branches = page.get_by_label("Branch on screen")
    expect(branches).to_be_visible()
    expect(page.locator("#chat-figures")).to_contain_text(re.compile("finished by itself|cut off"), timeout=SLOW)
    branches.click()
    page.get_by_role("option", name=re.compile("Branch 1")).click()
    expect(page.locator("#chat .bot.message").first).to_contain_text(first.split("\n")[0][:40])


@desktop_only
def test_edit_a_question(page: Page) -> None:
    _send(page, "Name an animal.")
    _wait_done(page, 1)
    page.get_by_role("button", name=re.compile("edit", re.IGNORECASE)).first.click()
    page.locator("#chat textarea").first.fill("Name a colour.")
    page.get_by_role("button", name=re.compile("submit", re.IGNORECASE)).first.click()
    expect(page.locator("#chat .user.message").first).to_contain_text("Name a colour.")
    _wait_done(page, 1)


@desktop_only
def test_an_example_fills_the_box(page: Page) -> None:
    page.click("#chat-example-3")
    expect(page.locator("#chat-message textarea")).to_have_value("My name is Ada. Greet me.")


@desktop_only
def test_export_and_import(page: Page, tmp_path: Path) -> None:
    _send(page, "Say <b>hello</b> & goodbye.")
    _wait_done(page, 1)
    answer = _answers(page)[0]
    _open(page, "Conversations and branches")
    with page.expect_download() as download:
        page.click("#chat-export")
    path = tmp_path / "talk.json"
    download.value.save_as(path)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["turns"][0]["content"] == "Say <b>hello</b> & goodbye."

    page.click("#chat-new")
    expect(page.locator("#chat .bot.message")).to_have_count(0)
    page.locator("#chat-import input[type=file], input[type=file]").first.set_input_files(path)
    expect(page.locator("#chat .bot.message")).to_have_count(1)
    assert _answers(page)[0] == answer


@desktop_only
def test_a_bad_file_gets_a_sentence(page: Page, tmp_path: Path) -> None:
    _open(page, "Conversations and branches")
    path = tmp_path / "bad.json"
    path.write_text('{"format": "something else"}')
    page.locator("#chat-import input[type=file], input[type=file]").first.set_input_files(path)
    expect(page.locator(".toast-body")).to_contain_text("holds no conversation")


@desktop_only
def test_an_empty_message_gets_a_sentence(page: Page) -> None:
    page.click("#chat-send")
    expect(page.locator(".toast-body")).to_contain_text("type something first")


@desktop_only
def test_markup_is_not_run(page: Page) -> None:
    _send(page, "<img src=x onerror=\"document.title='broken'\"> hi")
    _wait_done(page, 1)
    page.get_by_label("What the model really sees").check()
    expect(page.locator("#chat-view .chip").first).to_be_visible()
    assert page.title() != "broken"
