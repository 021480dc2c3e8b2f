"""A line chart as SVG: a few measures over one scale, told apart by colour, dash and marker; nothing is fetched.

Drawn on a small canvas so that its letters stay readable when a phone scales it down. Knows nothing about where the
numbers come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from common.ui.i18n import number

_WIDTH, _HEIGHT = 340, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 10, 44
_LABEL_ROOM = 30  # labels on the x axis that would stand closer than this are left out
_DASHES = ("", "7 4", "2 4")


@dataclass(frozen=True, slots=True)
class Line:
    """One measure: its name, its points (x, y), and the idea whose colour it takes."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: str


def lines_html(
    lang: str,
    lines: Sequence[Line],
    *,
    caption: str,
    x_name: str,
    top: float = 1.0,
    bottom: float = 0.0,
    digits: int = 2,
    markers: bool = True,
) -> str:
    """Lines from ``bottom`` to ``top``, over the x values that occur.

    Args:
        lang: for the numbers on the axes.
        lines: up to three, so that each has a dash and a marker of its own.
        caption: one line that says what is drawn.
        x_name: what the x axis counts, with its unit.
        top: upper end of the y axis.
        bottom: its lower end, zero or less; below zero the line of zero is marked.
        digits: of the numbers on the y axis after the decimal mark.
        markers: draw every point; without, only the line through them, for long rows of points.
    """
    places = sorted({x for line in lines for x, _ in line.points})
    if not places:
        return ""
    whole = all(float(x).is_integer() for x in places)
    first, span = places[0], (places[-1] - places[0]) or 1.0

    def across(x: float) -> float:
        return _LEFT + 12 + (_WIDTH - _LEFT - _RIGHT - 24) * (x - first) / span

    def up(y: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - min(max((y - bottom) / (top - bottom), 0.0), 1.0))

    parts: list[str] = []
    for y in _marks(bottom, top):
        zero = " zero" if bottom < 0 and y == 0 else ""
        parts.append(
            f'<line class="grid{zero}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{number(lang, y, digits)}</text>')
    last_label = -_LABEL_ROOM
    for x in places:
        if across(x) - last_label >= _LABEL_ROOM:
            label = f'<text x="{across(x):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            parts.append(f"{label}{number(lang, x, 0 if whole else 2 if round(x, 1) != x else 1)}</text>")
            last_label = int(across(x))
    parts.append(f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>')
    for index, line in enumerate(lines):
        points = [(across(x), up(y)) for x, y in sorted(line.points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn = f'<polyline points="{path}" stroke-dasharray="{_DASHES[index]}"/>'
        if markers:
            drawn += "".join(_marker(index, x, y) for x, y in points)
        parts.append(f'<g class="line idea-{escape(line.kind)}">{drawn}</g>')
    legend = "".join(
        f'<span class="idea-{escape(line.kind)}"><svg viewBox="0 0 36 12" width="36" height="12" aria-hidden="true">'
        f'<g class="line"><polyline points="0,6 36,6" stroke-dasharray="{_DASHES[index]}"/>{_marker(index, 18, 6)}</g>'
        f"</svg> {escape(line.name)}</span>"
        for index, line in enumerate(lines)
    )
    return (
        f'<figure class="lines"><figcaption>{escape(caption)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(caption)}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )


def _marks(bottom: float, top: float) -> list[float]:
    """Where the y axis is marked: in quarters from zero; on both sides of it at round numbers, zero among them."""
    if bottom == 0:
        return [top * step / 4 for step in range(5)]
    least = (top - bottom) / 5
    power = 10 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    first, last = math.ceil(round(bottom / step, 6)), math.floor(round(top / step, 6))
    return [step * place for place in range(first, last + 1)]


def _marker(index: int, x: float, y: float) -> str:
    """A disc, a square or a diamond."""
    if index == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if index == 2 else ""
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"{turn}/>'
