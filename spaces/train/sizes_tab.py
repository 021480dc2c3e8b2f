"""The LLM sizes tab: the slides' table as a timeline on a log scale, and beside it what was published."""

from __future__ import annotations

import math
from functools import partial
from html import escape

import gradio as gr
import sizes_try
from train_page import TrainPage

from common.training.sizes import Size, sizes
from common.ui.errors import guarded
from common.ui.fields import Number
from common.ui.i18n import number, text

_WIDTH, _HEIGHT = 360, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 30
_YEARS = (2017, 2023)
_LOGS = (7.5, 13)  # 30 million to 10 trillion
_REACH = 11  # a finger needs more room than a point
# A click, Enter or the space bar on a point chooses its family, which is further down.
_CHOOSE = """
const choose = (event) => {
  const point = event.target.closest('[data-i]');
  if (!point || (event.key && event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  trigger('select', {index: Number(point.dataset.i)});
  document.getElementById('sizes-family')?.scrollIntoView({block: 'center'});
};
element.addEventListener('click', choose);
element.addEventListener('keydown', choose);
"""
# Where each kind is shown live: (page of the hub, its tab).
_LIVE = {"encoder": ("translate", "player"), "decoder": ("chat", "inside"), "both": ("translate", "player")}


def build(page: TrainPage) -> None:
    """Lay out the timeline, and below it the models to try."""
    page.idea("sizes")
    drawn = page.words(
        gr.HTML, keys={"value": partial(sizes_html, in_hub=page.in_hub)}, elem_id="sizes-drawn", js_on_load=_CHOOSE
    )
    member = sizes_try.build(page)
    drawn.select(guarded(choose_family), page.lang, member, api_visibility="private", show_progress="hidden")


def choose_family(lang: str, event: gr.EventData) -> str:
    """The model to try of the kind of the one that was clicked in the timeline. Raises InvalidInput."""
    place = Number("family", 0, 0, len(sizes()) - 1).whole(event.index)
    return next(model.id for model in sizes_try.MEMBERS if sizes_try.kind_of(model) == sizes()[place].kind)


def sizes_html(lang: str, in_hub: bool = False) -> str:
    """The timeline, and the table with sources; in the hub with links to what shows each kind live."""
    heads = "".join(
        f"<th>{escape(text(lang, f'sizes.{name}'))}</th>"
        for name in ("model", "on_slide", "published", "kind", "source")
    )
    rows = "".join(_row(lang, size, in_hub) for size in sizes())
    return (
        f'<div class="beside">{_timeline(lang)}</div>'
        f'<div class="scroll" tabindex="0"><table class="plain sizes"><tr>{heads}</tr>{rows}</table></div>'
    )


def _row(lang: str, size: Size, in_hub: bool) -> str:
    place, tab = _LIVE[size.kind]
    live = escape(text(lang, f"sizes.{size.kind}"))
    if in_hub:
        live = f'<a href="{place}?tab={tab}&amp;lang={escape(lang)}">{live}</a>'
    published = _size(lang, size.parameters) if size.parameters else text(lang, "sizes.unknown")
    source = f"{size.source} ({text(lang, f'sizes.remark_{size.remark}')})" if size.remark else size.source
    mark = " ≠" if size.differs else ""
    return (
        f"<tr><th scope='row'>{escape(size.name)}</th>"
        f"<td>{size.slide_year} · {_size(lang, size.slide_parameters)}</td>"
        f"<td>{size.year} · {escape(published)}{mark}</td><td>{live}</td><td>{escape(source)}</td></tr>"
    )


def _timeline(lang: str) -> str:
    caption = escape(text(lang, "sizes.caption"))
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_up(10**power):.1f}" y2="{_up(10**power):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{_up(10**power) + 4:.1f}" text-anchor="end">{_size(lang, 10**power)}</text>'
        for power in range(8, 14)
    ]
    parts += [
        f'<text x="{_across(year):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{year}</text>'
        for year in range(_YEARS[0], _YEARS[1] + 1)
    ]
    named: list[tuple[float, float]] = []
    for place, size in enumerate(sizes()):
        about = escape(_about(lang, size))
        parts.append(f'<g class="point" role="button" tabindex="0" data-i="{place}" aria-label="{about}">')
        parts.append(f"<title>{about}</title>")
        x, y = _across(size.slide_year), _up(size.slide_parameters)
        parts.append(f'<circle class="slide" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
        if size.parameters:
            px, py = _across(size.year), _up(size.parameters)
            parts.append(f'<line class="move" x1="{x:.1f}" y1="{y:.1f}" x2="{px:.1f}" y2="{py:.1f}"/>')
            parts.append(f'<circle class="real" cx="{px:.1f}" cy="{py:.1f}" r="5"/>')
            x, y = px, py
        parts.append(f'<circle class="reach" cx="{x:.1f}" cy="{y:.1f}" r="{_REACH}"/>')
        crowded = any(abs(x - other) < 5 and abs(y - height) < 14 for other, height in named)
        anchor, shift = ("end", -8) if crowded or x > _WIDTH - 70 else ("start", 8)
        named.append((x, y))
        parts.append(f'<text x="{x + shift:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{escape(size.name)}</text></g>')
    legend = ""
    for kind, name in (("slide", "on_slide"), ("real", "published")):
        sign = f'<circle class="{kind}" cx="7" cy="7" r="5"/>'
        drawn = f'<svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">{sign}</svg>'
        legend += f"<span>{drawn} {escape(text(lang, f'sizes.{name}'))}</span>"
    return (
        f'<figure class="lines sizes"><figcaption>{caption}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" aria-label="{caption}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )


def _about(lang: str, size: Size) -> str:
    """Name, and year and parameters as on the slide and as published."""
    published = _size(lang, size.parameters) if size.parameters else text(lang, "sizes.unknown")
    return (
        f"{size.name}: {text(lang, 'sizes.on_slide')} {size.slide_year} · {_size(lang, size.slide_parameters)}, "
        f"{text(lang, 'sizes.published')} {size.year} · {published}"
    )


def _across(year: float) -> float:
    first, last = _YEARS
    return _LEFT + 14 + (_WIDTH - _LEFT - _RIGHT - 40) * (year - first) / (last - first)


def _up(parameters: float) -> float:
    low, high = _LOGS
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (math.log10(parameters) - low) / (high - low))


def _size(lang: str, parameters: float) -> str:
    """94 M, 1.5 B, 4.6 T: million, billion (10⁹), trillion (10¹²), as on the slide."""
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if parameters >= unit:
            value = parameters / unit
            return f"{number(lang, value, 0 if value >= 10 or value.is_integer() else 1)} {name}"
    return number(lang, parameters)
