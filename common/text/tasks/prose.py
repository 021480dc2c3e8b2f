"""From what a small model writes to prose of a wanted length: plain sentences, none twice, cut where one ends.

Pure functions on text. They leave things out and never add a word. Know nothing about models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from common.text.tasks.manuscript import count_words

# A sentence ends at . ! ? … with its closing quotes, when a space and a capital letter, digit or quote follow.
_END = re.compile(r"(?<=[^\s.][.!?…])([\"”’»)\]]*)\s+(?=[\"“‘«(\[]?[^\W_a-z])")
_ENDED = re.compile(r"[.!?…][\"”’»)\]]*$")
# Dots in front of which a sentence goes on, in the four languages.
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|vs|z\. ?B|d\. ?h|bzw|M|Mme|Sig|[A-Z])\.$")
_MARKER = re.compile(r"^(?:[-*•+>]|\(?(?:\d{1,3}|[A-Za-z])[.):])\s+")
_SPEAKS_OF_TASK = re.compile(
    r"^(?:sure|certainly|of course|here(?:'s|’s| is| are)|this (?:essay|paragraph|revised|rewritten|rephras)|"
    r"note that|please let me|let me know)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """Sentences that may stay, and what was left out.

    Attributes:
        paragraphs: lists of sentences.
        repeated: sentences that had been said before.
        scraps: headings, ends of lists and talk about the task itself, which are no sentences of an essay.
    """

    paragraphs: tuple[tuple[str, ...], ...] = ()
    repeated: int = 0
    scraps: int = 0

    @property
    def text(self) -> str:
        """The sentences as text; empty lines between paragraphs."""
        return "\n\n".join(" ".join(sentences) for sentences in self.paragraphs)


def sentences(line: str) -> list[str]:
    """Cut a line after its sentences; the last one may be unfinished."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(line):
        sentence = line[start : end.end(1)]
        if not _ABBREVIATION.search(sentence):
            found.append(sentence.strip())
            start = end.end()
    return [*found, rest] if (rest := line[start:].strip()) else found


def read(raw: str, earlier: Iterable[str] = (), *, growing: bool = False) -> Prose:
    """The sentences of a model's raw text, without marks of Markdown and without what was said before.

    Args:
        raw: what the model wrote.
        earlier: text that is there already; its sentences may not come again.
        growing: more is to come, so that the last sentence may be unfinished and is kept.
    """
    known = {_same(s) for text in earlier for line in text.splitlines() for s in sentences(line)}
    paragraphs: list[tuple[str, ...]] = []
    repeated = scraps = 0
    lines = [line for line in raw.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        kept: list[str] = []
        heading = line.lstrip().startswith("#")
        found = sentences(_MARKER.sub("", re.sub(r"\*\*|__|`|^\s*#+\s*", "", line.strip())))
        for place, sentence in enumerate(found):
            last = growing and number == len(lines) - 1 and place == len(found) - 1
            whole = last or (_ENDED.search(sentence) and not sentence[0].islower() and count_words(sentence) > 1)
            if heading or not whole or _SPEAKS_OF_TASK.match(sentence):
                scraps += 1
            elif _same(sentence) in known:
                repeated += 1
            else:
                known.add(_same(sentence))
                kept.append(sentence)
        if kept:
            paragraphs.append(tuple(kept))
    return Prose(tuple(paragraphs), repeated, scraps)


def _same(sentence: str) -> str:
    """What two sentences have in common when one repeats the other: their words, without case and signs."""
    return " ".join(re.findall(r"\w+", sentence.lower()))


def cut(text: str, budget: int) -> str:
    """The text up to the last sentence end within ``budget`` words; a first sentence that is longer ends at a word.

    Only the paragraphs that ``read`` makes come in here: one line each.
    """
    if count_words(text) <= budget:
        return text
    kept: list[str] = []
    left = budget
    for paragraph in text.split("\n\n"):
        whole: list[str] = []
        for sentence in sentences(paragraph):
            if (size := count_words(sentence)) > left:
                kept += [" ".join(whole)] if whole else []
                return "\n\n".join(kept) if kept else _cut_words(sentence, budget)
            whole.append(sentence)
            left -= size
        kept.append(" ".join(whole))
    return "\n\n".join(kept)


def _cut_words(sentence: str, budget: int) -> str:
    """A sentence without end, cut within the budget: such as a list of names that goes on and on."""
    pieces = sentence.split()
    while pieces and count_words(" ".join(pieces)) > budget:
        pieces.pop()
    return f"{' '.join(pieces).rstrip(',;:')} …" if pieces else ""
