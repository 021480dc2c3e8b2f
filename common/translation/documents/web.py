"""HTML: every tag, comment and script stays byte for byte; only what a reader reads changes."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
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
# Tags without an end, and those whose end may be missing, with the tags that end them.
_VOID = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"),
        "wbr",
    ]
)
_ROWS = frozenset(("tr", "tbody", "thead", "tfoot"))
_ENDED_BY = {
    "p": frozenset(
        [
            *("address", "article", "aside", "blockquote", "details", "div", "dl", "fieldset", "figcaption", "figure"),
            *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p"),
            *("pre", "section", "table", "ul", "dt", "dd"),
        ]
    ),
    "li": frozenset(("li",)),
    **dict.fromkeys(("dt", "dd"), frozenset(("dt", "dd"))),
    **dict.fromkeys(("td", "th"), frozenset(("td", "th")) | _ROWS),
    "tr": _ROWS,
    "option": frozenset(("option", "optgroup")),
}
# Browsers, too, stop counting there.
_DEEPEST = 512
_CHARSET = re.compile(r"""<meta[^>]{0,200}charset=["']?([\w-]{2,30})""", re.IGNORECASE)
_HEAD = 2048  # characters in which a page has to name its encoding


def read_web(data: bytes) -> TextDocument:
    """Raises UnreadableFile: it is not text."""
    text, encode = _decoded(data)
    parser = _Parser(text)
    return TextDocument(
        parser.parts, parser.segments, encode, write=lambda said: escape(said, quote=False), raw=parser.raw
    )


def _decoded(data: bytes) -> tuple[str, Callable[[str], bytes]]:
    """As ``decode``; a page that names its encoding is read by that, and comes back as UTF-8."""
    declared = _CHARSET.search(data[:_HEAD].decode("latin-1"))
    text, encode = decode(data, declared[1] if declared else "")
    if not declared and encode(text) != data:  # it becomes UTF-8, and nothing else would say so
        return text, lambda said: BOM_UTF8 + encode(said)
    named = _CHARSET.search(text[:_HEAD]) if declared else None
    if named and named[1].lower() != "utf-8":
        text = text[: named.start(1)] + "utf-8" + text[named.end(1) :]
    return text, encode


@dataclass(frozen=True, slots=True)
class _Open:
    """A tag that is open: whether nothing inside it is translated, and whether its text is kept in its sentence."""

    name: str
    skipped: bool
    kept: bool


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

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """``<![if IE]>`` and ``<![whatever]>`` are comments, as in a browser; the method below fails on the latter."""
        if self.rawdata.startswith("<![CDATA[", i):
            return super().parse_marked_section(i, report)
        return self.parse_bogus_comment(i, report)

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
        tags = [_Open("", False, False)]
        text = ""
        at = self._events[0][0] if self._events else len(self._source)
        self.parts.append(self._source[:at])
        ends = [place for place, _, _ in self._events[1:]] + [len(self._source)]
        for (start, kind, name), end in zip(self._events, ends, strict=True):
            raw = self._source[start:end]
            if kind == "text" and not tags[-1].skipped:
                text += raw
                continue
            if text:
                leaves.append(self._leaf(text, tags[-1].kept))
                text = ""
            self.parts.append(raw)
            if name and name not in _INLINE and leaves:
                self.segments.append(Segment(leaves))
                leaves = []
            _track(kind, name, tags)
        if text:
            leaves.append(self._leaf(text, tags[-1].kept))
        if leaves:
            self.segments.append(Segment(leaves))

    def _leaf(self, raw: str, keep: bool) -> Leaf:
        leaf = Leaf(unescape(raw), keep)
        self.raw[leaf] = raw
        self.parts.append(leaf)
        return leaf


def _track(kind: str, name: str, tags: list[_Open]) -> None:
    """What is open after this tag. The first of ``tags`` is the page, which never closes."""
    if kind == "close":
        _close(name, tags)
    elif kind in ("open", "kept"):
        place = len(tags) - 1
        while place and (tags[place].name in _INLINE or name in _ENDED_BY.get(tags[place].name, ())):
            if name in _ENDED_BY.get(tags[place].name, ()):
                del tags[place:]
            place -= 1
        if name not in _VOID and len(tags) < _DEEPEST:
            inline, outer = name in _INLINE, tags[-1]
            skipped = outer.skipped or name in _SKIPPED or (kind == "kept" and not inline)
            tags.append(_Open(name, skipped, outer.kept or name in _KEPT or (kind == "kept" and inline)))


def _close(name: str, tags: list[_Open]) -> None:
    """The end of a tag ends what is open inside it; of one in a sentence, nothing around the sentence."""
    for place in range(len(tags) - 1, 0, -1):
        if tags[place].name == name:
            del tags[place:]
            return
        if name in _INLINE and tags[place].name not in _INLINE:
            return
