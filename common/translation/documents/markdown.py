"""Markdown: code, links' addresses, tables, headings and markup stay; only sentences change.

Where blocks and inline texts are is found by markdown-it (CommonMark with tables); they are then looked up in the
source, so that nothing else of it is written anew.
"""

from __future__ import annotations

import re
from typing import Any

from common.translation.documents.base import Leaf, Segment, TextDocument, decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n.*?\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_AFTER_LINK = re.compile(r"\](?:\((?:[^()\\\n]|\\.|\([^()\n]*\))*\)|\[[^\]\n]*\])?")
_IMAGE = re.compile(r"!\[(?:[^\]\\]|\\.)*\](?:\((?:[^()\\\n]|\\.|\([^()\n]*\))*\)|\[[^\]\n]*\])?")
# Where the parser ends a line; Python's own cutting into lines ends one at a form feed and five others, too.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
# What would become markup at these places if a translation began with it.
_BLOCK_START = re.compile(r"^(\s*)([#>+*=-]|\d+[.)])(?=\s|$)")


def read_markdown(data: bytes) -> TextDocument:
    """Raises UnreadableFile: it is not text."""
    from markdown_it import MarkdownIt

    text, encode = decode(data)
    front = _FRONT_MATTER.match(text)
    head = front.group() if front else ""
    body = text[len(head) :]
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")
    starts = [0]
    for line in _LINE.findall(body):
        starts.append(starts[-1] + len(line))
    parts: list[str | Leaf] = [head]
    segments: list[Segment] = []
    raw: dict[Leaf, str] = {}
    at = 0
    for token in parser.parse(body):
        if token.type != "inline" or not token.map or not token.content.strip():
            continue
        found = _lookup(body, token.content, max(at, starts[token.map[0]]), starts[token.map[1]])
        if found is None:
            continue
        parts.append(body[at : found.start()])
        inline = _Inline(token.content, list(found.groups()))
        inline.read(token.children or [])
        parts += inline.parts
        segments += inline.segments
        raw |= inline.raw
        at = found.end()
    parts.append(body[at:])
    return TextDocument(parts, segments, encode, write=_escaped, raw=raw)


def _lookup(body: str, content: str, begin: int, end: int) -> re.Match[str] | None:
    """Where an inline text stands in its block. The groups are its line ends, with the markers of the next line."""
    pattern = r"([ \t]*(?:\r\n?|\n)[ \t>]*)".join(re.escape(line) for line in content.split("\n"))
    return re.compile(pattern).search(body, begin, end)


class _Inline:
    """One inline text: leaves for what it says, everything between them as it stands in the source.

    Args:
        content: as the parser has it: without the markers in front of its lines.
        line_ends: what its line ends are in the source, with the markers.
    """

    def __init__(self, content: str, line_ends: list[str]) -> None:
        self._content, self._line_ends = content, line_ends
        self._at = 0
        self._leaves: list[Leaf] = []
        self.parts: list[str | Leaf] = []
        self.raw: dict[Leaf, str] = {}
        self.segments: list[Segment] = []

    def read(self, children: list[Any]) -> None:
        """Go through the parser's tokens."""
        automatic = False
        for child in children:
            if child.type == "text" and not automatic:
                self._leaf(child.content)
            elif child.type == "code_inline":
                self._leaf(child.content, keep=True)
            elif child.type == "softbreak":
                self._line_end()
            elif child.type == "hardbreak":
                self._pass(self._content.find("\n", self._at) + 1)
                self._end()
            elif child.markup == "autolink":
                automatic = child.type == "link_open"
            elif child.type in ("link_close", "image"):
                pattern = _IMAGE if child.type == "image" else _AFTER_LINK
                if found := pattern.search(self._content, self._at):
                    self._pass(found.end())
            elif child.type in ("html_inline", "text_special"):
                markup = child.content if child.type == "html_inline" else child.markup
                if (place := self._content.find(markup, self._at)) >= 0:
                    self._pass(place + len(markup))
        self._pass(len(self._content))
        self._end()

    def _pass(self, place: int) -> None:
        """Everything up to there stays as it is."""
        first, *others = self._content[self._at : place].split("\n")
        line = self._content.count("\n", 0, self._at)
        self.parts.append(
            first + "".join(end + text for end, text in zip(self._line_ends[line:], others, strict=False))
        )
        self._at = place

    def _leaf(self, text: str, keep: bool = False) -> None:
        place = self._content.find(text, self._at) if text else -1
        if place < 0:  # written in another way in the source
            return
        self._pass(place)
        self._leaves.append(Leaf(text, keep))
        self.parts.append(self._leaves[-1])
        self._at += len(text)

    def _line_end(self) -> None:
        """Reads as a space, stays a line end."""
        place = self._content.find("\n", self._at)
        if place < 0:
            return
        self._pass(place)
        leaf = Leaf(" ", keep=True)
        self.raw[leaf] = self._line_ends[self._content.count("\n", 0, place)]
        self._leaves.append(leaf)
        self.parts.append(leaf)
        self._at += 1

    def _end(self) -> None:
        if self._leaves:
            self.segments.append(Segment(self._leaves))
        self._leaves = []


def _escaped(text: str) -> str:
    """A translation as text: signs in it that the source did not have as markup must not become any."""
    safe = re.sub(r"([\\`*_\[\]<>~|])", r"\\\1", text)
    return _BLOCK_START.sub(r"\1\\\2", safe)
