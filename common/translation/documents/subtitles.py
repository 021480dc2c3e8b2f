"""SubRip subtitles: numbers and times stay to the letter, the words between them change.

Format: number, ``00:00:01,000 --> 00:00:04,000`` with optional coordinates, lines of text, an empty line.
"""

from __future__ import annotations

import re
import textwrap

from common import errors
from common.errors import Phrase
from common.translation.documents.base import Leaf, Segment, TextDocument, decode

_TIME = r"\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}"
# The head of a subtitle with its line ends; the number may be missing.
_HEAD = re.compile(rf"^(?:[ \t]*\d+[ \t]*\r?\n)?[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\r\n]*(?:\r?\n|\Z)", re.MULTILINE)
_TAG = re.compile(r"(</?[a-zA-Z][^<>\n]*>|\{\\[^{}\n]*\})")
_LINE_END = re.compile(r"[ \t]*\r?\n[ \t]*")
_SPEAKER = re.compile(r"(?:\A|(?<=\n))([-–—][ \t]*)")


def read_subtitles(data: bytes) -> TextDocument:
    """Raises UnreadableFile: not text, or without a single time."""
    text, encode = decode(data)
    heads = list(_HEAD.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        raise errors.UnreadableFile(reason=Phrase("no_subtitles"))
    parts: list[str | Leaf] = []
    segments: list[Segment] = []
    raw: dict[Leaf, str] = {}
    at = 0
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        parts.append(text[at : head.end()])
        at = following.start() if following else len(text)
        _subtitle(text[head.end() : at], parts, segments, raw)
    return _Subtitles([*parts, text[at:]], segments, encode, raw=raw)


class _Subtitles(TextDocument):
    def _written(self, leaf: Leaf) -> str:
        """On as many lines as before, of about the same length: a screen has room for two."""
        line_ends: list[str] = _LINE_END.findall(self._raw[leaf])
        if not line_ends:
            return leaf.text
        width = len(leaf.text) // (len(line_ends) + 1) + 6
        lines = textwrap.wrap(leaf.text.strip(), width, break_long_words=False, break_on_hyphens=False)
        kept = [*lines[: len(line_ends)], " ".join(lines[len(line_ends) :])]
        edges = leaf.text[: len(leaf.text) - len(leaf.text.lstrip())], leaf.text[len(leaf.text.rstrip()) :]
        return edges[0] + line_ends[0].join(line for line in kept if line) + edges[1]


def _subtitle(body: str, parts: list[str | Leaf], segments: list[Segment], raw: dict[Leaf, str]) -> None:
    """The words of one subtitle. Lines are one sentence on two lines, unless each is another speaker's."""
    words = body.rstrip()
    blocks = _SPEAKER.split(words) if len(_SPEAKER.findall(words)) > 1 else [words]
    for number, block in enumerate(blocks):
        if number % 2:  # the dash
            parts.append(block)
            continue
        inner = block.rstrip()
        leaves: list[Leaf] = []
        for index, stretch in enumerate(_TAG.split(inner)):
            if index % 2:
                parts.append(stretch)
            elif stretch:
                leaves.append(Leaf(_LINE_END.sub(" ", stretch)))
                raw[leaves[-1]] = stretch
                parts.append(leaves[-1])
        segments.append(Segment(leaves))
        parts.append(block[len(inner) :])
    parts.append(body[len(words) :])
