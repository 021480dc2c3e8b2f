"""How the sampling lab draws a sweep: progress, the measures of every row, their chart, and the texts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from html import escape

from common.text.sweep import BEAMS, Cell, Measures, Progress, by_temperature, measure
from common.ui.components import figures_html, meter_html
from common.ui.i18n import error_text, number, text
from common.ui.linechart import Line, lines_html


def running_html(lang: str, cells: Sequence[Cell], progress: Progress | None) -> str:
    """A sweep that is being written: how far it is, and the texts so far. Half texts are not measured."""
    texts = "".join(_texts_html(lang, row, running=True) for row in _rows(cells))
    return _progress_html(lang, progress) + texts


def finished_html(lang: str, cells: Sequence[Cell], progress: Progress | None, can_beam: bool) -> str:
    """A sweep that has ended or was stopped: key figures, measures, and the texts.

    Args:
        lang: language of everything but the texts.
        cells: the texts, in the order of ``plan``.
        progress: the last state; None when it was stopped before there was any.
        can_beam: False says in the table that the engine has no beam search.
    """
    texts = "".join(_texts_html(lang, row, running=False) for row in _rows(cells))
    return _figures(lang, progress) + _table(lang, cells, can_beam) + _chart(lang, cells) + texts


def _rows(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells by how their tokens were chosen."""
    rows: dict[tuple[str, float], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.kind, cell.sampling.temperature), []).append(cell)
    return list(rows.values())


def _name(lang: str, cell: Cell, short: bool = False) -> str:
    """How a cell's tokens were chosen; in one or two words for a table on a phone."""
    if cell.kind == "greedy":
        return text(lang, "sampling.short_greedy" if short else "sampling.sweep_greedy")
    if cell.kind == "beam":
        return text(lang, "sampling.short_beam") if short else text(lang, "sampling.sweep_beam", n=BEAMS)
    value = cell.sampling.temperature
    return f"T = {number(lang, value, 1 if round(value, 1) == value else 2)}"


def _progress_html(lang: str, progress: Progress | None) -> str:
    if progress is None:
        return meter_html(0, text(lang, "sampling.sweep_starting"), kind="completion")
    said = text(
        lang,
        "sampling.sweep_progress",
        done=number(lang, progress.done),
        total=number(lang, progress.total),
        tokens=number(lang, progress.tokens),
    )
    if progress.seconds_left is not None:
        speed, left = number(lang, progress.tokens_per_second), number(lang, max(progress.seconds_left, 1))
        said += f" · {text(lang, 'sampling.sweep_left', speed=speed, seconds=left)}"
    if progress.waiting:
        said += f" · {text(lang, 'sampling.sweep_waiting', n=number(lang, progress.waiting))}"
    part = progress.seconds / (progress.seconds + progress.seconds_left) if progress.seconds_left is not None else 0
    return meter_html(part, said, kind="completion")


def _figures(lang: str, progress: Progress | None) -> str:
    if progress is None:
        return ""
    finished = f"{number(lang, progress.done)} / {number(lang, progress.total)}"
    return figures_html(
        [
            (finished, text(lang, "sampling.sweep_finished")),
            (number(lang, progress.tokens), text(lang, "completion.length")),
            (f"{number(lang, progress.seconds, 1)} s", text(lang, "sampling.sweep_seconds")),
            (number(lang, progress.tokens_per_second), text(lang, "sampling.sweep_speed")),
        ]
    )


def _table(lang: str, cells: Sequence[Cell], can_beam: bool) -> str:
    """The measures, one line for each row of texts."""
    lines = []
    for row in _rows(cells):
        texts = [cell.text for cell in row if cell.text]
        found = astuple(measure(texts)) if texts else (None,) * 4
        values = "".join(f"<td>{'–' if value is None else number(lang, value, 2)}</td>" for value in found)
        lines.append(f'<tr><th scope="row">{escape(_name(lang, row[0], short=True))}</th>{values}</tr>')
    if not can_beam:
        beam, why = text(lang, "sampling.short_beam"), text(lang, "sampling.sweep_no_beam")
        lines.append(f'<tr><th scope="row">{escape(beam)}</th><td colspan="4">{escape(why)}</td></tr>')
    names = (text(lang, f"sampling.short_{field.name}") for field in fields(Measures))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    explained = "".join(f"<p>{escape(text(lang, f'sampling.about_{n}'))}</p>" for n in range(1, 4))
    return (
        f'<h4>{escape(text(lang, "sampling.sweep_table"))}</h4><div class="scroll-x" tabindex="0"><table class="work">'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        f'<details class="quiet"><summary>{escape(text(lang, "sampling.about"))}</summary>{explained}</details>'
    )


def _chart(lang: str, cells: Sequence[Cell]) -> str:
    """Diversity and repetition over the temperature, once there are two rows to compare."""
    rows = by_temperature(cells)
    if len(rows) < 2:
        return ""
    likeness = [(t, found.self_bleu) for t, found in rows.items() if found.self_bleu is not None]
    lines = [
        Line(text(lang, "sampling.distinct_2"), [(t, found.distinct_2) for t, found in rows.items()], "completion"),
        Line(text(lang, "sampling.repetition"), [(t, found.repetition) for t, found in rows.items()], "attention"),
        *([Line(text(lang, "sampling.self_bleu"), likeness, "prompt")] if likeness else []),
    ]
    caption, x_name = text(lang, "sampling.sweep_chart"), text(lang, "sampling.temperature")
    return lines_html(lang, lines, caption=caption, x_name=x_name)


def _texts_html(lang: str, cells: Sequence[Cell], running: bool) -> str:
    """The texts of a row next to each other; a phone scrolls through them sideways."""
    cards = []
    for cell in cells:
        facts = [text(lang, "sampling.sweep_tokens", n=number(lang, cell.tokens))]
        if cell.kind == "sample":
            facts.insert(0, text(lang, "sampling.sweep_seed", n=cell.sampling.seed))
        if not running and not cell.done:
            facts.append(text(lang, "chat.stopped"))
        said = escape(cell.text.strip())
        if cell.problem is not None:
            said += f'<em class="problem">{escape(error_text(lang, cell.problem))}</em>'
        cards.append(f"<article><small>{escape(' · '.join(facts))}</small><p>{said or '…'}</p></article>")
    return f'<h4>{escape(_name(lang, cells[0]))}</h4><div class="texts scroll-x" tabindex="0">{"".join(cards)}</div>'
