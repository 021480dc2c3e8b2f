"""Documents translated in their own format: everything that is no text stays as it was, byte for byte where it can.

``read`` finds the texts of a file as segments (a paragraph, a cell, a subtitle) made of leaves (what stands between two
tags, a run of a Word file). Translating writes new texts into the leaves; ``Document.save`` gives the file.
"""

from __future__ import annotations

from pathlib import PurePath

from common import errors
from common.errors import Phrase
from common.translation.documents.base import Document, Leaf, Segment

__all__ = ["FORMATS", "Document", "Leaf", "Segment", "read"]
FORMATS = ("txt", "md", "srt", "docx", "html")
LARGEST = 10_000_000  # bytes, as the page's upload limit


def read(name: str, data: bytes) -> Document:
    """The document in a file, told by the ending of its name.

    Raises:
        UnreadableFile: unknown ending, empty, too large, damaged, or not text.
    """
    if not data.strip():
        raise errors.UnreadableFile(reason=Phrase("file_empty"))
    if len(data) > LARGEST:
        raise errors.UnreadableFile(reason=Phrase("too_long"))
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
