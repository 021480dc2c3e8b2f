"""HTML: every tag, comment and script stays byte for byte; only what a reader reads changes."""

from __future__ import annotations

from html import escape, unescape
from html.parser import HTMLParser

from common.translation.documents.base import Leaf, Segment, TextDocument, decode

# Tags inside a sentence; any other tag begins a new one.
_INLINE = frozenset(
    [
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i"),
        *("ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"),
        *("var", "wbr"),
    ]
)
# Text of these is part of its sentence but means the same in every language.
_KEPT = frozenset(("code", "kbd", "samp", "var", "tt"))
# Nothing inside these is a sentence.
_SKIPPED = frozenset(("script", "style", "pre", "textarea", "svg", "math", "template"))


def read_web(data: bytes) -> TextDocument:
    """Raises UnreadableFile: it is not text."""
    text, encode = decode(data)
    parser = _Parser(text)
    return TextDocument(
        parser.parts, parser.segments, encode, write=lambda said: escape(said, quote=False), raw=parser.raw
    )


class _Parser(HTMLParser):
    """Notes where each tag begins; what stands between two places is taken from the source as it is."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str | Leaf] = []
        self.segments: list[Segment] = []
        self.raw: dict[Leaf, str] = {}
        self._source = source
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._events: list[tuple[int, str, str]] = []
        self.feed(source)
        self.close()
        self._build()

    def _note(self, kind: str, name: str = "") -> None:
        line, column = self.getpos()
        self._events.append((self._lines[line - 1] + column, kind, name))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = ("translate", "no") in attrs
        self._note("kept" if kept else "open", tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("empty", tag)

    def handle_endtag(self, tag: str) -> None:
        self._note("close", tag)

    def handle_data(self, data: str) -> None:
        self._note("text")

    def handle_entityref(self, name: str) -> None:
        self._note("text")

    def handle_charref(self, name: str) -> None:
        self._note("text")

    def handle_comment(self, data: str) -> None:
        self._note("other")

    def handle_decl(self, decl: str) -> None:
        self._note("other")

    def handle_pi(self, data: str) -> None:
        self._note("other")

    def unknown_decl(self, data: str) -> None:
        self._note("other")

    def _build(self) -> None:
        """Runs of text become leaves, runs of leaves without a block between them segments."""
        leaves: list[Leaf] = []
        skipped: list[str] = []  # open tags inside which nothing is translated
        kept: list[str] = []
        text = ""
        at = self._events[0][0] if self._events else len(self._source)
        self.parts.append(self._source[:at])
        ends = [place for place, _, _ in self._events[1:]] + [len(self._source)]
        for (start, kind, name), end in zip(self._events, ends, strict=True):
            raw = self._source[start:end]
            if kind == "text" and not skipped:
                text += raw
                continue
            if text:
                leaves.append(self._leaf(text, bool(kept)))
                text = ""
            self.parts.append(raw)
            if name and name not in _INLINE and leaves:
                self.segments.append(Segment(leaves))
                leaves = []
            self._track(kind, name, skipped, kept)
        if text:
            leaves.append(self._leaf(text, bool(kept)))
        if leaves:
            self.segments.append(Segment(leaves))

    def _leaf(self, raw: str, keep: bool) -> Leaf:
        leaf = Leaf(unescape(raw), keep)
        self.raw[leaf] = raw
        self.parts.append(leaf)
        return leaf

    def _track(self, kind: str, name: str, skipped: list[str], kept: list[str]) -> None:
        for stack, names in ((skipped, _SKIPPED), (kept, _KEPT)):
            opens = name in names or (kind == "kept" and (stack is kept) == (name in _INLINE))
            if kind in ("open", "kept") and (opens or name in stack):
                stack.append(name)
            elif kind == "close" and stack and stack[-1] == name:
                stack.pop()
