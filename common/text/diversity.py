"""How different several texts are from each other, and how much one repeats itself.

Texts are compared word by word (split at white space, lower case): good enough to see the effect of temperature, and
easy to check by hand. Knows nothing about models.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def words(text: str) -> list[str]:
    """Lower-case words, split at white space."""
    return text.lower().split()


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of ``n`` neighbours, in order."""
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float:
    """Share of different n-grams among all n-grams of the texts: 1 when none comes twice, 0 without any.

    Source: Li et al. 2016, *A Diversity-Promoting Objective Function* (arXiv:1510.03055).
    """
    found = [gram for text in texts for gram in ngrams(words(text), n)]
    return len(set(found)) / len(found) if found else 0.0


def repetition(text: str, n: int = 4) -> float:
    """Share of n-grams of one text that have come before in it: 0 when none repeats, towards 1 in a loop.

    Source: the repetition measure of Welleck et al. 2020 (seq-rep-n, arXiv:1908.04319).
    """
    found = ngrams(words(text), n)
    return 1 - len(set(found)) / len(found) if found else 0.0


def bleu(candidate: str, references: Sequence[str], max_n: int = 4) -> float:
    """BLEU of one text against others, from 0 to 1, with add-one smoothing above single words.

    The same number as sacrebleu's ``add-k`` smoothing with k = 1 gives for a sentence, on these words.

    Source: Papineni et al. 2002, *BLEU: a Method for Automatic Evaluation of Machine Translation*; smoothing by Lin and
    Och 2004 (ORANGE).
    """
    own, others = words(candidate), [words(reference) for reference in references]
    if not own or not any(others):
        return 0.0
    logs = 0.0
    for n in range(1, max_n + 1):
        counts = Counter(ngrams(own, n))
        best: Counter[tuple[str, ...]] = Counter()
        for other in others:
            best |= Counter(ngrams(other, n))
        matched, total = sum((counts & best).values()), sum(counts.values())
        if n > 1:
            matched, total = matched + 1, total + 1
        if matched == 0:
            return 0.0
        logs += math.log(matched / total) / max_n
    closest = min((abs(len(other) - len(own)), len(other)) for other in others)[1]
    brevity = min(0.0, 1 - closest / len(own))
    return math.exp(logs + brevity)


def self_bleu(texts: Sequence[str]) -> float:
    """Mean BLEU of each text against all the others: 1 when they say the same, near 0 when they differ.

    0 for fewer than two texts.

    Source: Zhu et al. 2018, *Texygen* (arXiv:1802.01886).
    """
    if len(texts) < 2:
        return 0.0
    scores = [bleu(text, [other for j, other in enumerate(texts) if j != i]) for i, text in enumerate(texts)]
    return sum(scores) / len(scores)
