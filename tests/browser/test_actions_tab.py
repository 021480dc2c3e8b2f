"""The Actions tab in a real browser: an example, approval of an edited call, and the constraint switched off."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from common.text.actions.calling import Call, read_call
from tests.browser.conftest import SLOW, desktop_only, open_tab, phone_only


@desktop_only
def test_from_an_example_to_the_answer(page: Page) -> None:
    open_tab(page, "actions")
    page.get_by_role("button", name="What is 17.5 * (3 + 4)?").click()
    expect(page.locator("#actions-question textarea, #actions-question input")).to_have_value("What is 17.5 * (3 + 4)?")
    page.click("#actions-go")
    trace, call = page.locator("#actions-trace"), page.locator("#actions-call textarea, #actions-call input")
    expect(trace.locator("[data-step=approval]")).to_contain_text("Waiting for you", timeout=SLOW)
    expect(call).to_have_value(re.compile(r"^\{.*\}$"))
    read_call(call.input_value())
    call.fill(Call("calculate", {"expression": "17.5*(3+4)"}).to_json())
    page.click("#actions-approve")
    expect(trace.locator("[data-step=result]")).to_contain_text("122.5", timeout=SLOW)
    # While the answer is being written, another click would be one too many.
    expect(trace.locator("[data-step=answer]")).to_contain_text(re.compile(r"\d tokens"), timeout=SLOW)
    page.wait_for_timeout(2000)  # the last word and the end of the work come one after the other
    call.fill("calculate(3)")
    page.click("#actions-approve")
    expect(page.locator(".toast-body").filter(has_text="it is not JSON")).to_be_visible()


@phone_only
def test_the_page_never_scrolls_sideways(page: Page, viewport: dict[str, int]) -> None:
    open_tab(page, "actions")
    page.fill("#actions-question textarea, #actions-question input", "How is the weather in Paris?")
    page.click("#actions-go")
    expect(page.locator("[data-step=approval]")).to_be_visible(timeout=SLOW)
    page.locator("#actions-trace summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_link_opens_the_tab_with_its_inputs(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{app_url}/?tab=actions&question=Hello&constrained=off&approval=always")
    expect(page.locator("#actions-question textarea, #actions-question input")).to_have_value("Hello", timeout=30_000)
    expect(page.locator("#actions-constrained input[value=off]")).to_be_checked()
    expect(page.locator("#actions-approval input[value=always]")).to_be_checked()
    context.close()
