"""A file over the limit, chosen or dropped: refused in the page's language before a byte of it is sent."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from common.config import LANGUAGES, settings
from common.ui.i18n import text
from tests.browser.conftest import desktop_only, phone_only, visit

# Playwright cannot drop a file from outside of the page: one of its own, of as many zeros, is dropped.
DROP = """(place, bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], 'dropped.txt'));
  for (const type of ['dragenter', 'dragover', 'drop'])
    place.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: data}));
}"""


def _expect_refused(page: Page, lang: str, name: str) -> None:
    limit = settings().max_upload_mb
    said = text(lang, "error.document_too_large", name=name, size=limit + 10, limit=limit)
    expect(page.locator(".upload-refused")).to_have_text(re.compile(re.escape(said)))
    page.get_by_role("button", name=text(lang, "link.close")).click()
    expect(page.locator(".upload-refused")).to_have_count(0)


@phone_only
def test_a_large_file_is_refused_in_every_language(
    browser: Browser, train_url: str, viewport: dict[str, int], tmp_path: Path
) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:  # sparse: nothing is on the disk
        file.truncate((settings().max_upload_mb + 10) * 1_000_000)
    with visit(browser, train_url, viewport, "#scratch-corpus .figures") as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if "/upload" in request.url else None)
        page.locator("#scratch-own button").first.click()
        for lang in LANGUAGES:
            page.locator("#language label").filter(has_text=lang.upper()).click()
            expect(page.locator("#scratch-go")).to_have_text(text(lang, "scratch.go"))
            with page.expect_file_chooser() as chooser:
                page.click("#scratch-upload")
            chooser.value.set_files(large)
            _expect_refused(page, lang, "large.txt")
        with page.expect_file_chooser() as chooser:  # one that fits is taken as before
            page.click("#scratch-upload")
        chooser.value.set_files({"name": "small.txt", "mimeType": "text/plain", "buffer": b"Once upon a time. " * 200})
        expect(page.locator("#scratch-corpus")).to_contain_text("Once upon a time.")
        assert len(sent) == 1
        expect(page.locator(".toast-body")).to_have_count(0)


@desktop_only
def test_a_large_file_that_is_dropped_is_refused(
    browser: Browser, translate_url: str, viewport: dict[str, int]
) -> None:
    with visit(browser, translate_url, viewport, "#translate-source") as page:
        page.locator("#translate-file-part button").first.click()
        place = page.locator("#translate-file button").first
        expect(place).to_be_visible()
        place.evaluate(DROP, (settings().max_upload_mb + 10) * 1_000_000)
        _expect_refused(page, "en", "dropped.txt")
        expect(page.locator(".toast-body")).to_have_count(0)
        expect(page.locator("#translate-file .file-preview")).to_have_count(0)
