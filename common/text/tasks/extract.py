"""Summaries that write nothing: sentences taken from the text. What a model's summary has to beat.

``lead`` takes the first ones, which newspapers make hard to beat. ``lexrank`` takes those most like all others.

Source: Erkan and Radev 2004, *LexRank: Graph-based Lexical Centrality as Salience in Text Summarization*
(arXiv:1109.2128); the library is ``sumy``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from common.text.tasks.wording import Wording, wording_of, words

LEAD = 3
# Comparing every sentence with every other one takes the square of their number: 400 take about a second.
MOST_UNITS = 400
_ENDED = re.compile(r"[.!?…][\"”’»)\]]*$")


def candidates(units: Sequence[str]) -> list[str]:
    """The sentences without headings and other lines that have no end; all of them where hardly any has one."""
    ended = [unit for unit in units if _ENDED.search(unit)]
    return ended if len(ended) >= max(LEAD, len(units) // 2) else list(units)


def lead(units: Sequence[str], count: int = LEAD) -> list[str]:
    """The first sentences."""
    return list(units[:count])


def lexrank(units: Sequence[str], count: int = LEAD, wording: Wording | None = None) -> list[str]:
    """The sentences most like all the others, in the order of the text.

    Args:
        units: the sentences; of a longer text, the first ``MOST_UNITS`` are looked at.
        count: how many to take.
        wording: how words are compared; that of the text's language by default.
    """
    from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
    from sumy.summarizers.lex_rank import LexRankSummarizer

    looked_at = list(units[:MOST_UNITS])
    if len(looked_at) <= count:
        return looked_at
    compared = wording or wording_of(" ".join(looked_at))
    document = ObjectDocumentModel([Paragraph([Sentence(unit, _Tokens()) for unit in looked_at])])
    summarizer = LexRankSummarizer(compared.stem)
    summarizer.stop_words = compared.stop_words
    return [str(sentence) for sentence in summarizer(document, count)]


class _Tokens:
    """What sumy asks for words. Its own tokenizer would fetch data from the network."""

    def to_words(self, sentence: str) -> tuple[str, ...]:
        """Runs of letters and digits."""
        return tuple(words(sentence))
