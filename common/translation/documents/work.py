"""A document through the engine: every sentence translated, its words given back to the leaves they came from."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from itertools import groupby

from common import errors
from common.errors import Phrase
from common.translation.codec import Codec, reads
from common.translation.documents.base import Document, Segment
from common.translation.engine import Beams, Output, TranslationEngine
from common.translation.passage import Clock, Progress
from common.translation.sentences import split
from common.translation.spread import spread


@dataclass(eq=False, slots=True)
class _Part:
    """A sentence, or what stands between two: its text by leaf (index, text), and its translation later on."""

    by_leaf: list[tuple[int, str]]
    translate: bool
    output: Output | None = None

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.by_leaf)


async def translate_document(
    engine: TranslationEngine, codec: Codec, document: Document, language: str, beams: Beams | None = None
) -> AsyncGenerator[Progress, None]:
    """Write the translation into the document's leaves; progress (without text) on the way, the last one complete.

    The leaves change at the very end: a translation that is stopped leaves the document as it was.

    Raises:
        UnreadableFile: there is not a word in it.
        As ``TranslationEngine.translate``.
    """
    segments = await asyncio.to_thread(lambda: [(s, _parts(s, language, codec)) for s in document.segments])
    waiting = [part for _, parts in segments for part in parts if part.translate]
    if not waiting:
        raise errors.UnreadableFile(reason=Phrase("no_words"))
    # Attention is only needed where a sentence has more than one leaf.
    beams = replace(beams or Beams(), align=any(len(part.by_leaf) > 1 for part in waiting))
    clock = Clock(sum(len(part.text) for part in waiting))
    async with contextlib.aclosing(engine.translate(codec, [part.text for part in waiting], beams)) as outputs:
        done = 0
        async for index, output in outputs:
            waiting[index].output = output[0]
            done += 1
            clock.add(len(waiting[index].text))
            if done < len(waiting) and clock.due():
                yield Progress("", done, len(waiting), clock.seconds, clock.left)
    for segment, parts in segments:
        _write(segment, parts, codec)
    yield Progress("", len(waiting), len(waiting), clock.seconds, 0.0)


def _parts(segment: Segment, language: str, codec: Codec) -> list[_Part]:
    owners = [index for index, leaf in enumerate(segment.leaves) for _ in leaf.text]
    parts, at = [], 0
    for piece in split(segment.text, language):
        for text, is_sentence in ((piece.body, True), (piece.after, False)):
            by_leaf, start = [], at
            for index, run in groupby(owners[at : at + len(text)]):
                length = len(list(run))
                by_leaf.append((index, text[start - at : start - at + length]))
                start += length
            at += len(text)
            words = any(sign.isalpha() for index, said in by_leaf if not segment.leaves[index].keep for sign in said)
            if by_leaf:
                parts.append(_Part(by_leaf, is_sentence and words and reads(codec, text)))
    return parts


def _write(segment: Segment, parts: list[_Part], codec: Codec) -> None:
    said = [""] * len(segment.leaves)
    for part in parts:
        for (index, _), text in zip(part.by_leaf, _translated(part, codec), strict=True):
            said[index] += text
    for leaf, text in zip(segment.leaves, said, strict=True):
        if not leaf.keep:
            leaf.text = text


def _translated(part: _Part, codec: Codec) -> list[str]:
    """The text of each leaf, in the target language."""
    leaves = [text for _, text in part.by_leaf]
    if part.output is None:
        return leaves
    whole = codec.decode(part.output.tokens)
    if len(leaves) == 1:
        return [whole]
    return spread(leaves, codec.encode(part.text), whole, part.output.tokens, part.output.attention or [])
