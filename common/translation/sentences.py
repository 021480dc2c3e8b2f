"""A text cut into sentences, and nothing lost: all pieces in a row are the text again, character by character.

Where sentences end is decided by the rules and abbreviations of each language (package ``sentence-splitter``, after
P. Koehn's *Europarl*, 2005); its answer is only used as places to cut at. Knows nothing about models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

# A model was trained on sentences, and its encoder has 512 places: a longer one is cut at a comma or a space.
LONGEST = 400
# The splitter's work grows with the square of what it is given.
_CHUNK = 2_000
# Line ends, tabs and every other control character stay where they are and belong to no sentence.
_CONTROL = re.compile(r"([\x00-\x1f\x7f-\x9f\u2028\u2029]+)")
_CHUNKS = re.compile(rf"(.{{1,{_CHUNK}}}(?=\s|\Z)|.{{1,{_CHUNK}}})", re.DOTALL)
# A clause ends at these, unless they stand inside a number or a time.
_CLAUSE_END = re.compile(r"[,;:–—،]\s+|[、，]\s*")
_SHORTEST = 40  # characters of a clause: words with commas between them are none
_CLAUSE, _SPACE = re.compile(r"[,;:–—،、，]\s*"), re.compile(r"\s+")
# Without a stop in the middle there is nothing to ask the splitter, which takes longer than translating a short line.
_INNER_STOP = re.compile(r"[.?!…]\S*\s+\S")
# Languages that the splitter knows; others are cut by English rules and their own full stops.
_KNOWN = (
    *("ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "hu", "is", "it", "lt", "lv", "nl", "pl", "pt", "ro", "ru"),
    *("sk", "sl", "sv", "tr"),
)
_OTHER_STOPS = re.compile(r"(?<=[。！？؟۔।])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence (``body``) and the white space or control characters ``after`` it; either may be empty."""

    body: str
    after: str

    @property
    def has_words(self) -> bool:
        """Whether there is anything to translate: emoji, numbers and punctuation are the same in every language."""
        return any(sign.isalpha() for sign in self.body)


def split(text: str, language: str) -> list[Piece]:
    """The sentences of a text. ``"".join(p.body + p.after for p in pieces) == text`` for every text.

    Args:
        text: anything; a line end always ends a sentence.
        language: ISO 639-1 code.
    """
    pieces: list[Piece] = []
    for number, part in enumerate(_CONTROL.split(text)):  # text and separators in turn
        if number % 2:
            pieces.append(Piece("", part))
        else:
            for chunk in _CHUNKS.findall(part):
                words = chunk.lstrip()
                if margin := chunk[: len(chunk) - len(words)]:
                    pieces.append(Piece("", margin))
                for sentence in _cut(words, _ends(words, language)):
                    pieces += [_piece(short) for short in _shorten(sentence)]
    return pieces


def clauses(sentence: Piece) -> list[Piece]:
    """The clauses of a sentence: parts of some length that end at a comma or the like. Nothing of it is lost."""
    parts, start, text = [], 0, sentence.body
    for mark in _CLAUSE_END.finditer(text):
        if mark.end() - start >= _SHORTEST <= len(text) - mark.end():
            parts.append(_piece(text[start : mark.end()]))
            start = mark.end()
    return [*parts, Piece(text[start:], sentence.after)]


def _ends(chunk: str, language: str) -> list[int]:
    """Where sentences end. The splitter changes white space, so places are found by counting everything else."""
    if language in _KNOWN and not _INNER_STOP.search(chunk):
        return []
    found = _splitter(language if language in _KNOWN else "en").split(chunk)
    if language not in _KNOWN:
        found = [part for sentence in found for part in _OTHER_STOPS.split(sentence) if part]
    wanted = set(accumulate(sum(not sign.isspace() for sign in sentence) for sentence in found))
    ends, seen = [], 0
    for place, sign in enumerate(chunk, 1):
        if not sign.isspace():
            seen += 1
            if seen in wanted:
                ends.append(place)
    return ends


def _cut(text: str, ends: list[int]) -> list[str]:
    """Parts that end there; the white space that follows stays with each."""
    starts = [0]
    for end in ends:
        after = _SPACE.match(text, end)
        starts.append(after.end() if after else end)
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if a < b]


def _shorten(sentence: str) -> list[str]:
    """Parts of at most ``LONGEST`` characters, cut after the last comma, else the last space, else anywhere."""
    parts = []
    while len(sentence) > LONGEST:
        places = [m.end() for m in _CLAUSE.finditer(sentence, LONGEST // 3, LONGEST)]
        places = places or [m.end() for m in _SPACE.finditer(sentence, LONGEST // 3, LONGEST)]
        place = places[-1] if places else LONGEST
        parts.append(sentence[:place])
        sentence = sentence[place:]
    return [*parts, sentence]


def _piece(text: str) -> Piece:
    body = text.rstrip()
    return Piece(body, text[len(body) :])


@lru_cache
def _splitter(language: str) -> Any:
    from sentence_splitter import SentenceSplitter

    return SentenceSplitter(language=language)
