"""DOCX: paragraphs, headings and tables. A DOCX is a ZIP of XML; how much it unpacks to is checked before it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from common import errors
from common.config import settings
from common.documents.document import Document, Paragraph, tidy
from common.errors import Phrase

# What a DOCX with a password is: an older container with this stream in it.
_CONTAINER, _ENCRYPTED = b"\xd0\xcf\x11\xe0", "EncryptedPackage".encode("utf-16-le")


def read_word(data: bytes, name: str) -> Document:
    """Raises DocumentEncrypted, DocumentBroken, DocumentTooLong."""
    if data.startswith(_CONTAINER) and _ENCRYPTED in data:
        raise errors.DocumentEncrypted(name=name)
    limit = settings().max_unpacked_mb
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Reading a part stops at the size it declares, so the sum cannot be a lie.
            size = sum(part.file_size for part in archive.infolist())
        if size > limit * 1_000_000:
            reason = Phrase("document_unpacked", size=round(size / 1e6), limit=limit)
            raise errors.DocumentTooLong(name=name, reason=reason)
        import docx

        document = docx.Document(io.BytesIO(data))
        paragraphs = tuple(_paragraphs(document))
        title = tidy(document.core_properties.title or "")
    except errors.DemystifyError:
        raise
    except Exception as problem:  # a damaged file makes the library fail in any way there is
        raise errors.DocumentBroken(name=name, kind="DOCX") from problem
    first = next((paragraph.text for paragraph in paragraphs if paragraph.heading), "")
    return Document(name, title or first or name, paragraphs)


def _paragraphs(document: Any) -> Iterator[Paragraph]:
    """The body in order; a table row is one paragraph, its cells with bars between them."""
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                cells = dict.fromkeys(tidy(cell.text) for cell in row.cells)  # joined cells come several times
                if any(cells):
                    yield Paragraph(" | ".join(cell for cell in cells if cell))
        elif text := tidy(block.text):
            style = (block.style.name if block.style is not None else "") or ""
            yield Paragraph(text, heading=style.startswith(("Heading", "Title")))
