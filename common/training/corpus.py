"""Text to train on: checked, looked at, split into a part to learn and a part to test.

Where it came from (a sample, an upload) is decided elsewhere; here it is one string.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from common import errors
from common.errors import Phrase

FEWEST = 1_000  # characters; less is learned by heart in a second
_HELD_OUT = 0.1
_LONGEST_LINE = 200_000


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text and what can be said about it.

    Attributes:
        train, test: the first nine tenths, and the last tenth, which the model never learns from.
        characters: how often each occurs.
        lines: how many there are that are not empty.
        repeated: how many of them are copies of an earlier one.
    """

    train: str
    test: str
    characters: Counter[str]
    lines: int
    repeated: int

    def __len__(self) -> int:
        return len(self.train) + len(self.test)


def read_corpus(text: str, most: int) -> Corpus:
    """Check a text and split it.

    Args:
        text: the whole.
        most: longest text in characters.

    Raises:
        UnusableCorpus: too short, too long, no text, or one endless line.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if len(text.strip()) < FEWEST:
        raise errors.UnusableCorpus(reason=Phrase("corpus_short", count=len(text.strip()), limit=FEWEST))
    if len(text) > most:
        raise errors.UnusableCorpus(reason=Phrase("corpus_long", count=len(text), limit=most))
    if "\0" in text or sum(sign == "\ufffd" for sign in text) > len(text) / 100:
        raise errors.UnusableCorpus(reason=Phrase("corpus_binary"))
    lines = [line for line in text.split("\n") if line.strip()]
    if max(map(len, lines)) > _LONGEST_LINE:
        raise errors.UnusableCorpus(reason=Phrase("corpus_one_line", limit=_LONGEST_LINE))
    characters = Counter(text)
    if len(characters) < 5:
        raise errors.UnusableCorpus(reason=Phrase("corpus_poor", count=len(characters)))
    cut = _line_end(text, int(len(text) * (1 - _HELD_OUT)))
    return Corpus(text[:cut], text[cut:], characters, len(lines), len(lines) - len(set(lines)))


def _line_end(text: str, near: int) -> int:
    """The end of the line around ``near``, when it is not far; a held-out text then begins where a line does."""
    end = text.find("\n", near, near + 2_000)
    return near if end < 0 else end + 1
