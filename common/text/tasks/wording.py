"""The words of a text in four languages: which language it is, which words only join others, and the stems of the rest.

Scores, baselines and the search for sources all compare texts by these words. Knows nothing about models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from common.text.tasks.prose import sentences

# As the libraries name them.
_LANGUAGES = ("english", "german", "french", "italian")
_WORD = re.compile(r"[^\W_]+")
# Words this short are not stemmed, as in the first ROUGE program.
_LONGEST_UNSTEMMED = 3


@dataclass(frozen=True, slots=True)
class Wording:
    """How words of one language are compared.

    Attributes:
        language: its name, such as "english".
        stop_words: words that carry little meaning alone, in small letters.
        stem: gives the stem of a word in small letters.
    """

    language: str
    stop_words: frozenset[str]
    stem: Callable[[str], str]

    def tokenize(self, text: str) -> list[str]:
        """All words, small and stemmed: what ROUGE counts (the name is the one ``rouge_score`` calls)."""
        return [self.stem(word) if len(word) > _LONGEST_UNSTEMMED else word for word in words(text)]

    def content(self, text: str) -> list[str]:
        """The stems of the words that carry meaning, in order."""
        return [self.stem(word) for word in words(text) if word not in self.stop_words]


def words(text: str) -> list[str]:
    """The words in small letters: runs of letters and digits."""
    return _WORD.findall(text.lower())


@lru_cache
def _wording(language: str) -> Wording:
    from sumy.utils import get_stop_words

    stop_words = frozenset(str(word) for word in get_stop_words(language))
    if language == "english":  # the Porter stemmer, so that scores are those of the first ROUGE program
        from nltk.stem.porter import PorterStemmer

        stem: Callable[[str], str] = PorterStemmer().stem
    else:
        from nltk.stem.snowball import SnowballStemmer

        stem = SnowballStemmer(language).stem
    return Wording(language, stop_words, lru_cache(maxsize=1 << 14)(stem))


def wording_of(text: str) -> Wording:
    """The wording of the language whose joining words the text has most of; English when there is no telling."""
    found = words(text[:20_000])
    counts = {language: sum(word in _wording(language).stop_words for word in found) for language in _LANGUAGES}
    return _wording(max(_LANGUAGES, key=lambda language: counts[language]))


def units(text: str, dialogue: bool = False) -> list[str]:
    """What a summary is made of or points to: the sentences of a text, or the turns (lines) of a dialogue."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines if dialogue else [sentence for line in lines for sentence in sentences(line)]


def joined(parts: Sequence[str], dialogue: bool = False) -> str:
    """Units as one text again."""
    return ("\n" if dialogue else " ").join(parts)
