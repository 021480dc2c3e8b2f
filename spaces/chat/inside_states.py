"""The states of a text as pictures: points on a plane, the length of the residual stream, the logit lens.

Knows nothing about where the numbers come from.
"""

from __future__ import annotations

from html import escape

import numpy as np
from inside_attention import image
from inside_look import POINTS, Look

from common.text.engine import Candidate
from common.ui.components import percent, visible_whitespace
from common.ui.i18n import number, text
from common.ui.linechart import Line, lines_html
from common.ui.plots import Bar, bars_html
from common.ui.theme import ACCENTS

_WIDTH, _HEIGHT, _MARGIN = 400, 280, 40
_TRAIL = 3  # how many layers back a point's way is drawn
_LABELS = 40
_END = 60  # letters of a text's end that name it


def plane_html(lang: str, said: Look, layer: int, place: int) -> str:
    """The tokens on a plane after a layer, each with the last bit of its way there."""
    shown = said.points[max(0, layer - _TRAIL) : layer + 1]  # (steps, points, 2)
    low, high = shown.min((0, 1)), shown.max((0, 1))
    span = np.where(high > low, high - low, 1.0)
    room = np.array([_WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN])
    at = _MARGIN + (shown - low) / span * room
    parts: list[str] = []
    for index in range(at.shape[1]):
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in at[:, index])
        x, y = at[-1, index]
        chosen = " selected" if index == place else ""
        piece = said.tokens[index].text
        parts.append(
            f'<polyline points="{way}"/><circle class="{chosen.strip()}" cx="{x:.1f}" cy="{y:.1f}" r="5">'
            f"<title>{escape(piece)} ({index + 1})</title></circle>"
        )
        if at.shape[1] <= _LABELS or chosen:
            label = visible_whitespace(piece.removeprefix(" "))[:12]
            parts.append(
                f'<text class="{chosen.strip()}" x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{escape(label)}'
                f'<tspan class="place" dx="2">{index + 1}</tspan></text>'
            )
    name = layer_name(lang, layer)
    caption = escape(text(lang, "inside.plane", layer=name, share=percent(said.shares[layer], lang)))
    notes = [text(lang, "inside.plane_note")]
    if len(said.tokens) > POINTS:
        notes.append(text(lang, "inside.plane_cut", n=number(lang, POINTS)))
    return (
        f'<figure class="plane idea-prompt"><figcaption>{caption}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{caption}">{"".join(parts)}</svg></figure>'
        + "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
    )


def stream_html(lang: str, said: Look, place: int) -> str:
    """The length of the residual stream: of the chosen token and of the median one, and of all in one picture."""
    lengths = said.norms
    token = visible_whitespace(said.tokens[place].text.removeprefix(" ")) or "·"
    median = np.median(lengths, axis=1)
    lines = [
        Line(text(lang, "inside.stream_token", token=token), _over_layers(lengths[:, place]), "completion"),
        Line(text(lang, "inside.stream_median"), _over_layers(median), "prompt"),
    ]
    top = float(max(lengths[:, place].max(), median.max()))
    chart = lines_html(
        lang,
        lines,
        caption=text(lang, "inside.stream"),
        x_name=text(lang, "inside.layer"),
        top=top,
        digits=0 if top >= 20 else 1,
    )
    logs = np.log1p(lengths)
    strength = (logs - logs.min()) / (float(np.ptp(logs)) or 1.0)
    caption = escape(
        text(lang, "inside.stream_all", low=number(lang, lengths.min(), 1), high=number(lang, lengths.max()))
    )
    return (
        f'<div class="stream">{chart}<figure class="attention"><figcaption>{caption}</figcaption>'
        f'<img class="norms" alt="{caption}" src="{image(strength, ACCENTS["completion"])}"></figure></div>'
    )


def lens_html(lang: str, said: Look, place: int) -> str:
    """What the model would say after each layer, at the chosen token."""
    token = visible_whitespace(said.tokens[place].text.removeprefix(" ")) or "·"
    rows: list[str] = []
    last = said.lens[-1][0].id if said.lens else None
    for layer, best in enumerate(said.lens):
        cells = "".join(f"<td>{_said(lang, candidate, last)}</td>" for candidate in best)
        rows.append(f'<tr><th scope="row">{escape(layer_name(lang, layer))}</th>{cells}</tr>')
    caption = escape(text(lang, "inside.lens", token=token, place=number(lang, place + 1)))
    return (
        f'<figure class="attention"><figcaption>{caption}</figcaption>'
        f'<div class="scroll-x" tabindex="0" role="group" aria-label="{caption}">'
        f'<table class="work lens"><tbody>{"".join(rows)}</tbody></table></div></figure>'
    )


def following_html(lang: str, said: Look) -> str:
    """The most probable next tokens."""
    bars = [Bar(one.text, one.probability, percent(one.probability, lang)) for one in said.following]
    end = said.prompt if len(said.prompt) <= _END else "…" + said.prompt[-_END:]
    return bars_html(bars, caption=text(lang, "inside.following", text=end), top=1.0)


def layer_name(lang: str, layer: int) -> str:
    """Layer 0 is the embedding."""
    return text(lang, "inside.layer_n", n=number(lang, layer)) if layer else text(lang, "inside.embedding")


def _said(lang: str, candidate: Candidate, last: int | None) -> str:
    chosen = " selected" if candidate.id == last else ""
    label = escape(visible_whitespace(candidate.text)) or "∅"
    heat = f"--heat:{100 * candidate.probability:.0f}%"
    return (
        f'<span class="chip idea-completion{chosen}" style="{heat}">{label}</span> '
        f"<small>{escape(percent(candidate.probability, lang))}</small>"
    )


def _over_layers(values: np.ndarray) -> list[tuple[float, float]]:
    return [(float(layer), float(value)) for layer, value in enumerate(values)]
