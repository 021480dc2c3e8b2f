"""Bar charts as tables: readable by eyes, by screen readers, on a phone and on a projector; nothing is fetched.

Labels are escaped here. Knows nothing about where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from common.ui.components import visible_whitespace


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: what it stands for; a token's white space is made visible.
        value: its length, from 0 up; bars are scaled to ``top`` of the chart.
        text: the value in words and units.
        kept: False draws it hollow and struck through (cut off by a filter).
        selected: drawn with a frame.
        kind: idea whose colour it takes.
        mark: a value to compare with, drawn as an upright line; None draws none.
    """

    label: str
    value: float
    text: str
    kept: bool = True
    selected: bool = False
    kind: str = "completion"
    mark: float | None = None


def bars_html(
    bars: Sequence[Bar], *, caption: str, top: float | None = None, clickable: bool = False, tokens: bool = True
) -> str:
    """A horizontal bar chart.

    Args:
        bars: from top to bottom.
        caption: one line that says what is drawn.
        top: the value of a full bar; the largest one by default. Give it to make charts comparable.
        tokens: labels are tokens, whose white space is made visible; otherwise they are words, which may wrap.
        clickable: labels become buttons that send ``select`` with their index (inside a ``token_strip``).
    """
    full = top or max((bar.value for bar in bars), default=0.0) or 1.0
    rows: list[str] = []
    for index, bar in enumerate(bars):
        classes = f"idea-{escape(bar.kind)}" + ("" if bar.kept else " cut") + (" selected" if bar.selected else "")
        label = escape(visible_whitespace(bar.label) if tokens else bar.label) or "∅"
        if clickable:
            label = f'<button type="button" data-i="{index}">{label}</button>'
        width = 100 * min(max(bar.value / full, 0.0), 1.0)
        mark = ""
        if bar.mark is not None:
            mark = f'<i style="--at:{min(max(bar.mark / full, 0.0), 1.0):.4f}"></i>'
        rows.append(
            f'<tr class="{classes}"><th scope="row">{label}</th>'
            f'<td class="bar"><div style="width:{width:.2f}%"></div>{mark}</td>'
            f'<td class="value">{escape(bar.text)}</td></tr>'
        )
    kind = "bars" if tokens else "bars words"
    return f'<table class="{kind}"><caption>{escape(caption)}</caption><tbody>{"".join(rows)}</tbody></table>'


@dataclass(frozen=True, slots=True)
class Row:
    """One row of ``grouped_bars_html``: its name, the length of its bar, and what the columns beside it say."""

    label: str
    value: float
    cells: tuple[str, ...]


def grouped_bars_html(groups: Mapping[str, Sequence[Row]], *, caption: str, headings: Sequence[str]) -> str:
    """A table of figures with a bar in every row, all on one scale, in groups with a title each.

    Args:
        groups: rows by the group's title, from top to bottom.
        caption: one line that says what is drawn.
        headings: of the columns: the rows' names, the bars, then one per cell.
    """
    full = max((row.value for rows in groups.values() for row in rows), default=0.0) or 1.0
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    bodies: list[str] = []
    for title, rows in groups.items():
        drawn = [f'<tr class="group"><th scope="rowgroup" colspan="{len(headings)}">{escape(title)}</th></tr>']
        for row in rows:
            cells = "".join(f'<td class="value">{escape(cell)}</td>' for cell in row.cells)
            bar = f'<td class="bar"><div style="width:{100 * row.value / full:.2f}%"></div></td>'
            drawn.append(f'<tr><th scope="row">{escape(row.label)}</th>{bar}{cells}</tr>')
        bodies.append(f"<tbody>{''.join(drawn)}</tbody>")
    table = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>{''.join(bodies)}"
    return f'<div class="scroll-x" tabindex="0"><table class="bars groups idea-prompt">{table}</table></div>'
