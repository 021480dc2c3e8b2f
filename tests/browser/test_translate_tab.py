"""The Translate tab in a real browser: typing translates, links open with their inputs, files come back."""

from __future__ import annotations

import io
import re
from pathlib import Path

from docx import Document
from playwright.sync_api import Browser, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import desktop_only, expect_accessible, phone_only

DSA = "I love the DSA seminar"


def _said(page: Page) -> str:
    return page.locator("#translate-translation textarea").input_value()


def _clear(page: Page) -> None:
    page.fill("#translate-text textarea", "")
    expect(page.locator("#translate-translation textarea")).to_have_value("")


@desktop_only
def test_it_translates_as_one_types(translate_page: Page) -> None:
    page = translate_page
    translation = page.locator("#translate-translation textarea")
    expect(translation).to_have_value(re.compile(DSA))  # the talk's sentence, when the page opens
    _clear(page)
    page.locator("#translate-text textarea").press_sequentially("Milujem seminár", delay=40)
    expect(translation).to_have_value(re.compile("I love"))
    expect(page.locator("#translate-found")).to_contain_text("Slovak")
    expect(page.locator("#translate-status")).to_contain_text("taken")
    expect(page.locator("#translate-others li")).to_have_count(3)
    expect_accessible(page)
    page.fill("#translate-text textarea", "auto")
    expect(page.locator("#translate-found")).to_contain_text("Not sure")
    page.fill("#translate-text textarea", "me gusta mucho el café")
    expect(page.locator("#translate-found")).to_contain_text("no model here knows")
    expect(translation).to_have_value("")


@phone_only
def test_swap_back_and_reference(translate_page: Page) -> None:
    page = translate_page
    expect(page.locator("#translate-translation textarea")).to_have_value(re.compile(DSA))
    page.click("#translate-back-go")
    expect(page.locator("#translate-came-back")).to_contain_text("came back")
    assert page.locator("#translate-back textarea, #translate-back input").first.input_value()
    page.click("#translate-compare > button")
    page.fill("#translate-reference textarea", _said(page))
    expect(page.locator("#translate-quality")).to_contain_text("chrF 100.0 of 100")
    page.click("#translate-swap")
    expect(page.locator("#translate-text textarea")).to_have_value(re.compile(DSA))
    expect(page.locator("#translate-source input")).to_have_value("English")
    expect(page.locator("#translate-target input")).to_have_value("Slovak")
    expect(page.locator("#translate-translation textarea")).to_have_value(re.compile("seminár"))
    expect(page.locator("#translate-back textarea, #translate-back input").first).to_have_value("")


@desktop_only
def test_a_text_cannot_bring_html_or_stop_the_page(translate_page: Page) -> None:
    page = translate_page
    page.fill("#translate-text textarea", "<img src=x onerror='document.title=1'> Dobré ráno! \u202e شكرا 😀")
    expect(page.locator("#translate-status")).to_contain_text("taken")
    assert page.locator("#translate-others img, #translate-translation img").count() == 0
    page.fill("#translate-text textarea", "😀 42")
    expect(page.locator("#translate-translation textarea")).to_have_value("😀 42")


@phone_only
def test_a_word_file_comes_back(translate_page: Page, tmp_path: Path) -> None:
    page = translate_page
    document = Document()
    document.add_heading("Dobré ráno!", 1)
    document.add_paragraph("Milujem ").add_run("seminár").bold = True
    path = tmp_path / "mine.docx"
    document.save(str(path))
    page.click("#translate-file-part > button")
    page.set_input_files("#translate-file input[type=file]", str(path))
    expect(page.locator("#translate-file")).to_contain_text("mine")
    expect(page.locator("#translate-file-save")).to_be_disabled()
    page.click("#translate-file-go")
    expect(page.locator("#translate-file-save")).to_be_enabled()
    with page.expect_download() as download:
        page.click("#translate-file-save")
    assert download.value.suggested_filename == "demystify-en.docx"
    said = Document(io.BytesIO(download.value.path().read_bytes()))
    assert said.paragraphs[0].style is not None and said.paragraphs[0].style.name == "Heading 1"
    assert [run.bold for run in said.paragraphs[1].runs] == [None, True]
    assert said.paragraphs[1].text.startswith("I love")


@desktop_only
def test_a_broken_file_gets_a_sentence(translate_page: Page, tmp_path: Path) -> None:
    page = translate_page
    broken = tmp_path / "broken.docx"
    broken.write_bytes(b"PK no")
    page.click("#translate-file-part > button")
    page.set_input_files("#translate-file input[type=file]", str(broken))
    expect(page.locator("#translate-file")).to_contain_text("broken")
    page.click("#translate-file-go")
    expect(page.locator(".toast-body").filter(has_text="damaged")).to_be_visible()
    expect(page.locator("#translate-file-save")).to_be_disabled()


def test_a_link_opens_with_its_inputs(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{translate_url}/?src=en&tgt=sk&q=I+love+the+DSA+seminar")
    expect(page.locator("#translate-text textarea")).to_have_value(DSA)
    expect(page.locator("#translate-translation textarea")).to_have_value(re.compile("seminár"))
    expect(page.locator("#translate-target input")).to_have_value(text("de", "language.sk"))
    expect(page.locator("#translate-go")).to_have_text(text("de", "translate.go"))
    page.click("#translate-link")
    expect(page).to_have_url(re.compile(r"tab=translate&q=I\+love\+the\+DSA\+seminar&src=en&tgt=sk$"))
    context.close()


@desktop_only
def test_the_language_switch_changes_the_notes(translate_page: Page) -> None:
    page = translate_page
    expect(page.locator("#translate-status")).to_contain_text("taken")
    for lang in ("de", "fr", "it"):
        page.locator("#language label").filter(has_text=lang.upper()).click()
        expect(page.locator("#translate-go")).to_have_text(text(lang, "translate.go"))
        expect(page.locator("#translate-status")).to_contain_text(text(lang, "translate.took"))
        expect(page.locator("#translate-source input")).to_have_value(text(lang, "language.auto"))
    expect(page.locator("#translate-text textarea")).to_have_value("Milujem seminár DSA")
