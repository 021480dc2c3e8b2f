"""A guided tour of a space: a few stops, each a tab, an element of it, and what to do there. tour.js leads through it.

Which stop it is stands in the address (``?tour=3``), so that a reload and a shared link keep it.
"""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from common.ui.i18n import Localizer, number, text

_FILE, _SCRIPT = Path(__file__).with_name("tour.toml"), Path(__file__).with_name("tour.js")


class Stop(NamedTuple):
    """The tab's id, and the id of what is pointed at."""

    tab: str
    at: str


@lru_cache(maxsize=1)
def tours() -> dict[str, tuple[Stop, ...]]:
    """The stops of every space that has a tour."""
    found = tomllib.loads(_FILE.read_text("utf-8"))
    return {space: tuple(Stop(*stop) for stop in stops) for space, stops in found.items()}


def build(words: Localizer, space: str) -> None:
    """The way into the tour and the box that leads through it; nothing for a page without a tour."""
    if space in tours():
        words(
            gr.HTML,
            keys={"value": lambda lang: tour_html(lang, space)},
            elem_id="tour",
            padding=False,
            js_on_load=_SCRIPT.read_text(encoding="utf-8"),
        )


def tour_html(lang: str, space: str) -> str:
    """The button that begins, and the box, hidden until then."""
    stops = tours()[space]
    many = number(lang, len(stops))
    data = [
        {
            "tab": stop.tab,
            "at": stop.at,
            "where": text(lang, "guided.place", n=number(lang, place), all=many),
            "title": text(lang, f"{stop.tab}.tab"),
            "says": text(lang, f"guided.{space}_{stop.tab}"),
        }
        for place, stop in enumerate(stops, 1)
    ]
    labels = {name: escape(text(lang, f"guided.{name}")) for name in ("label", "back", "next", "end", "done")}
    shown = escape(json.dumps(data, ensure_ascii=False))
    return (
        f'<button type="button" class="tour-start">{escape(text(lang, "guided.start", n=many))}</button>'
        f'<section class="tour" role="region" aria-label="{labels["label"]}" data-stops="{shown}" '
        f'data-next="{labels["next"]}" data-done="{labels["done"]}" hidden><div class="says" tabindex="-1" '
        'aria-live="polite"><p class="where"></p><p class="caption"></p></div><div class="buttons">'
        f'<button type="button" data-go="end">{labels["end"]}</button>'
        f'<button type="button" data-go="back">{labels["back"]}</button>'
        f'<button type="button" data-go="next">{labels["next"]}</button></div></section>'
    )
