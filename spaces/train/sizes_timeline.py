"""The sizes of language models over the years, on a log scale: what the slide says, and what was published.

Drawn twice, wide for a desktop or a projector and narrow for a phone, so that letters have their size on both; the
style sheet shows one. Names take a free place beside their point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from common.training.sizes import Size, sizes
from common.ui.i18n import number, text

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 30
_INSET = 14  # of the first year from the axis
_YEARS = (2017, 2023)
_LOGS = (7.5, 13)  # 30 million to 10 trillion
_POINT = 5  # radius
_REACH = 11  # a finger needs more room than a point
# Widths of letters of 13 px, and the height of a line of them.
_LETTER, _CAPITAL, _LINE = 8, 10, 15


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Its size in pixels, and the room that a name at the end of the years needs."""

    name: str
    width: int
    height: int
    end: int

    def across(self, year: float) -> float:
        first, last = _YEARS
        return _LEFT + _INSET + (self.width - _LEFT - _RIGHT - _INSET - self.end) * (year - first) / (last - first)

    def up(self, parameters: float) -> float:
        low, high = _LOGS
        return _TOP + (self.height - _TOP - _BOTTOM) * (1 - (math.log10(parameters) - low) / (high - low))


_CANVASES = (_Canvas("wide", 940, 460, 76), _Canvas("narrow", 360, 330, 26))


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: _Box) -> float:
        """The area that both have."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


def timeline(lang: str) -> str:
    """The chart in both widths, with its legend."""
    caption = escape(text(lang, "sizes.caption"))
    drawn = "".join(
        f'<svg class="{canvas.name}" viewBox="0 0 {canvas.width} {canvas.height}" role="group" aria-label="{caption}">'
        f"{_axes(lang, canvas)}{_points(lang, canvas)}</svg>"
        for canvas in _CANVASES
    )
    legend = ""
    for kind, name in (("slide", "on_slide"), ("real", "published")):
        sign = f'<circle class="{kind}" cx="7" cy="7" r="{_POINT}"/>'
        icon = f'<svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">{sign}</svg>'
        legend += f"<span>{icon} {escape(text(lang, f'sizes.{name}'))}</span>"
    return (
        f'<figure class="lines sizes"><figcaption>{caption}</figcaption>{drawn}'
        f'<div class="legend">{legend}</div></figure>'
    )


def in_words(lang: str, parameters: float) -> str:
    """94 M, 1.5 B, 4.6 T: million, billion (10⁹), trillion (10¹²), as on the slide."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if parameters >= unit:
            value = parameters / unit
            return f"{number(lang, value, 0 if value >= 10 or value.is_integer() else 1)} {name}"
    return number(lang, parameters)


def _axes(lang: str, canvas: _Canvas) -> str:
    parts = []
    for power in range(8, 14):
        y = canvas.up(10**power)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{canvas.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{in_words(lang, 10**power)}</text>')
    for year in range(_YEARS[0], _YEARS[1] + 1):
        x = canvas.across(year)
        parts.append(f'<text x="{x:.1f}" y="{canvas.height - 8}" text-anchor="middle">{year}</text>')
    return "".join(parts)


def _points(lang: str, canvas: _Canvas) -> str:
    """Every model: where the slide has it, where it was published, and its name at the latter."""
    taken = [_around(x, y) for size in sizes() for x, y in _places(canvas, size)]
    parts = []
    for number_, size in enumerate(sizes()):
        about = escape(_about(lang, size))
        places = _places(canvas, size)
        (x, y), (last_x, last_y) = places[0], places[-1]
        parts.append(f'<g class="point" role="button" tabindex="0" data-i="{number_}" aria-label="{about}">')
        parts.append(f'<title>{about}</title><circle class="slide" cx="{x:.1f}" cy="{y:.1f}" r="{_POINT}"/>')
        if size.parameters:
            parts.append(
                f'<line class="move" x1="{x:.1f}" y1="{y:.1f}" x2="{last_x:.1f}" y2="{last_y:.1f}"/>'
                f'<circle class="real" cx="{last_x:.1f}" cy="{last_y:.1f}" r="{_POINT}"/>'
            )
        parts.append(f'<circle class="reach" cx="{last_x:.1f}" cy="{last_y:.1f}" r="{_REACH}"/>')
        parts.append(f"{_name(canvas, size.name, last_x, last_y, taken)}</g>")
    return "".join(parts)


def _places(canvas: _Canvas, size: Size) -> list[tuple[float, float]]:
    """Where the slide has the model and, when its makers say its size, where it belongs."""
    places = [(canvas.across(size.slide_year), canvas.up(size.slide_parameters))]
    if size.parameters:
        places.append((canvas.across(size.year), canvas.up(size.parameters)))
    return places


def _around(x: float, y: float) -> _Box:
    return _Box(x - _POINT - 1, y - _POINT - 1, x + _POINT + 1, y + _POINT + 1)


def _name(canvas: _Canvas, name: str, x: float, y: float, taken: list[_Box]) -> str:
    """The name right of its point, left, above or below: the first place where nothing is yet, or least.

    Args:
        x, y: of the point.
        taken: what is there already; the name joins it.
    """
    width, gap = sum(_CAPITAL if sign.isupper() else _LETTER for sign in name), _POINT + 4
    sides = {"start": (x + gap, 0.0), "end": (x - gap, width), "middle": (x, width / 2)}  # where it is held, and before
    heights = {"start": (-_LINE / 2, -_LINE, 0), "end": (-_LINE / 2, -_LINE, 0), "middle": (-gap - _LINE, gap)}
    places = [
        (anchor, held, _Box(held - before, y + high, held - before + width, y + high + _LINE))
        for anchor, (held, before) in sides.items()
        for high in heights[anchor]
    ]
    inside = [place for place in places if place[2].left > _LEFT and place[2].right < canvas.width]
    anchor, held, box = min(inside, key=lambda place: sum(place[2].overlap(other) for other in taken))
    taken.append(box)
    return f'<text x="{held:.1f}" y="{box.bottom - 4:.1f}" text-anchor="{anchor}">{escape(name)}</text>'


def _about(lang: str, size: Size) -> str:
    """Name, and year and parameters as on the slide and as published."""
    published = in_words(lang, size.parameters) if size.parameters else text(lang, "sizes.unknown")
    return (
        f"{size.name}: {text(lang, 'sizes.on_slide')} {size.slide_year} · {in_words(lang, size.slide_parameters)}, "
        f"{text(lang, 'sizes.published')} {size.year} · {published}"
    )
