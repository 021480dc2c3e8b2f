"""Links in a real browser: a QR code that a reader understands, and an address with values that cannot be used."""

from __future__ import annotations

import io
import re

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import DESKTOP, PHONE, desktop_only, open_tab


@desktop_only
def test_a_view_as_a_qr_code(page: Page) -> None:
    open_tab(page, "gallery")
    page.click("#gallery-qr")
    dialog = page.locator("#gallery-qr-dialog dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text(text("en", "link.alone"))
    for screen in (PHONE, DESKTOP):
        page.set_viewport_size(screen)  # type: ignore[arg-type]  # two whole numbers
        box = dialog.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= screen["width"]
    picture = Image.open(io.BytesIO(dialog.locator("svg").screenshot())).convert("L")
    link = zxingcpp.read_barcodes(picture)[0].text
    assert link == page.url and link.endswith("/?tab=gallery")  # what it opens with by itself is left out
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.click("#gallery-qr")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    open_tab(page, "tokens")
    german, price = page.locator("#tokens-de textarea"), page.locator("#tokens-price input")
    german.fill("")  # a box that was emptied is no box as it opens
    price.fill("3.5")
    price.blur()
    page.click("#tokens-link")
    expect(page).to_have_url(re.compile(r"\?tab=tokens&de=&price=3\.5$"))
    page.goto(page.url, wait_until="load")
    expect(price).to_have_value("3.5")
    expect(german).to_have_value("")
    expect(page.locator("#notice .notice")).to_have_count(0)


def test_what_a_link_carries_wrongly_is_said(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="it-CH")
    page = context.new_page()
    page.goto(f"{app_url}/?tab=actions&question=Ciao&temperature=99&approval=%3Cimg+src%3Dx%3E", wait_until="load")
    notice = page.locator("#notice .notice")
    expect(notice).to_contain_text(text("it", "link.refused"))
    expect(notice.locator("li")).to_have_count(2)
    expect(notice).to_contain_text(text("it", "field.temperature"))
    expect(page.locator("#actions-question textarea, #actions-question input")).to_have_value("Ciao")
    page.goto(f"{app_url}/?tab=nonsense", wait_until="load")
    expect(notice.locator("li")).to_have_count(1)
    page.goto(f"{app_url}/?tab=tokens&part=nonsense", wait_until="load")
    expect(notice).to_contain_text(text("it", "phrase.no_parts"))
    page.goto(f"{app_url}/?lang=%22%3E%3Cb%3E", wait_until="load")
    expect(notice).to_contain_text(text("it", "field.page_language"))
    expect(notice.locator("b")).to_have_count(0)
    page.goto(app_url, wait_until="load")
    page.wait_for_selector("#status .dot")
    expect(notice).to_have_count(0)
    context.close()
