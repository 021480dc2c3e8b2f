"""Documents as text: what comes out of every kind of file, and the sentence for every file that cannot be read."""

from __future__ import annotations

import io
import random
import socket
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import psutil
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from common import errors
from common.config import settings
from common.documents import child, read_document, take_upload
from common.documents.html import read_html
from common.documents.pdf import cut_page
from common.documents.read import display_name


def pdf(*pages: str, title: str = "", password: str | None = None, algorithm: str = "AES-256") -> bytes:
    """A PDF with these lines of text on its pages; a page without text is empty, as a scan is for a reader."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(595, 842)
        if text:
            stream = DecodedStreamObject()
            lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.split("\n"))
            stream.set_data(f"BT /F1 12 Tf 50 800 Td {lines}ET".encode("latin-1"))
            page[NameObject("/Contents")] = writer._add_object(stream)
            fonts = DictionaryObject({NameObject("/F1"): font})
            page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if title:
        writer.add_metadata({"/Title": title})
    if password is not None:
        writer.encrypt(password, "owner", algorithm=algorithm)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def word(build: Callable[[Any], None] = lambda document: None) -> bytes:
    document = docx.Document()
    build(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


Save = Callable[[str, bytes], Path]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_text_in_any_encoding(save: Save, encoding: str) -> None:
    text = "Größe zählt nicht für Bücher.\r\nAuch über Öl.\r\n\r\nDer Garçon trägt Käse, naïve Gäste möchten Brötchen."
    document = read_document(save("Brief.txt", text.encode(encoding)))
    assert [paragraph.text for paragraph in document.paragraphs] == [
        "Größe zählt nicht für Bücher. Auch über Öl.",
        "Der Garçon trägt Käse, naïve Gäste möchten Brötchen.",
    ]
    assert document.title == "Brief.txt" and document.pages is None


def test_markdown_has_headings(save: Save) -> None:
    document = read_document(save("a.md", b"# Bread\nFlour and\nwater.\n\n## Baking ##\n\n![x](http://a.b/c.png) hot"))
    assert [(p.text, p.heading) for p in document.paragraphs] == [
        ("Bread", True),
        ("Flour and water.", False),
        ("Baking", True),
        ("![x](http://a.b/c.png) hot", False),
    ]
    assert document.title == "Bread"


def test_pdf_has_pages(save: Save) -> None:
    data = pdf(
        "A first line that is rather long and was bro-\nken at its end.\nThe same page goes on here.", "", "Last"
    )
    document = read_document(save("a.pdf", data))
    assert [(p.page, p.text) for p in document.paragraphs][-1] == (3, "Last")
    assert "was broken at its end." in document.text
    assert (document.pages, document.empty_pages) == (3, 1)
    assert read_document(save("b.pdf", pdf("text", title="Über Brot"))).title == "Über Brot"


def test_lines_of_a_page_become_paragraphs() -> None:
    page = (
        "This is the first line of a text that\nends here.\nAnother paragraph begins and goes on to\nits own end\n\nX"
    )
    assert list(cut_page(page)) == [
        "This is the first line of a text that ends here.",
        "Another paragraph begins and goes on to its own end",
        "X",
    ]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_pdf_that_only_forbids_printing_is_read(save: Save, algorithm: str) -> None:
    assert read_document(save("a.pdf", pdf("hello", password="", algorithm=algorithm))).text == "hello"


def test_word_has_headings_and_tables(save: Save) -> None:
    def build(document: Any) -> None:
        document.add_heading("Bread", 1)
        document.add_paragraph("Flour\nand water.")
        row = document.add_table(1, 2).rows[0].cells
        row[0].text, row[1].text = "salt", "10 g"
        document.add_paragraph("End.")

    document = read_document(save("a.docx", word(build)))
    assert [p.text for p in document.paragraphs] == ["Bread", "Flour and water.", "salt | 10 g", "End."]
    assert document.paragraphs[0].heading and document.title == "Bread"


def test_html_is_what_a_reader_sees(save: Save) -> None:
    page = (
        "<?xml version='1.0' encoding='latin-1'?><html><head><title>Brot &amp; Käse</title><style>p{}</style></head>"
        "<body><nav>Menu</nav><h2>Eins</h2><p>Ein <b>fetter</b><br>Satz.<script>alert(1)</script> Ende.</p>"
        "<!-- hidden --><table><tr><td>a</td><td>b</td></tr></table>lose"
    )
    document = read_document(save("a.HTML", page.encode()), "a.HTML")
    assert document.title == "Brot & Käse"
    assert [(p.text, p.heading) for p in document.paragraphs] == [
        ("Eins", True),
        ("Ein fetter", False),
        ("Satz. Ende.", False),
        ("a | b", False),
        ("lose", False),
    ]
    old = '<meta charset="iso-8859-1"><p>Käse'.encode("latin-1")
    assert read_document(save("b.htm", old)).text == "Käse"


def test_nothing_outside_the_file_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    page = (
        '<!DOCTYPE html [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><link rel=stylesheet href="http://127.0.0.1:9/s">'
        '<img src="http://127.0.0.1:9/i.png"><p>text &x;</p>'
    )
    assert "text" in read_html(page.encode(), "a.html").text


def _zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 101_000_000)
    return file.getvalue()


def _noise(count: int) -> bytes:
    return random.Random(1).randbytes(count)


CASES: list[tuple[str, bytes, type[errors.DemystifyError]]] = [
    ("a.exe", b"text", errors.UnsupportedDocument),
    ("none", b"text", errors.UnsupportedDocument),
    ("a.txt", b" \n\n", errors.DocumentEmpty),
    ("a.txt", b"", errors.DocumentEmpty),
    ("a.md", b"--- \n *** \n", errors.DocumentEmpty),
    ("a.html", b"<html><script>x</script></html>", errors.DocumentEmpty),
    ("a.docx", word(), errors.DocumentEmpty),
    ("a.txt", _noise(5000), errors.DocumentNotText),
    ("a.txt", pdf("hello"), errors.DocumentNotText),
    ("a.txt", b"text \x00\x01\x02 with zeros", errors.DocumentNotText),
    ("a.html", _noise(5000), errors.DocumentNotText),
    ("a.pdf", b"%PDF-1.7\n" + _noise(2000), errors.DocumentBroken),
    ("a.pdf", pdf("hello")[:200], errors.DocumentBroken),
    ("a.pdf", b"no pdf at all", errors.DocumentBroken),
    ("a.docx", word()[:2000], errors.DocumentBroken),
    ("a.docx", b"no docx at all", errors.DocumentBroken),
    ("a.pdf", pdf("", ""), errors.DocumentScanned),
    ("a.pdf", pdf("hello", password="secret", algorithm="RC4-128"), errors.DocumentEncrypted),
    ("a.pdf", pdf("hello", password="secret"), errors.DocumentEncrypted),
    ("a.docx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), errors.DocumentEncrypted),
    ("a.docx", _zip_bomb(), errors.DocumentTooLong),
]


@pytest.mark.parametrize(("name", "data", "kind"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_what_cannot_be_read(save: Save, name: str, data: bytes, kind: type[errors.DemystifyError]) -> None:
    path = save(name, data)
    before = sorted(path.parent.iterdir())
    with pytest.raises(kind) as caught:
        read_document(path)
    assert f"“{name}”" in str(caught.value)
    assert sorted(path.parent.iterdir()) == before  # nothing is written beside it


def test_limits(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "max_document_pages", 2)
    with pytest.raises(errors.DocumentTooLong, match="3 pages, and 2 is the most"):
        read_document(save("a.pdf", pdf("a", "b", "c")))
    monkeypatch.setattr(settings(), "max_document_chars", 10)
    for name, data in (("a.txt", b"x" * 11), ("b.pdf", pdf("x" * 11))):
        with pytest.raises(errors.DocumentTooLong, match="11 characters or more"):
            read_document(save(name, data))


def _slow_pdf() -> bytes:
    """Some kB that unpack to a page with more than a million instructions."""
    writer = PdfWriter(io.BytesIO(pdf("hello")))
    stream = DecodedStreamObject()
    stream.set_data(b"BT /F1 9 Tf (x) Tj ET " * 300_000)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_a_file_that_takes_for_ever_ends_its_own_process(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save("bomb.pdf", _slow_pdf())
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(child, "SECONDS", 3.0)
    began = time.monotonic()
    with pytest.raises(errors.DocumentTooLong, match="takes more than 3 seconds"):
        read_document(path)
    assert time.monotonic() - began < 20 and _children() == []


def test_more_memory_than_allowed_ends_the_reading(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MEGABYTES", 1)
    # Which of the two it is depends on whether Python or the library behind it asked for the memory.
    with pytest.raises((errors.DocumentTooLong, errors.DocumentBroken)) as caught:
        read_document(save("a.pdf", pdf("hello" * 1000)))
    if isinstance(caught.value, errors.DocumentTooLong):
        assert "takes more than 1 MB of memory" in str(caught.value)
    assert _children() == []


def test_a_reader_that_dies_is_a_broken_file(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(errors.DocumentBroken):
        read_document(save("a.pdf", pdf("hello")))


def _children() -> list[str]:
    found = psutil.Process().children(recursive=True)
    return [name for one in found if "common.documents.child" in (name := " ".join(one.cmdline()))]


def test_a_large_file_is_refused_unread(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save("a.txt", b"")
    with path.open("wb") as file:
        file.truncate(200_000_000)  # takes no room on the disk

    def refuse(_: Path) -> bytes:
        raise AssertionError("was read")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(errors.DocumentTooLarge, match="200 MB, and 20 MB"):
        read_document(path)


def test_an_upload_is_gone_after_reading(save: Save) -> None:
    good, bad = save("a.txt", b"hello"), save("b.pdf", b"no pdf")
    assert take_upload(good).text == "hello"
    with pytest.raises(errors.DocumentBroken):
        take_upload(bad)
    assert not good.exists() and not bad.exists()
    with pytest.raises(errors.UploadGone):
        take_upload(good)


def test_a_name_in_a_sentence_is_harmless() -> None:
    assert display_name("../../<img src=x>.txt") == "img src=x.txt"
    assert len(display_name("x" * 300 + ".docx")) == 60 and display_name("x" * 300 + ".docx").endswith(".docx")
