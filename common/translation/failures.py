"""Signs that a translation has gone wrong, found by counting: no reference and no second model is needed.

None of them proves a mistake, and a translation without any of them may still be wrong. Knows nothing about models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# A translation with fewer words than this share of the source's has most likely left something out.
SHORT = 0.6
# With more, it has most likely run in a circle.
LONG = 1.7
# Below this probability per token, on average, the model was guessing.
UNSURE = 0.5
# Given names and a town that are frequent in collections of example sentences, so that a model can copy them.
STAND_INS = ("Tom", "Mary", "Paris")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LONGEST_PHRASE = 6  # words


@dataclass(frozen=True, slots=True)
class Repetition:
    """A phrase that occurs ``times`` times."""

    phrase: str
    times: int


def words(text: str) -> list[str]:
    """The words of a text, punctuation left out."""
    return _WORD.findall(text)


def repetition(text: str) -> Repetition | None:
    """What a text repeats most, or None.

    Counted are a word three times in a row, two words or more twice in a row, and four words or more twice anywhere:
    what is shorter comes back in good texts, too. Upper and lower case are the same.
    """
    found = words(text)
    small = [word.casefold() for word in found]
    best: tuple[int, int, int] | None = None  # times, words, place
    for size in range(1, _LONGEST_PHRASE + 1):
        for start in range(len(small) - size + 1):
            phrase = small[start : start + size]
            times = _in_a_row(small, phrase, start)
            if times < (3 if size == 1 else 2):
                times = _anywhere(small, phrase, start) if size >= 4 else 0
            if times >= 2 and (best is None or (times, size) > best[:2]):
                best = (times, size, start)
    if best is None:
        return None
    times, size, start = best
    return Repetition(" ".join(found[start : start + size]), times)


def _in_a_row(all_words: list[str], phrase: list[str], start: int) -> int:
    times, size = 1, len(phrase)
    while all_words[start + times * size : start + (times + 1) * size] == phrase:
        times += 1
    return times


def _anywhere(all_words: list[str], phrase: list[str], start: int) -> int:
    times, place, size = 0, start, len(phrase)
    while place <= len(all_words) - size:
        same = all_words[place : place + size] == phrase
        times += same
        place += size if same else 1
    return times


def length_ratio(source: str, translation: str) -> float:
    """Words of the translation for each word of the source. A source without words counts as one."""
    return len(words(translation)) / max(1, len(words(source)))


def names(text: str, language: str) -> list[str]:
    """Names in a sentence: words in a row with a capital first letter, not those that only begin a sentence.

    German writes every noun with a capital letter: there, two such words in a row are needed.
    """
    found: list[str] = []
    run: list[re.Match[str]] = []
    for word in [*_WORD.finditer(text), None]:
        capital = word is not None and word[0][0].isupper() and (len(word[0]) > 1)
        joined = bool(run) and word is not None and text[run[-1].end() : word.start()] == " "
        if run and not (capital and joined):
            if len(run) >= (2 if language == "de" else 1):
                found.append(text[run[0].start() : run[-1].end()])
            run = []
        if word is not None and capital and (run or not _begins_sentence(text, word.start())):
            run.append(word)
    return list(dict.fromkeys(found))


def _begins_sentence(text: str, place: int) -> bool:
    before = text[:place].rstrip(" \n\t\"'«»„“”¿¡(")
    return not before or before[-1] in ".!?…"


def missing(wanted: Sequence[str], translation: str) -> list[str]:
    """Those of the names that do not stand in the translation as they were written."""
    return [name for name in wanted if not _whole(name).search(translation)]


def with_stand_ins(text: str, found: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The text with a frequent name in place of each of the names, as far as there are enough.

    Returns:
        The text, and stand-in -> name, which ``put_back`` wants.
    """
    free = [name for name in STAND_INS if not _whole(name).search(text)]
    used = dict(zip(free, found, strict=False))
    for stand_in, name in used.items():
        text = _whole(name).sub(stand_in, text)
    return text, used


def put_back(translation: str, used: Mapping[str, str]) -> str:
    """The translation with the names again where their stand-ins are."""
    if not used:
        return translation
    pattern = re.compile("|".join(rf"\b{re.escape(stand_in)}\b" for stand_in in used))
    return pattern.sub(lambda match: used[match[0]], translation)


def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
