"""Files: what is no text stays byte for byte, what a reader reads is found, broken files get a sentence."""

from __future__ import annotations

import io
import zipfile

import pytest
from docx import Document as WordFile
from docx.shared import Pt
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from common.config import settings as limits
from common.translation.documents import Document, read

SRT = (
    "\ufeff1\r\n00:00:01,000 --> 00:00:04,000\r\nDas ist ein Satz,\r\nder auf zwei Zeilen steht.\r\n\r\n"
    "2\r\n00:00:05,500 --> 00:00:07,000 X1:40 X2:600\r\n<i>Hallo</i> du\r\n\r\n"
    "3\r\n00:00:08,000 --> 00:00:09,000\r\n- Ja.\r\n- Nein.\r\n\r\n"
)
MD = """---
title: Stays
---
# The *first* heading

A paragraph with **bold** words, `code_here` and [a link](http://example.com/words "title").
It goes on here.

- item one
- item two \\* not markup

> quoted
> text

```python
words = "stay"
```

| head | cells |
|---|---|
| one | two |

![alt text](picture.png) <http://auto.example> after
"""
HTML = """<!DOCTYPE html>
<html lang="en"><head><title>A title</title><style>p { color: red }</style>
<script>if (a < b) { say("words"); }</script></head>
<body><!-- a comment -->
<h1 class='x'>Tom &amp; Jerry</h1>
<P>One <b>bold</b> word, <code>x &lt; y</code> and <a href="/w?a=1&b=2">a link</a>.<br/>Next line</P>
<pre>  words  </pre><p translate="no">name</p><p>Last</p></body></html>
"""


def _shout(document: Document) -> bytes:
    """Every word changed, in a way that can be seen."""
    for segment in document.segments:
        for leaf in segment.leaves:
            if not leaf.keep:
                leaf.text = leaf.text.upper()
    return document.save()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", "One.\r\n\r\n  Two\n".encode("utf-16")),
        ("a.srt", SRT.encode()),
        ("a.md", MD.encode()),
        ("a.md", MD.replace("\n", "\r\n").encode()),
        ("a.html", HTML.encode()),
        ("a.htm", b"no tags & no end"),
    ],
)
def test_what_is_not_changed_comes_back_byte_for_byte(name: str, data: bytes) -> None:
    document = read(name, data)
    assert document.segments
    assert document.save() == data


PIECES = [
    "word ",
    "**b**",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "`c d`",
    "`",
    "[a](b c)",
    "[a](b)",
    "![",
    "](",
    "# ",
    "|",
    "---",
    "  \n",
]
PIECES += [
    "\\*",
    "&amp;",
    "<b>",
    "<i x='",
    "</p>",
    "<pre>",
    "<!--",
    "-->",
    "<http://a.b>",
    "1. ",
    "\t",
    "ž",
    "```\n",
    "&",
    "*",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(["a.md", "a.html"]))
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back_byte_for_byte(text: str, name: str) -> None:
    data = f"x{text}".encode()
    assert read(name, data).save() == data


def test_subtitles_keep_numbers_times_tags_and_lines() -> None:
    document = read("a.srt", SRT.encode())
    assert [segment.text for segment in document.segments if segment.text.strip()] == [
        "Das ist ein Satz, der auf zwei Zeilen steht.",
        "Hallo du",
        "Ja.",
        "Nein.",
    ]
    assert _shout(document).decode("utf-8") == (
        "\ufeff1\r\n00:00:01,000 --> 00:00:04,000\r\nDAS IST EIN SATZ, DER AUF\r\nZWEI ZEILEN STEHT.\r\n\r\n"
        "2\r\n00:00:05,500 --> 00:00:07,000 X1:40 X2:600\r\n<i>HALLO</i> DU\r\n\r\n"
        "3\r\n00:00:08,000 --> 00:00:09,000\r\n- JA.\r\n- NEIN.\r\n\r\n"
    )


def test_markdown_keeps_code_links_and_structure() -> None:
    document = read("a.md", MD.encode())
    assert "A paragraph with bold words, code_here and a link. It goes on here." in [s.text for s in document.segments]
    said = _shout(document).decode()
    for kept in ("title: Stays", "`code_here`", '(http://example.com/words "title")', 'words = "stay"', "picture.png"):
        assert kept in said
    for changed in (
        "# THE *FIRST* HEADING",
        "**BOLD**",
        "[A LINK](",
        "- ITEM ONE",
        "| ONE | TWO |",
        "> QUOTED",
        "AFTER",
    ):
        assert changed in said
    assert "<http://auto.example>" in said and r"\* NOT MARKUP" in said and "|---|---|" in said


def test_a_translation_cannot_bring_markup_of_its_own() -> None:
    document = read("a.md", b"Hello\n\nThere\n")
    document.segments[0].leaves[0].text = "# [x](javascript:1) <b>"
    assert document.save() == b"\\# \\[x\\](javascript:1) \\<b\\>\n\nThere\n"
    document = read("a.html", b"<p>Hello</p>")
    document.segments[0].leaves[0].text = "<script>alert(1)</script>"
    assert document.save() == b"<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


def test_html_keeps_every_tag_script_and_comment() -> None:
    document = read("a.html", HTML.encode())
    texts = [segment.text for segment in document.segments if segment.text.strip()]
    assert texts == ["A title", "Tom & Jerry", "One bold word, x < y and a link.", "Next line", "Last"]
    said = _shout(document).decode()
    for part in (
        '<script>if (a < b) { say("words"); }</script>',
        "<style>p { color: red }</style>",
        "<!-- a comment -->",
        "<h1 class='x'>TOM &amp; JERRY</h1>",
        '<P>ONE <b>BOLD</b> WORD, <code>x &lt; y</code> AND <a href="/w?a=1&b=2">A LINK</a>.<br/>NEXT LINE</P>',
        '<pre>  words  </pre><p translate="no">name</p><p>LAST</p></body></html>',
    ):
        assert part in said


def _word() -> bytes:
    document = WordFile()
    document.add_heading("The heading", 1)
    paragraph = document.add_paragraph("One ")
    paragraph.add_run("bold").bold = True
    paragraph.add_run(" word.\nNext line").font.size = Pt(20)
    document.add_table(1, 2).cell(0, 1).text = "In a cell"
    document.sections[0].header.paragraphs[0].text = "At the top"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_word_keeps_runs_styles_tables_and_headers() -> None:
    document = read("a.docx", _word())
    texts = [segment.text for segment in document.segments]
    assert {"The heading", "One bold word.", "Next line", "In a cell", "At the top"} <= set(texts)
    said = WordFile(io.BytesIO(_shout(document)))
    heading, paragraph = said.paragraphs[:2]
    assert heading.text == "THE HEADING" and heading.style is not None and heading.style.name == "Heading 1"
    assert [run.text for run in paragraph.runs] == ["ONE ", "BOLD", " WORD.\nNEXT LINE"]
    assert [run.bold for run in paragraph.runs] == [None, True, None]
    assert paragraph.runs[2].font.size == Pt(20)
    assert said.tables[0].cell(0, 1).text == "IN A CELL"
    assert said.sections[0].header.paragraphs[0].text == "AT THE TOP"


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", b"not a zip", "damaged"),
        ("a.docx", _zip({"hello.txt": b"x"}), "damaged"),
        ("a.docx", _word()[:-200], "damaged"),
        ("a.docx", _zip({"word/document.xml": b"0" * 150_000_000}), "unpacks to 150 MB, and 100 MB"),
        ("a.srt", b"just words\nwithout times", "no subtitle"),
        ("a.srt", b"1\n00:00 --> 1\nHello", "no subtitle"),
        ("a.txt", b"\x00\x01\x02binary", "not text"),
        ("a.txt", b"  \n", "empty"),
        ("a.exe", b"MZ", "only TXT, MD, SRT, DOCX, HTML"),
        ("a", b"text", "only TXT"),
        ("a.txt", b"a" * 100_001, "100001 characters or more, and 100000 is the most"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(errors.UnreadableFile, match=reason):
        read(name, data)


def test_the_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.DocumentTooLarge, match="20 MB is the most"):
        read("a.txt", b"a" * 20_000_001)
    with pytest.raises(errors.DocumentTooLarge, match=r"“b\.txt” has 2 MB, and 1 MB"):
        monkeypatch.setattr(limits(), "max_upload_mb", 1)
        read("b.txt", b"a" * 2_000_000)
    monkeypatch.setattr(limits(), "max_translation_chars", 10)
    assert read("a.html", b"<p>" * 50 + b"a" * 10).segments
    with pytest.raises(errors.UnreadableFile, match="11 characters"):
        read("a.html", b"<p>" * 50 + b"a" * 11)
    monkeypatch.setattr(limits(), "max_unpacked_mb", 0)
    with pytest.raises(errors.UnreadableFile, match="and 0 MB is the most"):
        read("a.docx", _word())


def test_old_one_byte_files_are_read_and_become_utf8() -> None:
    text = "Příliš žluťoučký kůň úpěl ďábelské ódy. Včera jsem byl v kině a dnes večer nemám čas.\n" * 3
    document = read("a.txt", text.encode("cp1250"))
    assert document.segments[0].text == text
    document.segments[0].leaves[0].text += "ß"
    assert document.save().decode("utf-8") == text + "ß"


def test_entities_in_xml_are_not_followed() -> None:
    """A Word file may not read files of this machine or blow itself up."""
    with zipfile.ZipFile(io.BytesIO(_word())) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    head, rest = entries["word/document.xml"].split(b"?>", 1)
    entity = b'?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    entries["word/document.xml"] = head + entity + rest.replace(b"The heading", b"The &x;heading")
    try:
        texts = " ".join(segment.text for segment in read("a.docx", _zip(entries)).segments)
    except errors.UnreadableFile:
        return
    with open("/etc/hostname", encoding="utf-8") as file:
        assert file.read().strip() not in texts


def _flipped() -> bytes:
    """A Word file with some bytes of its text changed, as a bad download has it."""
    data = bytearray(_word())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.getinfo("word/document.xml").header_offset + 60
    data[start : start + 200] = bytes(200)
    return bytes(data)


def _locked() -> bytes:
    """A ZIP whose first entry says that it is encrypted."""
    data = bytearray(_word())
    data[6] |= 1  # the flag of the entry, and of the entry in the list at the end
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize("data", [_flipped(), _locked()], ids=["flipped bytes", "encrypted entry"])
def test_whatever_is_wrong_with_a_word_file_it_is_damaged(data: bytes) -> None:
    with pytest.raises(errors.UnreadableFile, match="damaged"):
        read("a.docx", data)


@pytest.mark.parametrize(
    "odd", ["<![foo]>", "<![1]>", "<![if IE]>", "<![endif]>", "<![CDATA[ a > b ]]>", "<![", "<![CDATA["]
)
def test_odd_declarations_are_comments(odd: str) -> None:
    data = f"<p>Before</p>{odd}<p>After</p>".encode()
    document = read("a.html", data)
    assert document.save() == data
    assert document.segments[0].text == "Before"
    if odd.endswith(">"):
        assert document.segments[-1].text == "After"


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ('<p>a</p><img translate="no"><p>b</p>', ""),
        ('<p translate="no">A<p>b<p>c', "A"),
        ('<div><p translate="no">A</div>b', "A"),
        ('<ul><li translate="no">A <b>B<li>c</ul>d', "AB"),
        ('<table><tr translate="no"><td>A<td>B<tr><td>c</table>d', "AB"),
        ('<div translate="no"><div>A</div>B</div>c', "AB"),
        ('<ul><li translate="no">A<ul><li>B</ul>C<li>d</ul>', "ABC"),
        ('x <span translate="no">A <b>B</span> c</b> d', "AB"),
        ("<pre>A</p>B</pre>c", "AB"),
    ],
)
def test_what_is_not_to_be_translated_ends_where_a_browser_ends_it(html: str, left: str) -> None:
    said = _shout(read("a.html", html.replace("A", "ä").replace("B", "ö").replace("C", "ü").encode())).decode()
    assert [sign for sign in said if sign in "äöü"] == list(left.translate(str.maketrans("ABC", "äöü")))
    assert all(sign.upper() in said for sign in html if sign in "bcd" and f">{sign}" in html)


@pytest.mark.parametrize("meta", ['<META charset="windows-1250">', "<meta content='text/html; charset=iso-8859-2'>"])
@pytest.mark.parametrize("words", ["Žltý kôň je doma.", "plain letters"])
def test_a_page_that_becomes_utf8_says_so(meta: str, words: str) -> None:
    name = "cp1250" if "1250" in meta else "iso8859_2"
    document = read("a.html", f"<head>{meta}</head><p>{words}</p>".encode(name))
    assert document.segments[-1].text == words
    document.segments[-1].leaves[0].text = "Straße"
    said = document.save()
    assert said.decode("utf-8").endswith("<p>Straße</p>")
    assert b"utf-8" in said and b"1250" not in said and b"8859" not in said


def test_an_encoding_that_is_none_is_guessed_and_one_that_is_not_named_is_marked() -> None:
    text = "<p>Příliš žluťoučký kůň úpěl ďábelské ódy. Včera jsem byl v kině a dnes večer nemám čas.</p>\n" * 3
    said = read("a.html", b"<meta charset=nonsense>" + text.encode("cp1250")).save()
    assert said.decode("utf-8") == "<meta charset=utf-8>" + text
    assert read("a.html", text.encode("cp1250")).save() == text.encode("utf-8-sig")


@pytest.mark.parametrize("between", ["\f", "\x85", "\u2028", "\u2029", "\v", "\x1c", "\r"])
def test_markdown_lines_end_where_the_parser_ends_them(between: str) -> None:
    text = f"one{between}more\n\n# head\n\nsecond paragraph\n\n- item\n"
    document = read("a.md", text.encode())
    assert [segment.text for segment in document.segments][-3:] == ["head", "second paragraph", "item"]
    assert document.save().decode() == text


# Signs at which texts are cut, more often than chance would have them.
SIGNS = st.one_of(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), st.sampled_from("\r\n\f\x85\u2028 .,>-#*")
)
HEADS = st.sampled_from(
    ["\n1\n00:00:01,000 --> 00:00:02,000\n", "\r\n\r\n00:00:01.5 --> 00:00:02.5 X1:4\r\n", "<i>", "{\\an8}"]
)


@given(st.text(SIGNS, max_size=80), st.sampled_from(["a.txt", "a.md"]))
@settings(max_examples=200, deadline=None)
def test_any_plain_text_or_markdown_comes_back(text: str, name: str) -> None:
    data = f"x{text}".encode()
    assert read(name, data).save() == data


@given(st.lists(st.one_of(st.text(SIGNS, max_size=20), HEADS), max_size=12).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_subtitles_come_back(text: str) -> None:
    data = f"1\n00:00:00,000 --> 00:00:01,000\n{text}".encode()
    assert read("a.srt", data).save() == data
