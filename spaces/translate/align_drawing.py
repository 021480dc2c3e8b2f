"""Alignment as pictures: lines between two sentences, a matrix, and where one word of the source looks.

Texts and tokens are escaped here. Knows nothing about how the weights were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from align_look import Aligned
from numpy.typing import NDArray

from common.translation.align import Word, by_words, pick
from common.ui.components import percent, visible_whitespace
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

# Sizes in pixels; both pictures of lines fit a phone.
_ROW, _BOX, _WIDTH, _SIDE = 34, 110, 340, 36
_LETTERS = 11
_LETTER = 8.4  # width of a monospaced letter at 14 px
_FAINT = 0.05  # lines below this would only make a web
_NAMED = 0.05  # cells from here on have their number in them


def cross_html(lang: str, aligned: Aligned, layer: int, head: int) -> str:
    """The translation, the choice of layer and head, lines and matrix."""
    layer, head = min(layer, len(aligned.cross)), min(head, aligned.cross.shape[1])
    weights = by_words(pick(aligned.cross, layer, head), aligned.target, aligned.source)
    return (
        f'<div class="aligned"><div class="verdict"><p><b>{escape(text(lang, "player.result"))}</b> '
        f"{escape(aligned.text)}</p></div>"
        f'<h3 class="step">1 · {escape(text(lang, "align.title_cross"))}</h3>'
        f'<p class="quiet">{escape(text(lang, "align.about_cross"))}</p>'
        f"{_picks(lang, aligned.cross.shape[:2], layer, head)}"
        f'<div class="pair">{_lines(lang, aligned.source, aligned.target, weights)}'
        f"{_matrix(lang, aligned.source, aligned.target, weights)}</div></div>"
    )


def own_html(lang: str, aligned: Aligned, word: int, layer: int, head: int) -> str:
    """The source's words to choose from, and at which tokens the chosen one looks.

    Args:
        word: counted from 1; one that the sentence does not have means its last.
    """
    layer, head = min(layer, len(aligned.own)), min(head, aligned.own.shape[1])
    place = min(max(word, 1), len(aligned.source)) - 1
    chosen = aligned.source[place]
    looks = pick(aligned.own, layer, head)[chosen.start : chosen.stop].mean(0)  # (S,)
    buttons = "".join(
        f'<button type="button" data-pick="word" data-value="{index + 1}" '
        f'aria-pressed="{"true" if index == place else "false"}">{escape(word_label(one.text))}</button>'
        for index, one in enumerate(aligned.source)
    )
    bars = [
        Bar(
            piece.text,
            float(weight),
            percent(float(weight), lang),
            selected=chosen.start <= index < chosen.stop,
            kind="attention",
        )
        for index, (piece, weight) in enumerate(zip(aligned.pieces, looks, strict=True))
    ]
    caption = text(lang, "align.looks", word=word_label(chosen.text))
    return (
        f'<div class="aligned"><h3 class="step">2 · {escape(text(lang, "align.title_own"))}</h3>'
        f'<p class="quiet">{escape(text(lang, "align.about_own"))}</p>'
        f"{_picks(lang, aligned.own.shape[:2], layer, head)}"
        f'<div class="picks" role="group" aria-label="{escape(text(lang, "align.choose"))}">'
        f"{escape(text(lang, 'align.choose'))} {buttons}</div>"
        f"{bars_html(bars, caption=caption, top=1.0)}</div>"
    )


def _picks(lang: str, counts: Sequence[int], layer: int, head: int) -> str:
    """Buttons for one layer or the mean of all, one head or the mean of all."""
    parts = []
    for name, count, chosen in (("layer", counts[0], layer), ("head", counts[1], head)):
        if count < 2:
            continue
        label = escape(text(lang, f"player.{name}"))
        buttons = "".join(
            f'<button type="button" data-pick="{name}" data-value="{value}" '
            f'aria-pressed="{"true" if value == chosen else "false"}">'
            f"{number(lang, value) if value else escape(text(lang, 'player.mean'))}</button>"
            for value in range(count + 1)
        )
        parts.append(f'<div class="picks" role="group" aria-label="{label}">{label} {buttons}</div>')
    return "".join(parts)


def _lines(lang: str, source: Sequence[Word], target: Sequence[Word], weights: NDArray[np.float32]) -> str:
    """The source's words on the left, the translation's on the right; the thicker a line, the more attention."""
    right = _WIDTH - _BOX
    lines = "".join(
        f'<path d="M{_BOX} {_middle(column)}C{_BOX + 50} {_middle(column)} {right - 50} {_middle(row)} '
        f'{right} {_middle(row)}" stroke-width="{1 + 7 * weight:.1f}" stroke-opacity="{weight**0.5:.2f}"/>'
        for row, shares in enumerate(weights.tolist())
        for column, weight in enumerate(shares)
        if weight >= _FAINT
    )
    boxes = "".join(
        f'<g class="{kind}{" control" if word.control else ""}"><title>{escape(word.text)}</title>'
        f'<rect x="{x + 1}" y="{_middle(index) - 13}" width="{_BOX - 2}" height="26" rx="5"/>'
        f'<text x="{x + _BOX / 2:.0f}" y="{_middle(index) + 5}" text-anchor="middle">'
        f"{escape(word_label(word.text))}</text></g>"
        for kind, x, side in (("from", 0, source), ("into", right, target))
        for index, word in enumerate(side)
    )
    caption = escape(text(lang, "align.lines"))
    height = _ROW * max(len(source), len(target))
    return (
        f'<figure class="lines idea-attention"><figcaption>{caption}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" aria-label="{caption}">'
        f"{lines}{boxes}</svg></figure>"
    )


def _matrix(lang: str, source: Sequence[Word], target: Sequence[Word], weights: NDArray[np.float32]) -> str:
    """Rows are the translation's words, columns the source's; the stronger a cell, the more attention."""
    room = (
        max(min(max(len(word_label(word.text)) for word in side), _LETTERS) for side in (source, target)) * _LETTER + 12
    )
    cells = []
    for row, shares in enumerate(weights.tolist()):
        for column, weight in enumerate(shares):
            x, y = room + column * _SIDE, room + row * _SIDE
            title = f"{target[row].text} → {source[column].text}: {percent(weight, lang)}"
            named = (
                f'<text class="value" x="{x + _SIDE / 2:.0f}" y="{y + _SIDE / 2 + 4:.0f}" text-anchor="middle">'
                f"{number(lang, 100 * weight)}</text>"
                if weight >= _NAMED
                else ""
            )
            cells.append(
                f'<g><title>{escape(title)}</title><rect class="cell" x="{x:.0f}" y="{y:.0f}" width="{_SIDE}" '
                f'height="{_SIDE}" fill-opacity="{0.6 * weight**0.7:.3f}"/>{named}</g>'
            )
    rows = "".join(
        f'<text x="{room - 6:.0f}" y="{room + (index + 0.5) * _SIDE + 4:.0f}" text-anchor="end">'
        f"{escape(word_label(word.text))}</text>"
        for index, word in enumerate(target)
    )
    columns = "".join(
        f'<text transform="translate({room + (index + 0.5) * _SIDE + 4:.0f} {room - 6:.0f}) rotate(-90)">'
        f"{escape(word_label(word.text))}</text>"
        for index, word in enumerate(source)
    )
    caption = escape(text(lang, "align.matrix"))
    width, height = room + len(source) * _SIDE + 2, room + len(target) * _SIDE + 2
    return (
        f'<figure class="matrix idea-attention"><figcaption>{caption}</figcaption>'
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{caption}">'
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{caption}">{"".join(cells)}{rows}{columns}</svg></div></figure>'
    )


def _middle(index: int) -> int:
    return index * _ROW + _ROW // 2


def word_label(word: str) -> str:
    """A word as it stands in a picture: short, its white space visible."""
    label = visible_whitespace(word) or "∅"
    return label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"
