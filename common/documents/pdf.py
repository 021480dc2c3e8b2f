"""PDF: the text of every page, put together to paragraphs. ``pypdf`` is Python alone, so that a hostile file cannot
reach memory it should not; how much a stream may unpack to is limited by it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

from common import errors
from common.config import settings
from common.documents.document import Document, Paragraph, tidy
from common.errors import Phrase

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it comments on every flaw of a file
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad]\n(?=[a-zà-ÿ])")
_ENDED = re.compile(r"[.!?…:][\"”’»)\]]*$")
# A line that ends a sentence and is this much shorter than the page's lines ends a paragraph.
_SHORT = 0.8


def read_pdf(data: bytes, name: str) -> Document:
    """Raises DocumentBroken, DocumentEncrypted, DocumentScanned, DocumentTooLong."""
    from pypdf import PdfReader

    limit = settings().max_document_pages
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        # Many files are protected against changes only, and open with an empty password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise errors.DocumentEncrypted(name=name)
        count = len(reader.pages)
        if count > limit:
            raise errors.DocumentTooLong(name=name, reason=Phrase("document_pages", count=count, limit=limit))
        paragraphs, empty = _paragraphs(reader, name)
        title = tidy(str(reader.metadata.title or "")) if reader.metadata else ""
    except errors.DemystifyError:
        raise
    except Exception as problem:  # a damaged file makes the library fail in any way there is
        raise errors.DocumentBroken(name=name, kind="PDF") from problem
    if not count:
        raise errors.DocumentBroken(name=name, kind="PDF")
    if not paragraphs:
        raise errors.DocumentScanned(name=name)
    return Document(name, title or name, tuple(paragraphs), count, empty)


def _paragraphs(reader: object, name: str) -> tuple[list[Paragraph], int]:
    """All paragraphs, and how many pages have none."""
    found: list[Paragraph] = []
    empty = letters = 0
    limit = settings().max_document_chars
    for number, page in enumerate(reader.pages, 1):  # type: ignore[attr-defined]
        texts = list(cut_page(page.extract_text()))
        found += [Paragraph(text, page=number) for text in texts]
        empty += not texts
        letters += sum(map(len, texts))
        if letters > limit:
            raise errors.DocumentTooLong(name=name, reason=Phrase("document_letters", count=letters, limit=limit))
    return found, empty


def cut_page(text: str) -> Iterator[str]:
    """The paragraphs of a page: its lines put together, words that were cut at a line end made whole."""
    lines = [line.strip() for line in _HYPHEN.sub("", text).splitlines()]
    lengths = sorted(len(line) for line in lines if line)
    usual = lengths[len(lengths) * 3 // 4] if lengths else 0
    running: list[str] = []
    for line in [*lines, ""]:
        if line:
            running.append(line)
        if not line or (len(line) < _SHORT * usual and _ENDED.search(line)):
            if re.search(r"\w", joined := tidy(" ".join(running))):
                yield joined
            running = []
