"""How the Align tab draws the chosen pairs and how far preferred answers are ahead. Texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from common.training.folder import Event
from common.training.pairs import FEWEST, Pair
from common.ui.i18n import number, text
from common.ui.linechart import Line, lines_html

_SHOWN = 4
_SHOWN_CHARACTERS = 240


def pairs_html(lang: str, pairs: Sequence[Pair]) -> str:
    """How many choices there are and how many are still wanted; the newest ones."""
    key = "prefer.enough" if len(pairs) >= FEWEST else "prefer.more"
    words = text(lang, key, count=number(lang, len(pairs)), fewest=FEWEST)
    shown = "".join(_pair(lang, pair) for pair in reversed(pairs[-_SHOWN:]))
    return f'<p>{escape(words)}</p><div class="panels">{shown}</div>'


def _pair(lang: str, pair: Pair) -> str:
    answers = "".join(
        f'<p class="turn idea-{kind}"><small>{escape(text(lang, key))}</small>{escape(_short(said))}</p>'
        for kind, key, said in (
            ("completion", "prefer.preferred", pair.chosen),
            ("prompt", "prefer.other", pair.rejected),
        )
    )
    return f'<div class="panel"><h4>{escape(_short(pair.question))}</h4>{answers}</div>'


def _short(words: str) -> str:
    return words if len(words) <= _SHOWN_CHARACTERS else words[:_SHOWN_CHARACTERS] + "…"


def margin_html(lang: str, events: Sequence[Event]) -> str:
    """The reward margin by step, of the pairs learned from and of those held out; below zero the other one is ahead."""
    lines = []
    for kind, key, colour in (("step", "prefer.margin_learned", "loss"), ("eval", "prefer.margin_test", "completion")):
        points = [
            (float(event["step"]), float(event["margin"]))
            for event in events
            if event["type"] == kind and "margin" in event
        ]
        if len(points) > 1:
            lines.append(Line(text(lang, key), points, colour))
    if not lines:
        return ""
    margins = [y for line in lines for _, y in line.points]
    chart = lines_html(
        lang,
        lines,
        caption=text(lang, "prefer.margin"),
        x_name=text(lang, "scratch.step"),
        top=1.05 * max(0.1, *margins),
        bottom=1.05 * min(0.0, *margins),
        digits=2,
        markers=False,
    )
    return f'<p class="quiet">{escape(text(lang, "prefer.margin_about"))}</p>{chart}'
