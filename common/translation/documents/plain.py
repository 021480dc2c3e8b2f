"""Plain text: one leaf; its lines and white space are kept by the cutting into sentences."""

from __future__ import annotations

from common.translation.documents.base import Leaf, Segment, TextDocument, decode


def read_plain(data: bytes) -> TextDocument:
    """Raises UnreadableFile."""
    text, encode = decode(data)
    leaf = Leaf(text)
    return TextDocument([leaf], [Segment([leaf])], encode)
