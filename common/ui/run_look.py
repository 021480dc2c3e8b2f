"""How a training run of any kind is listed and how it stands; each kind adds its figures. Texts are escaped here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from common.errors import from_json
from common.training.folder import Event
from common.training.runs import Run, seconds_left
from common.ui.components import figures_html, meter_html
from common.ui.i18n import error_text, number, text

_MOST_POINTS = 120
# Of the last event "step" and the last "eval", if there is one: (value, what it is).
Figures = Callable[[str, Event, Event | None], list[tuple[str, str]]]


def list_choices(lang: str, runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Names for a list of runs, with their state, and their ids."""
    return [(f"{run.config.name} · {text(lang, f'scratch.state_{run.state}')}", run.folder.id) for run in runs]


def run_state_html(lang: str, run: Run, figures: Figures) -> str:
    """Where a run stands: state, progress, its kind's key figures, and why it ended."""
    events = list(run.folder.events())
    last = next((event for event in reversed(events) if event["type"] == "step"), None)
    test = next((event for event in reversed(events) if event["type"] == "eval"), None)
    result = run.folder.read_json("result.json") or {}
    title = f"<h3>{escape(run.config.name)} · {escape(text(lang, f'scratch.state_{run.state}'))}</h3>"
    notes = ""
    if run.state == "waiting":
        wait = text(lang, "scratch.waiting", ahead=run.ahead, minutes=number(lang, run.wait_seconds / 60, 1))
        notes = f'<p class="note">{escape(wait)}</p>'
    elif run.state == "interrupted":
        notes = f'<p class="note">{escape(text(lang, "scratch.interrupted"))}</p>'
    elif run.state == "failed" and "error" in result:
        notes = f'<p class="problem">{escape(error_text(lang, from_json(result["error"])))}</p>'
    if last is None:
        begun = f'<p class="quiet">{escape(text(lang, "scratch.preparing"))}</p>' if run.state == "running" else ""
        return f'<div class="run">{title}{notes}{begun}</div>'
    steps = run.config.pace.steps
    done = last["step"] if run.state != "finished" else steps
    progress = text(lang, "scratch.progress", step=number(lang, done), steps=number(lang, steps))
    if run.state == "running":
        progress += " · " + text(lang, "scratch.left", time=clock(seconds_left(run)))
    meter = meter_html(done / steps, progress, kind="loss")
    return f'<div class="run">{title}{notes}{meter}{figures_html(figures(lang, last, test))}</div>'


def curve_points(events: Sequence[Event], kind: str, key: str) -> list[tuple[float, float]]:
    """(step, value), thinned evenly when there are many."""
    found = [
        (float(event["step"]), float(event[key]))
        for event in events
        if event["type"] == kind and event.get(key) is not None
    ]
    if len(found) <= _MOST_POINTS:
        return found
    return [found[round(at * (len(found) - 1) / (_MOST_POINTS - 1))] for at in range(_MOST_POINTS)]


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
