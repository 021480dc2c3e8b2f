"""One word of a translation explained: for each word of the source the attention beside its share in the probability.

Texts and tokens are escaped here. Knows nothing about how the numbers were found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from align_drawing import word_label
from align_look import Aligned
from explain_look import Explained

from common.translation.align import by_words, pick
from common.translation.attribution import Attribution
from common.ui.components import meter_html, percent
from common.ui.i18n import number, text


def explained_html(
    lang: str, aligned: Aligned, explained: Explained | None, layer: int, head: int, stopped: bool = False
) -> str:
    """The translation's words to choose from, and what is known about the chosen one.

    Args:
        layer, head: whose attention; they count from 1, and 0 is the mean of all.
        stopped: the visitor ended the work.
    """
    chosen = explained.word if explained else 0
    buttons = "".join(
        f'<button type="button" data-pick="explain" data-value="{index}" '
        f'aria-pressed="{"true" if index == chosen else "false"}">{escape(word_label(word.text))}</button>'
        for index, word in enumerate(aligned.target, 1)
    )
    choose = escape(text(lang, "align.choose_target"))
    body = f'<p class="quiet">{escape(text(lang, "align.explain_stopped"))}</p>' if stopped else ""
    if explained is not None and explained.found is not None:
        body = _result(lang, aligned, explained.word, explained.found, layer, head)
    elif explained is not None:
        body = _progress(lang, explained)
    return (
        f'<div class="aligned"><h3 class="step">3 · {escape(text(lang, "align.title_explain"))}</h3>'
        f'<p class="quiet">{escape(text(lang, "align.about_explain"))}</p>'
        f'<div class="picks" role="group" aria-label="{choose}">{choose} {buttons}</div>{body}</div>'
    )


def _progress(lang: str, explained: Explained) -> str:
    counts = {"done": number(lang, explained.done), "points": number(lang, explained.points)}
    label = text(lang, "align.explain_working", **counts)
    stop = escape(text(lang, "common.stop"))
    return (
        f"{meter_html(explained.done / explained.points, label, kind='attention')}"
        f'<div class="picks"><button type="button" data-pick="stop" data-value="0">{stop}</button></div>'
    )


def _result(lang: str, aligned: Aligned, place: int, found: Attribution, layer: int, head: int) -> str:
    layer, head = min(layer, len(aligned.cross)), min(head, aligned.cross.shape[1])
    word = aligned.target[place - 1]
    looks = by_words(pick(aligned.cross, layer, head), [word], aligned.source)[0].tolist()
    shares = [float(found.shares[one.start : one.stop].sum()) for one in aligned.source]
    names = [word_label(one.text) for one in aligned.source]
    attended, decisive = names[int(np.argmax(looks))], names[int(np.argmax(shares))]
    if np.argmax(looks) == np.argmax(shares):
        verdict = text(lang, "align.explain_same", word=attended)
    else:
        verdict = text(lang, "align.explain_differ", attended=attended, decisive=decisive)
    sums = text(
        lang,
        "align.explain_sum",
        word=word_label(word.text),
        empty=percent(math.exp(found.empty), lang),
        given=percent(math.exp(found.given), lang),
        difference=signed(lang, found.difference),
        sum=signed(lang, found.difference + found.lost),
        lost=number(lang, abs(found.lost), 2),
        points=number(lang, found.points),
        seconds=number(lang, found.seconds, 1),
    )
    return (
        f'<div class="verdict"><p>{escape(verdict)}</p></div>'
        f"{_table(lang, word_label(word.text), names, looks, shares)}"
        f"<p>{escape(sums)}</p><p>{escape(text(lang, 'align.explain_why'))}</p>"
    )


def _table(lang: str, word: str, names: Sequence[str], looks: Sequence[float], shares: Sequence[float]) -> str:
    """A row per source word: attention from 0 to 1, and the share to the left or right of nothing."""
    low, high = min(*shares, 0.0), max(*shares, 0.0)
    span = (high - low) or 1.0
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f'<td class="bar"><div style="width:{100 * look:.1f}%"></div></td>'
        f'<td class="value">{escape(percent(look, lang))}</td>'
        f'<td class="bar both {"minus" if share < 0 else "plus"}"><div style="margin-left:'
        f'{100 * (min(share, 0.0) - low) / span:.1f}%;width:{100 * abs(share) / span:.1f}%"></div></td>'
        f'<td class="value">{escape(signed(lang, share))}</td></tr>'
        for name, look, share in zip(names, looks, shares, strict=True)
    )
    source, attention, share = (
        escape(text(lang, f"align.{key}")) for key in ("column_source", "column_attention", "column_share")
    )
    caption = escape(text(lang, "align.explain_caption", word=word))
    return (
        f'<table class="bars weighed idea-attention" style="--zero:{-low / span:.3f}"><caption>{caption}</caption>'
        f'<thead><tr><th scope="col">{source}</th>'
        f'<th scope="col" colspan="2">{attention}</th><th scope="col" colspan="2">{share}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def signed(lang: str, value: float) -> str:
    """A number with its sign, a true minus."""
    written = number(lang, abs(value), 2)
    return f"{'−' if value < 0 else '+'}{written}"
