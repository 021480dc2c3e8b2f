"""The hub as a newcomer meets it: the front page, through a door into a space, and back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from common.text.actions.calling import Call
from common.ui.i18n import text
from tests.browser.conftest import (
    DESKTOP,
    KEY,
    PHONE,
    SLOW,
    desktop_only,
    expect_accessible,
    expect_no_wider_than_the_screen,
    has_answered_briefly,
    open_tab,
    phone_only,
)


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
    expect_no_wider_than_the_screen(page)
    context.close()
    assert not elsewhere, elsewhere


@desktop_only
def test_through_the_door_and_back(front: Page) -> None:
    front.locator(".doors a").filter(has_text=text("en", "hub.chat")).click()
    has_answered_briefly(front, "Say hello.")
    _has_a_picture_drawn(front)
    front.locator(".masthead a").click()
    expect(front.locator("h1")).to_have_text(text("en", "hub.title"))


def _has_a_picture_drawn(page: Page) -> None:
    """Another space's model as a tool of the Actions tab; what runs is what stands in the box."""
    open_tab(page, "actions")
    page.get_by_role("button", name="Draw a red apple.").click()
    page.click("#actions-go")
    trace = page.locator("#actions-trace")
    expect(trace.locator("[data-step=approval]")).to_contain_text(text("en", "actions.waiting"), timeout=SLOW)
    call = Call("draw", {"prompt": 'green "heart" <b>'}).to_json()
    page.locator("#actions-call textarea, #actions-call input").fill(call)
    page.click("#actions-approve")
    picture = trace.get_by_alt_text('green "heart" <b>')
    expect(picture).to_be_visible(timeout=SLOW)
    assert picture.evaluate("img => [img.naturalWidth, img.naturalHeight]") == [64, 64]
    expect(trace.locator("a[download]")).to_have_text(text("en", "image.save"))
    expect(trace.locator("[data-step=answer]")).to_contain_text(re.compile(r"[1-9]\d* tokens"), timeout=SLOW)
    assert "base64" not in page.url
    expect_accessible(page)


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


@desktop_only
def test_the_front_page_has_no_serious_accessibility_fault(front: Page) -> None:
    expect(front.locator(".doors a").first).to_be_visible()
    expect_accessible(front)


@desktop_only
def test_the_agenda_opens_a_demo_as_the_talk_wants_it(front: Page) -> None:
    front.locator(".by-slide summary").click()
    expect(front.locator(".by-slide a").first).to_be_visible()
    expect(front.locator("#status")).to_contain_text("memory")
    front.locator(".agenda .cards a").filter(has_text=text("en", "agenda.prompts")).click()
    expect(front.locator("#completion-prompt textarea")).to_have_value("The capital of France is")
    expect(front.locator("#tab-completion-button")).to_have_attribute("aria-selected", "true")


@phone_only
def test_the_room_joins_by_a_code(front: Page, hub_url: str) -> None:
    front.locator(".joining a").filter(has_text=text("en", "hub.join")).click()
    code = front.locator(".join svg")
    expect(code).to_be_visible()
    picture = Image.open(io.BytesIO(code.screenshot())).convert("L")
    assert zxingcpp.read_barcodes(picture)[0].text == f"{hub_url}/"
    expect(front.locator(".join")).to_contain_text(text("en", "link.alone"))
    front.locator(".masthead a").click()
    expect(front.locator("h1")).to_have_text(text("en", "hub.title"))


def test_the_room_guesses_and_the_presenter_leads(browser: Browser, hub_url: str) -> None:
    stage = browser.new_context(viewport=DESKTOP, locale="en-US").new_page()
    stage.goto(f"{hub_url}/?presenter={KEY}", wait_until="load")
    assert KEY not in stage.url
    stage.locator(".joining a").filter(has_text=text("en", "hub.presenter")).click()
    expect(stage.locator("#presenter-runs")).to_contain_text(text("en", "presenter.no_runs"))
    expect_accessible(stage)
    stage.locator(".start a").click()
    question = stage.locator("#poll-view h2")
    expect(question).to_have_text(text("en", "ask.models"))

    phone = browser.new_context(viewport=PHONE, locale="it-CH").new_page()
    phone.goto(hub_url, wait_until="load")
    phone.locator(".joining a").filter(has_text=text("it", "hub.poll")).click()
    expect(phone.locator("#poll-view h2")).to_have_text(text("it", "ask.models"))
    phone.click("#poll-b")
    view = phone.locator("#poll-view")
    expect(view).to_contain_text(text("it", "ask.models_b"))
    phone.reload(wait_until="load")
    expect(view).to_contain_text(text("it", "poll.guesses", n=1))
    expect(phone.locator("#poll-reveal")).to_be_hidden()
    width = phone.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    expect_accessible(phone)

    reveal = _function(phone, "poll-reveal")
    body = {"fn_index": reveal, "data": ["en"], "session_hash": "by-hand"}
    refused = phone.request.post(f"{hub_url}/gradio_api/run/predict", data=body)
    assert refused.status >= 400 and text("en", "error.presenter_only")[:40] in refused.text()
    expect(view.locator("table.bars")).to_have_count(0)

    expect(stage.locator("#poll-view")).to_contain_text(text("en", "poll.guesses", n=1))
    stage.click("#poll-reveal")
    expect(stage.locator("#poll-view table.bars")).to_be_visible()
    expect(view.locator("table.bars")).to_contain_text(text("it", "poll.right"))
    stage.keyboard.press("PageDown")
    stage.wait_for_url("**/train?**step=1")
    expect(stage.locator(".stage")).to_contain_text(text("en", "agenda.models"))
    stage.locator("#language label").filter(has_text="DE").click()
    expect(stage.locator(".stage")).to_contain_text(text("de", "agenda.models"))
    stage.keyboard.press("PageUp")
    stage.wait_for_url("**/poll?**step=0")
    expect(stage.locator("#poll-view table.bars")).to_be_visible()  # what was asked keeps its guesses
    phone.goto(f"{hub_url}/translate?step=99", wait_until="load")
    expect(phone.locator("#notice .notice")).to_contain_text(text("it", "field.talk_step"), timeout=SLOW)
    for page in (stage, phone):
        page.context.close()


def _function(page: Page, name: str) -> int:
    """The number under which gradio's API knows the handler of a button of this page."""
    found = page.evaluate("window.gradio_config")
    buttons = {part["id"] for part in found["components"] if part["props"].get("elem_id") == name}
    assert buttons
    return next(one["id"] for one in found["dependencies"] if any(target[0] in buttons for target in one["targets"]))
