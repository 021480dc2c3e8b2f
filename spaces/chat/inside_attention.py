"""Attention as pictures: arcs from a token to the ones it looks at, and the heat map with its causal mask.

Everything is SVG. A heat map of many tokens is one small image, so that 512 tokens do not make a quarter of a million
elements. Knows nothing about where the weights come from.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from common.ui.components import percent, visible_whitespace
from common.ui.i18n import text
from common.ui.plots import Bar, bars_html
from common.ui.theme import ACCENTS

# Cells that can be pointed at one by one, with names beside them; beyond this the heat map is an image. A heat map of
# few tokens stays readable when a phone scales it down.
_CELLS, _FEW = 40, 12
_ARCS, _ARCS_IN_ALL = 24, 1500
_BARS = 8
_FAINT = 0.004  # arcs below this cannot be seen
_LETTER = 8.4  # width of a monospaced letter at 14 px
_IMAGE_PIXELS = 512

# A pointer on a token shows where that token looks; when it leaves, the chosen token is back. New arcs are scrolled to
# the chosen token, which on a phone and in a long text is out of sight.
HOVER = """
const show = (svg, from) => svg.querySelectorAll('g.from').forEach(
  (group) => group.classList.toggle('shown', group.dataset.from === from));
element.addEventListener('pointerover', (event) => {
  const token = event.target.closest('svg.arcs [data-i]');
  if (token) show(token.closest('svg'), token.dataset.i);
});
element.addEventListener('pointerout', (event) => {
  const svg = event.target.closest('svg.arcs');
  if (svg) show(svg, svg.dataset.chosen);
});
watch('value', () => element.querySelectorAll('svg.arcs').forEach((svg) => {
  const chosen = svg.querySelector('.token.selected'), box = svg.parentElement;
  box.scrollLeft = chosen.getBBox().x - box.clientWidth / 2;
}));
"""


def attention_html(lang: str, pieces: Sequence[str], weights: NDArray[np.float32], place: int, name: str) -> str:
    """Arcs, the strongest looks of the chosen token as bars, and the heat map.

    Args:
        pieces: the tokens' texts.
        weights: (T, T), row: the token that looks.
        place: the chosen token.
        name: of these pictures on the page, a short id.
    """
    return (
        arcs_svg(lang, pieces, weights, place)
        + looks_html(lang, pieces, weights, place)
        + heat_map(lang, pieces, weights, place, name)
    )


def arcs_svg(lang: str, pieces: Sequence[str], weights: NDArray[np.float32], place: int) -> str:
    """The tokens in a row with an arc to every token that the chosen one looks at; those of the others are hidden."""
    labels = [_label(piece) for piece in pieces]
    widths = [max(len(label) * _LETTER + 14, 26.0) for label in labels]
    starts = np.concatenate([[0.0], np.cumsum(widths)])
    centres = (starts[:-1] + starts[1:]) / 2
    tallest = min(170.0, 30 + 0.32 * float(centres[-1] - centres[0]))
    few = max(2, _ARCS_IN_ALL // len(pieces))
    groups: list[str] = []
    for source in range(len(pieces)):
        row = weights[source, : source + 1]
        order = np.argsort(-row, kind="stable")[: _ARCS if source == place else min(few, _ARCS)]
        drawn = []
        for target in (int(one) for one in order if row[one] >= _FAINT):
            weight = float(row[target])
            x, y = centres[source], centres[target]
            height = 22.0 if source == target else min(tallest, 30 + 0.32 * float(x - y))
            bend = tallest + 8 - height * 4 / 3
            left, right = (y - 9, x + 9) if source == target else (y, x)
            drawn.append(
                f'<path d="M{right:.0f} {tallest + 8:.0f}C{right:.0f} {bend:.0f} {left:.0f} {bend:.0f} '
                f'{left:.0f} {tallest + 8:.0f}" stroke-width="{1 + 9 * weight:.1f}" '
                f'stroke-opacity="{0.3 + 0.7 * weight**0.5:.2f}"/>'
            )
        shown = " shown" if source == place else ""
        groups.append(f'<g class="from{shown}" data-from="{source}">{"".join(drawn)}</g>')
    tokens = "".join(
        f'<g data-i="{index}" class="token{" selected" if index == place else ""}">'
        f"<title>{escape(_looks(lang, pieces, weights, index))}</title>"
        f'<rect x="{starts[index] + 1:.0f}" y="{tallest + 10:.0f}" width="{widths[index] - 2:.0f}" height="28" rx="5"/>'
        f'<text x="{centres[index]:.0f}" y="{tallest + 29:.0f}" text-anchor="middle">{escape(label)}</text></g>'
        for index, label in enumerate(labels)
    )
    caption = escape(text(lang, "inside.arcs", token=_label(pieces[place])))
    width, height = float(starts[-1]), tallest + 42
    return (
        f'<figure class="attention idea-attention"><figcaption>{caption}</figcaption>'
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{caption}">'
        f'<svg class="arcs" data-chosen="{place}" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}">{"".join(groups)}{tokens}</svg></div></figure>'
    )


def looks_html(lang: str, pieces: Sequence[str], weights: NDArray[np.float32], place: int) -> str:
    """The tokens that the chosen one looks at most, as bars from 0 to 100 %."""
    bars = [
        Bar(pieces[target], weight, f"{percent(weight, lang)} · {target + 1}", kind="attention")
        for target, weight in _strongest(weights, place, _BARS)
    ]
    return bars_html(bars, caption=text(lang, "inside.looks", token=_label(pieces[place])), top=1.0)


def heat_map(lang: str, pieces: Sequence[str], weights: NDArray[np.float32], place: int, name: str) -> str:
    """Who looks at whom: a row for every token that looks, hatched where the causal mask forbids it."""
    count = len(pieces)
    small = count <= _CELLS
    cell = (30 if count <= 10 else 22 if count <= 20 else 17) if small else max(1, _IMAGE_PIXELS // count)
    room = min(max(len(_label(piece)) for piece in pieces), 12) * _LETTER + 12 if small else 4.0
    side = count * cell
    parts = [
        f'<defs><pattern id="mask-{name}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="6"/></pattern></defs>'
    ]
    stairs = "".join(f"V{room + row * cell:.0f}H{room + (row + 1) * cell:.0f}" for row in range(1, count))
    right = room + side
    if count > 1:  # the staircase above the diagonal: everything to the right of each row's own token
        mask = f"M{right:.0f} {room:.0f}H{room + cell:.0f}{stairs}Z"
        parts.append(f'<path class="mask" d="{mask}" fill="url(#mask-{name})"/>')
    if small:
        for row in range(count):
            for column in range(row + 1):
                weight = float(weights[row, column])
                title = f"{_label(pieces[row])} → {_label(pieces[column])}: {percent(weight, lang)}"
                parts.append(
                    f'<rect class="cell" x="{room + column * cell:.0f}" y="{room + row * cell:.0f}" width="{cell}" '
                    f'height="{cell}" fill-opacity="{weight**0.5:.3f}"><title>{escape(title)}</title></rect>'
                )
        for index, piece in enumerate(pieces):
            label, middle = escape(_label(piece)), room + (index + 0.5) * cell
            chosen = " selected" if index == place else ""
            parts.append(
                f'<text class="name{chosen}" data-i="{index}" x="{room - 6:.0f}" y="{middle + 4:.0f}" '
                f'text-anchor="end">{label}</text>'
                f'<text class="name" transform="translate({middle + 4:.0f} {room - 6:.0f}) rotate(-90)">{label}</text>'
            )
    else:
        parts.append(
            f'<image href="{image(np.sqrt(np.tril(weights)), ACCENTS["attention"])}" x="{room:.0f}" y="{room:.0f}" '
            f'width="{side}" height="{side}"/>'
        )
    chosen_row = room + place * cell
    parts.append(
        f'<rect class="row" x="{room:.0f}" y="{chosen_row:.0f}" width="{(place + 1) * cell}" height="{cell}"/>'
    )
    caption = escape(text(lang, "inside.map"))
    size = room + side + 4
    return (
        f'<figure class="attention idea-attention"><figcaption>{caption}</figcaption>'
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{caption}">'
        f'<svg class="map{" few" if count <= _FEW else ""}" viewBox="0 0 {size:.0f} {size:.0f}" width="{size:.0f}" '
        f'height="{size:.0f}">{"".join(parts)}</svg></div>'
        f'<p class="quiet">{escape(text(lang, "inside.mask"))}</p></figure>'
    )


def image(strength: NDArray[np.floating], colour: str) -> str:
    """A picture of one colour, opaque where ``strength`` is 1 and clear where it is 0, as a data address.

    Source: the PNG specification (W3C 2003): a palette of 256 entries of one colour, each with its own opacity.
    """
    pixels = np.rint(255 * np.clip(strength, 0, 1)).astype(np.uint8)
    rows = np.concatenate([np.zeros((len(pixels), 1), np.uint8), pixels], axis=1)  # each row begins with its filter: 0
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 3, 0, 0, 0)
    chunks = [
        (b"IHDR", head),
        (b"PLTE", bytes.fromhex(colour.removeprefix("#")) * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _strongest(weights: NDArray[np.float32], place: int, count: int) -> list[tuple[int, float]]:
    row = weights[place, : place + 1]
    return [(int(target), float(row[target])) for target in np.argsort(-row, kind="stable")[:count]]


def _looks(lang: str, pieces: Sequence[str], weights: NDArray[np.float32], place: int) -> str:
    found = (f"{_label(pieces[target])} {percent(weight, lang)}" for target, weight in _strongest(weights, place, 3))
    return f"{_label(pieces[place])} → {' · '.join(found)}"


def _label(piece: str) -> str:
    """A token's text without the space before it, shortened."""
    label = visible_whitespace(piece.removeprefix(" ")) or "·"
    return label if len(label) <= 12 else label[:11] + "…"
