"""The Summary tab in a real browser: a summary with its sources and scores, examples counted, parts, stop, errors."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from common.text.tasks.samples import samples
from tests.browser.conftest import SLOW, desktop_only, open_tab

ARTICLE, MEETING, LONG = samples()


def _open(page: Page) -> None:
    open_tab(page, "summary")
    expect(page.locator("#summary-go")).to_be_visible()


def _set(page: Page, name: str, value: int) -> None:
    box = page.locator(f"#summary-{name} input[type=number]")
    box.fill(str(value))
    box.press("Tab")


def _sample(page: Page, name: str) -> None:
    page.locator("#summary-sample input").click()
    page.get_by_role("option", name=name).click()


@desktop_only
def test_a_summary_shows_its_sources_and_its_scores(page: Page) -> None:
    _open(page)
    _sample(page, "Dialogue: planning an open day")
    expect(page.locator("#summary-source textarea")).to_have_value(MEETING.document)
    expect(page.locator("#summary-kind input[value=dialogue]")).to_be_checked()
    _set(page, "words", 30)
    page.click("#summary-go")
    expect(page.locator("#summary-go")).to_be_disabled()
    claims = page.locator("#summary-result .claim")
    expect(claims.first).to_be_visible(timeout=SLOW)
    units = page.locator("#summary-result .source [data-u]")
    assert units.count() == len(MEETING.document.splitlines())
    last = claims.last
    last.click()
    expect(last).to_have_attribute("aria-pressed", "true")
    wanted = (last.get_attribute("data-sources") or "").split()
    chosen = page.locator("#summary-result .source .chosen")
    expect(chosen).to_have_count(len(wanted))
    assert sorted(chosen.evaluate_all("all => all.map((one) => one.dataset.u)")) == sorted(wanted)
    scores = page.locator("#summary-scores")
    expect(scores).to_contain_text("LexRank-3")
    page.fill("#summary-reference textarea", MEETING.document)
    expect(scores).to_contain_text("100.0")  # lead-3 is a part of it word for word: precision 100
    page.click("#summary-true > button")
    expect(page.locator("#summary-prompts pre")).to_contain_text("Here is a dialogue:")
    expect(page.locator("#summary-go")).to_be_enabled()


@desktop_only
def test_what_cannot_be_summarized_and_examples_compared(page: Page) -> None:
    _open(page)
    toasts = page.locator(".toast-body")
    page.fill("#summary-source textarea", "https://example.org/a-page")
    page.click("#summary-go")
    expect(toasts.filter(has_text="this app opens no pages")).to_be_visible()
    page.fill("#summary-source textarea", "")
    expect(page.locator("#summary-go")).to_be_enabled()
    page.click("#summary-go")
    expect(toasts.filter(has_text="type something first")).to_be_visible()
    page.fill("#summary-source textarea", "Trees cool the street. They hold back rain. They cost money every year.")
    page.click("#summary-shots-box > button")
    meter = page.locator("#summary-meter")
    expect(meter).to_contain_text("zero-shot")
    page.locator("#summary-shots label").filter(has_text="Owls (text)").click()
    expect(meter).to_contain_text("one-shot")
    page.locator("#summary-shots label").filter(has_text="Bread (text)").click()
    expect(meter).to_contain_text("few-shot")
    _set(page, "words", 10)
    page.click("#summary-compare")
    table = page.locator("#summary-comparison table")
    expect(table).to_contain_text("few-shot (2)", timeout=SLOW)
    expect(page.locator("#summary-comparison article")).to_have_count(3)


@desktop_only
def test_a_long_text_in_parts_and_stop(page: Page) -> None:
    _open(page)
    _sample(page, "Long article")
    expect(page.locator("#summary-source textarea")).to_have_value(LONG.document)
    _set(page, "part_tokens", 200)
    _set(page, "words", 200)
    page.click("#summary-between > button")
    page.click("#summary-go")
    status = page.locator("#summary-status")
    expect(status).to_contain_text("still to go", timeout=SLOW)
    page.dispatch_event("#summary-stop", "click")  # the page moves while text comes
    expect(status).to_contain_text("Stopped. What has come so far stays.", timeout=SLOW)
    articles = page.locator("#summary-parts article")
    expect(articles.first).to_be_visible()
    assert articles.count() > 3
    articles.first.locator("summary").click()
    expect(articles.first).to_contain_text("A language model begins with text.")
    expect(page.locator("#summary-go")).to_be_enabled()


def test_a_link_opens_the_tab_with_its_settings(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{app_url}/?tab=summary&sample=meeting&kind=dialogue&form=bullets&words=45&shots=train,phone&opening=So")
    expect(page.locator("#summary-source textarea")).to_have_value(MEETING.document, timeout=30_000)
    expect(page.locator("#summary-reference textarea")).to_have_value(MEETING.references["bullets"])
    expect(page.locator("#summary-words input[type=number]")).to_have_value("45")
    page.fill("#summary-source textarea", "My own text.")
    expect(page.locator("#summary-sample input")).to_have_value("A text of your own")
    page.click("#summary-link")
    expect(page).to_have_url(
        re.compile(r"tab=summary&sample=own&kind=dialogue&form=bullets&words=45.*shots=train%2Cphone")
    )
    context.close()
