"""What all formats share: leaves, segments, and files whose texts stand between pieces of unchanged text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from common import errors
from common.errors import Phrase


@dataclass(eq=False, slots=True)
class Leaf:
    """A stretch of text with one format.

    Attributes:
        text: what it says; translating changes it.
        keep: read as part of its sentence but never changed, such as code.
    """

    text: str
    keep: bool = False


@dataclass(eq=False, slots=True)
class Segment:
    """The leaves of one paragraph, cell or subtitle, in order; a sentence may go across them."""

    leaves: list[Leaf]

    @property
    def text(self) -> str:
        return "".join(leaf.text for leaf in self.leaves)


class Document(Protocol):
    """A file whose texts can be changed."""

    segments: list[Segment]

    def save(self) -> bytes:
        """The file with the leaves' present texts."""
        ...


class TextDocument:
    """A file that is text: unchanged pieces and leaves in a row.

    Args:
        parts: strings stay as they are; a leaf is written by ``write``, unless its text has not changed.
        raw: how a leaf stood in the file, by leaf; its text where nothing is given.
        encode: from text to the file's bytes.
    """

    def __init__(
        self,
        parts: Sequence[str | Leaf],
        segments: list[Segment],
        encode: Callable[[str], bytes],
        write: Callable[[str], str] = str,
        raw: dict[Leaf, str] | None = None,
    ) -> None:
        self.segments = segments
        self._parts = parts
        self._encode, self._write = encode, write
        self._raw = raw or {}
        self._before = {part: part.text for part in parts if isinstance(part, Leaf)}

    def save(self) -> bytes:
        return self._encode("".join(part if isinstance(part, str) else self._said(part) for part in self._parts))

    def _said(self, leaf: Leaf) -> str:
        if leaf.text == self._before[leaf]:
            return self._raw.get(leaf, leaf.text)
        return self._written(leaf)

    def _written(self, leaf: Leaf) -> str:
        return self._write(leaf.text)


def decode(data: bytes, declared: str = "") -> tuple[str, Callable[[str], bytes]]:
    """The text of a file, and how to make bytes of a changed one: UTF-8 and UTF-16 stay; others become UTF-8.

    Line ends stay as they are.

    Args:
        declared: the encoding that the file names itself, if it does; tried before one is guessed.

    Raises:
        UnreadableFile: it is not text.
    """
    for mark, coding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(coding), partial(_marked, mark, coding)
            except UnicodeDecodeError:
                raise errors.UnreadableFile(reason=Phrase("not_text")) from None
    if b"\x00" in data:
        raise errors.UnreadableFile(reason=Phrase("not_text"))
    try:
        return data.decode("utf-8"), partial(_marked, b"", "utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode(declared), partial(_marked, b"", "utf-8")
    except (LookupError, UnicodeDecodeError):  # no encoding, or another one
        return _guessed(data), partial(_marked, b"", "utf-8")


def _marked(mark: bytes, coding: str, text: str) -> bytes:
    return mark + text.encode(coding, "replace")


def _guessed(data: bytes) -> str:
    """Older files have one byte per letter, of an alphabet that is nowhere written: the likeliest one."""
    from charset_normalizer import from_bytes

    found = from_bytes(data, cp_isolation=["cp1250", "cp1252", "latin_1", "iso8859_2"]).best()
    if found is None:
        raise errors.UnreadableFile(reason=Phrase("not_text"))
    return str(found)
