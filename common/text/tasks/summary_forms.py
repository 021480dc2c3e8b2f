"""From a model's raw text to a summary in the form that was asked for. Leaves out and cuts, never adds a word.

A small model talks about the task, repeats itself and does not count. Knows nothing about models otherwise.
"""

from __future__ import annotations

import re

from common.text.tasks.manuscript import count_words
from common.text.tasks.prose import cut, read, sentences
from common.text.tasks.summary_prompts import Form

_MARK = re.compile(r"^(?:[-*•+]|\(?\d{1,3}[.):])\s*")
_LEAD_IN = re.compile(
    r"^(?:sure|certainly|here(?:'s|’s| is| are)|the following|in summary|summary)\b[^.!?]*[:!]\s*|^\"", re.IGNORECASE
)
_ENDED = re.compile(r"[.!?…][\"”’»)\]]*$")
BULLET = "- "


def shape(raw: str, form: Form, words: int, *, growing: bool = False) -> str:
    """The summary in a raw answer.

    Args:
        raw: what the model wrote, the opening of its answer included.
        form: what it should be.
        words: its longest length; it ends with the last sentence or point within it.
        growing: more is to come, so the last sentence may be unfinished.
    """
    if form == "bullets":
        return _bullets(raw, words, growing)
    plain = _LEAD_IN.sub("", raw.strip().replace("**", "")).rstrip('"')
    if form == "line":
        line = next((_MARK.sub("", line.strip()) for line in plain.splitlines() if line.strip()), "")
        first = next(iter(sentences(line)), "")
        return cut(first, words)
    # Where a model ends without a full stop, its words still are what it has to say.
    return cut(read(plain, growing=growing).text or " ".join(plain.split()), words)


def _bullets(raw: str, words: int, growing: bool) -> str:
    """The points of a list, none twice, as many whole ones as there is room for (a first long one is cut)."""
    points: list[str] = []
    left = words
    for line in raw.splitlines():
        marked = bool(_MARK.match(line.strip()))
        point = _MARK.sub("", line.strip()).replace("**", "").strip()
        if not re.search(r"\w", point) or point.endswith(":") or (points and not marked):
            continue
        if point.lower() in (one.lower() for one in points):
            continue
        if count_words(point) > left:
            if not points:
                points.append(cut(point, words))
            break
        left -= count_words(point)
        points.append(point)
    if len(points) > 1 and _ENDED.search(points[-2]) and not (growing or _ENDED.search(points[-1])):
        points.pop()  # where the answer was cut
    return "\n".join(f"{BULLET}{point}" for point in points)


def too_long(raw: str, words: int) -> bool:
    """Whether there is nothing to wait for: the answer has more words than can stay, whatever is left out."""
    return count_words(raw) > round(words * 1.3) + 10
