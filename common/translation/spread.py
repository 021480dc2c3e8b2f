"""Which part of a translation belongs to which part of the source: so that bold words stay bold.

A sentence may consist of leaves (runs of a Word file, texts between tags). Its translation is cut into as many
pieces, in the same order, such that the decoder's attention from each piece to its own leaf is as high as possible.
Keeping the order keeps every tag balanced; where languages order words differently, the border is a compromise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

_UNIT = re.compile(r"\w+|[^\w\s]+")
_NEVER = float("-inf")


def spread(
    leaves: Sequence[str],
    source_tokens: Sequence[str],
    target: str,
    target_tokens: Sequence[str],
    attention: Sequence[Sequence[float]],
) -> list[str]:
    """Cut ``target`` into one piece per leaf; the pieces in a row are ``target``.

    Args:
        leaves: the source sentence in parts.
        source_tokens, target_tokens: sentencepiece tokens ("▁" is a space); language and end tokens may be among them.
        attention: target tokens x source tokens.
    """
    units = list(_UNIT.finditer(target))
    if not units or len(leaves) < 2:
        return [target, *[""] * (len(leaves) - 1)]
    owners = [leaf for leaf, part in enumerate(leaves) for _ in part]
    columns = [owners[place] if place is not None else None for place in _places(source_tokens, len(owners))]
    # units x leaves: how much each unit looked at each leaf
    mass = [[0.0] * len(leaves) for _ in units]
    for place, row in zip(_places(target_tokens, len(target)), attention, strict=False):
        unit = _unit_at(units, place)
        for leaf, weight in zip(columns, row, strict=False):
            if leaf is not None and unit is not None:
                mass[unit][leaf] += weight
    for row in mass:
        for leaf, part in enumerate(leaves):
            if not part.strip():  # white space takes no words
                row[leaf] = -1e6
    worded = [any(sign.isalnum() for sign in leaf) for leaf in leaves]
    counts = _best_counts(mass, worded, [unit.group()[0].isalnum() for unit in units])
    return _pieces(leaves, target, [unit.start() for unit in units], counts)


def _places(tokens: Sequence[str], length: int) -> list[int | None]:
    """The middle character of each token in a text of ``length``; None for control tokens.

    Normalisation can make a text longer or shorter than its tokens, hence the scale.
    """
    spans: list[tuple[float, float] | None] = []
    at = -1.0 if tokens and any(token.startswith("▁") for token in tokens[:2]) else 0.0  # the first "▁" is no space
    for token in tokens:
        if token.startswith(("<", ">>", "__")) and token.endswith((">", "<<", "__")):
            spans.append(None)
        else:
            spans.append((at, at + len(token)))
            at += len(token)
    scale = length / at if at > 0 else 0.0
    return [None if s is None else min(max(int((s[0] + s[1]) / 2 * scale), 0), length - 1) for s in spans]


def _unit_at(units: Sequence[re.Match[str]], place: int | None) -> int | None:
    """The unit that holds a character, or the next one."""
    if place is None:
        return None
    return next((number for number, unit in enumerate(units) if place < unit.end()), None)


def _best_counts(mass: list[list[float]], wanted: list[bool], words: list[bool]) -> list[int]:
    """How many units each leaf gets, in order: dynamic programming over the total mass.

    A leaf with letters gets a word at least, as long as there are enough of them.
    """
    units, leaves = len(mass), len(wanted)
    least = [int(want) for want in wanted] if sum(wanted) <= sum(words) else [0] * leaves
    before = [0, *accumulate(map(int, words))]  # words among the first u units
    # best[u] after leaf k: highest mass of giving the first u units to leaves 0..k; back[k][u]: how many leaf k got.
    best = [0.0] + [_NEVER] * units
    back: list[list[int]] = []
    for leaf in range(leaves):
        sums = [0.0]
        for row in mass:
            sums.append(sums[-1] + row[leaf])
        new, choice = [_NEVER] * (units + 1), [0] * (units + 1)
        for end in range(units + 1):
            for start in range(end + 1):
                if before[end] - before[start] < least[leaf]:
                    break
                value = best[start] + sums[end] - sums[start]
                if value > new[end]:
                    new[end], choice[end] = value, end - start
        best, back = new, [*back, choice]
    counts, end = [], units
    for choice in reversed(back):
        counts.append(choice[end])
        end -= choice[end]
    return counts[::-1]


def _pieces(leaves: Sequence[str], target: str, starts: list[int], counts: list[int]) -> list[str]:
    """Cut before the first unit of each leaf; the space there goes where the source had it."""
    cuts, unit = [0], 0
    for leaf, count in zip(leaves[1:], counts, strict=False):
        unit += count
        cut = starts[unit] if unit < len(starts) else len(target)
        if leaf[:1].isspace() and cut > cuts[-1] and target[cut - 1].isspace():
            cut -= 1
        cuts.append(cut)
    return [target[a:b] for a, b in zip(cuts, [*cuts[1:], len(target)], strict=True)]
