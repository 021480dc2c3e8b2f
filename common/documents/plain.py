"""Plain text and Markdown: finding the encoding, refusing what is no text, cutting into paragraphs."""

from __future__ import annotations

import codecs
import re

from common import errors
from common.documents.document import Document, Paragraph, tidy

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings that Western European files come in when it is not Unicode. Guessing among all that exist takes French
# for Czech now and then.
_LIKELY = ["cp1252", "mac_roman", "utf_16_le", "utf_16_be"]
_SAMPLE = 100_000  # bytes the guess is made on
# Control characters that no text has; a binary file is full of them.
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
_MOST_BINARY = 0.002
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\xd0\xcf\x11\xe0", b"MZ\x90\x00")


def decode(data: bytes, name: str) -> str:
    """The text in the bytes: Unicode where it is, otherwise the most likely encoding.

    Raises:
        DocumentNotText: a binary file.
    """
    if data.startswith(_MAGIC):
        raise errors.DocumentNotText(name=name)
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data[:_SAMPLE], cp_isolation=_LIKELY).best()
        if best is None:
            raise errors.DocumentNotText(name=name) from None
        text = data.decode(best.encoding, "replace")
    if len(_BINARY.findall(text)) > _MOST_BINARY * len(text):
        raise errors.DocumentNotText(name=name)
    return text


def blocks(text: str) -> list[list[str]]:
    """The lines of a text, in groups with empty lines between them."""
    return [group.splitlines() for group in re.split(r"\n[^\S\n]*\n\s*", text.replace("\r\n", "\n")) if group.strip()]


def read_plain(data: bytes, name: str) -> Document:
    """Paragraphs are what stands between empty lines. Raises DocumentNotText."""
    found = (tidy(" ".join(lines)) for lines in blocks(decode(data, name)))
    return Document(name, name, tuple(Paragraph(text) for text in found if text))


def read_markdown(data: bytes, name: str) -> Document:
    """Like plain text, with the headings known by their ``#``; all other marks stay. Raises DocumentNotText."""
    paragraphs: list[Paragraph] = []
    for lines in blocks(decode(data, name)):
        running: list[str] = []
        for line in lines:
            if heading := _HEADING.match(line):
                paragraphs.append(Paragraph(tidy(" ".join(running))))
                paragraphs.append(Paragraph(tidy(heading[1]), heading=True))
                running = []
            else:
                running.append(line)
        paragraphs.append(Paragraph(tidy(" ".join(running))))
    kept = tuple(paragraph for paragraph in paragraphs if paragraph.text)
    return Document(name, next((paragraph.text for paragraph in kept if paragraph.heading), name), kept)
