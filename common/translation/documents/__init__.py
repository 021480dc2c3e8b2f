"""Documents translated in their own format: everything that is no text stays as it was, byte for byte where it can.

``read`` finds the texts of a file as segments (a paragraph, a cell, a subtitle) made of leaves (what stands between two
tags, a run of a Word file). Translating writes new texts into the leaves; ``Document.save`` gives the file.
"""

from __future__ import annotations

from pathlib import PurePath

from common import errors
from common.config import settings
from common.documents.read import display_name
from common.errors import Phrase
from common.translation.documents.base import Document, Leaf, Segment

__all__ = ["FORMATS", "Document", "Leaf", "Segment", "read"]
FORMATS = ("txt", "md", "srt", "docx", "html")


def read(name: str, data: bytes) -> Document:
    """The document in a file, told by the ending of its name.

    Raises:
        DocumentTooLarge: more bytes than the setting ``max_upload_mb``.
        UnreadableFile: unknown ending, empty, damaged, not text, or more of it than ``max_translation_chars``.
    """
    if not data.strip():
        raise errors.UnreadableFile(reason=Phrase("file_empty"))
    config = settings()
    if len(data) > config.max_upload_mb * 1_000_000:
        size = round(len(data) / 1e6)
        raise errors.DocumentTooLarge(name=display_name(name), size=size, limit=config.max_upload_mb)
    document = _opened(name, data)
    letters, limit = sum(len(segment.text) for segment in document.segments), config.max_translation_chars
    if letters > limit:
        raise errors.UnreadableFile(reason=Phrase("document_letters", count=letters, limit=limit))
    return document


def _opened(name: str, data: bytes) -> Document:
    kind = PurePath(name).suffix.lower().lstrip(".")
    if kind == "docx":
        from common.translation.documents.word import read_word

        return read_word(data)
    if kind in ("html", "htm"):
        from common.translation.documents.web import read_web

        return read_web(data)
    if kind in ("md", "markdown"):
        from common.translation.documents.markdown import read_markdown

        return read_markdown(data)
    if kind == "srt":
        from common.translation.documents.subtitles import read_subtitles

        return read_subtitles(data)
    if kind == "txt":
        from common.translation.documents.plain import read_plain

        return read_plain(data)
    raise errors.UnreadableFile(reason=Phrase("file_kind", kinds=", ".join(FORMATS).upper()))
