"""From a file to a ``Document``: the checks that hold for every kind, then the reader of its kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from common import errors
from common.config import settings
from common.documents.child import read_apart
from common.documents.document import Document
from common.errors import Phrase

KINDS = ("txt", "md", "pdf", "docx", "html")
_ENDINGS = {".txt": "txt", ".md": "md", ".markdown": "md", ".pdf": "pdf", ".docx": "docx", ".html": "html"}
_ENDINGS |= {".htm": "html", ".xhtml": "html"}
_LONGEST_NAME = 60


def read_document(path: Path, name: str | None = None) -> Document:
    """The text of a file, told by the ending of its name. Blocks for up to some seconds: call it in a thread.

    Args:
        path: the file.
        name: what the visitor calls it; the file's own name by default.

    Raises:
        UnsupportedDocument: none of ``KINDS``.
        DocumentTooLarge: more bytes than ``max_upload_mb``; found out before anything is read.
        DocumentTooLong: too many pages or characters, it unpacks to too much, or reading it takes too much time or
            memory.
        DocumentEncrypted, DocumentScanned, DocumentEmpty, DocumentNotText, DocumentBroken: as they say.
        UploadGone: there is no such file any more.
    """
    shown = display_name(name or path.name)
    kind = _ENDINGS.get(Path(name or path.name).suffix.lower())
    if kind is None:
        raise errors.UnsupportedDocument(name=shown)
    config = settings()
    try:
        size = path.stat().st_size
        if size > config.max_upload_mb * 1_000_000:
            raise errors.DocumentTooLarge(name=shown, size=max(round(size / 1e6), 1), limit=config.max_upload_mb)
        data = path.read_bytes()
    except OSError as problem:
        raise errors.UploadGone(name=shown) from problem
    if not data.strip():
        raise errors.DocumentEmpty(name=shown)
    document = reader(kind)(data, shown) if kind in ("txt", "md") else read_apart(kind, data, shown)
    if not any(re.search(r"\w", paragraph.text) for paragraph in document.paragraphs):
        raise errors.DocumentEmpty(name=shown)
    if (letters := sum(len(paragraph.text) for paragraph in document.paragraphs)) > config.max_document_chars:
        limit = config.max_document_chars
        raise errors.DocumentTooLong(name=shown, reason=Phrase("document_letters", count=letters, limit=limit))
    return replace(document, title=document.title[:200] or shown)


def take_upload(path: Path, name: str | None = None) -> Document:
    """Like ``read_document`` for a file that a visitor has sent: it is deleted, whether it could be read or not."""
    try:
        return read_document(path, name)
    finally:
        path.unlink(missing_ok=True)


def display_name(name: str) -> str:
    """A file's name as it may stand in a sentence: its last part, short, without signs of markup."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(sign for sign in last if sign.isprintable() and sign not in "<>&\"'`*_[]{}!")
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 12]}…{plain[-11:]}"


def reader(kind: str) -> Callable[[bytes, str], Document]:
    """The function for a kind; its library is loaded here."""
    if kind == "pdf":
        from common.documents.pdf import read_pdf

        return read_pdf
    if kind == "docx":
        from common.documents.word import read_word

        return read_word
    if kind == "html":
        from common.documents.html import read_html

        return read_html
    from common.documents.plain import read_markdown, read_plain

    return read_markdown if kind == "md" else read_plain
