"""Cutting documents into chunks: whole sentences up to a number of tokens, the last ones again at the next one's head.

A chunk never reaches over two documents. Knows nothing about searching.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.documents import Document
from common.text.tasks.prose import sentences

# Gives the number of tokens of each text, in the counting of the model that will embed them.
CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece that can be found.

    Attributes:
        document: its document's title.
        text: whole sentences, or a part of one that is longer than a chunk.
        tokens: in the counting of the embedding model.
        page: where it begins; None where the format has no pages.
    """

    document: str
    text: str
    tokens: int
    page: int | None = None


def cut(document: Document, count: CountTokens, size: int, overlap: int) -> list[Chunk]:
    """The chunks of a document in reading order.

    Args:
        document: what to cut.
        count: counts tokens.
        size: most tokens of a chunk.
        overlap: most tokens of the sentences that a chunk repeats from the one before.
    """
    units = [
        (piece, paragraph.page)
        for paragraph in document.paragraphs
        for sentence in sentences(paragraph.text)
        for piece in _short(sentence, size)
    ]
    tokens = count([text for text, _ in units])
    chunks: list[Chunk] = []
    running: list[int] = []
    fresh = 0  # how many of the running units no chunk has yet
    for place, length in enumerate(tokens):
        if fresh and sum(tokens[one] for one in running) + length > size:
            chunks.append(_join(document, units, tokens, running))
            while running and (
                sum(tokens[one] for one in running) > overlap or sum(tokens[one] for one in running) + length > size
            ):
                running.pop(0)
            fresh = 0
        running.append(place)
        fresh += 1
    if fresh:
        chunks.append(_join(document, units, tokens, running))
    return chunks


def _short(sentence: str, size: int) -> list[str]:
    """A sentence in parts that are no longer than a chunk can be: a token has a character at least, most have four."""
    most = size * 3
    if len(sentence) <= most:
        return [sentence]
    parts, running = list[str](), ""
    for word in sentence.split():
        for piece in (word[start : start + most] for start in range(0, len(word), most)):
            if running and len(running) + 1 + len(piece) > most:
                parts.append(running)
                running = ""
            running = f"{running} {piece}" if running else piece
    return [*parts, running]


def _join(
    document: Document, units: Sequence[tuple[str, int | None]], tokens: Sequence[int], places: Sequence[int]
) -> Chunk:
    text = " ".join(units[place][0] for place in places)
    return Chunk(document.title, text, sum(tokens[place] for place in places), units[places[0]][1])
