"""How a grid of pictures looks: a table with the values of both knobs at its edges, filled as pictures come."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from image_look import data_uri, hidden_html

from common.diffusion import schedulers
from common.diffusion.grid import Axis, Drawn, Value
from common.diffusion.request import ImageRequest
from common.ui.components import meter_html
from common.ui.i18n import number, text


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows, in no language.

    Attributes:
        base: the request that the knobs are turned in.
        seconds: how long all of it was expected to take; 0 while that is not known.
    """

    base: ImageRequest
    across: Axis
    down: Axis
    drawn: tuple[Drawn, ...] = ()
    seconds: float = 0.0
    stopped: bool = False

    @property
    def pictures(self) -> int:
        """How many there will be."""
        return len(self.across.values) * len(self.down.values)


def progress_html(lang: str, shown: Shown) -> str:
    """How many pictures are there, and what to expect or to know."""
    done = text(lang, "grid.done", n=number(lang, len(shown.drawn)), all=number(lang, shown.pictures))
    notes = ""
    if any(one.hidden for one in shown.drawn):
        notes = hidden_html(lang)
    if len(shown.drawn) == shown.pictures:
        return f'<p class="quiet">{escape(done)}</p>{notes}'
    if shown.stopped:
        done = f"{done} {text(lang, 'grid.stopped')}"
    elif shown.seconds:
        done = f"{done} {text(lang, 'grid.expected', seconds=number(lang, shown.seconds, 1))}"
    return meter_html(len(shown.drawn) / shown.pictures, done, kind="noise") + notes


def labels(lang: str, axis: Axis) -> list[str]:
    """What stands at the edge for every value."""
    return [_label(lang, axis.knob, value) for value in axis.values]


def grid_html(lang: str, shown: Shown) -> str:
    """The table; wide ones scroll inside their frame."""
    across, down = labels(lang, shown.across), labels(lang, shown.down)
    by_place = {(one.cell.row, one.cell.column): one for one in shown.drawn}
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in across)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        f"{''.join(_cell(by_place.get((row, column))) for column in range(len(across)))}</tr>"
        for row, label in enumerate(down)
    )
    name = text(lang, "grid.caption", prompt=shown.base.prompt, size=str(shown.base.size))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}"><table class="pictures">'
        f"<caption>{escape(name)}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(one: Drawn | None) -> str:
    if one is None:
        return '<td><div class="empty"></div></td>'
    return f'<td><img src="{data_uri(one.image)}" alt="{escape(one.cell.request.prompt)}"></td>'


def _label(lang: str, knob: str, value: Value) -> str:
    if knob == "scheduler":
        return schedulers.TITLES.get(str(value)) or text(lang, "image.scheduler_own")
    if knob == "word":
        return f"“{value}”"
    said = str(value) if knob == "seed" else number(lang, float(value), 0 if float(value).is_integer() else 1)
    return f"{text(lang, f'grid.short_{knob}')} {said}"
