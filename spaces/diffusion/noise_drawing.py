"""How noising and its way back look: a player over both directions, the row on pixels, the curves of the schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import followed
from step_strips import player, still_html, strip_html

from common.diffusion.noise import Level, Noised, NoiseRequest, NoiseStep
from common.ui.components import meter_html
from common.ui.i18n import number, text

Shown = followed.Shown[NoiseRequest, NoiseStep, Noised]
# A chart's box, in its own units, and the room for its numbers.
_WIDE, _HIGH, _LEFT, _BOTTOM = 340, 150, 40, 32
# Points of a curve; one for each timestep would be a hundred times what can be seen.
_POINTS = 60
# Signal-to-noise ratios that are drawn, in dB.
_LOUDEST, _QUIETEST = 30.0, -25.0


def progress_html(lang: str, shown: Shown) -> str:
    """How far it is, and how long the rest will take."""
    step = shown.steps[-1]
    words = text(lang, "noise.working_back" if step.back else "noise.working_in")
    left = text(lang, "noise.left", seconds=number(lang, step.seconds_left, 1))
    return meter_html(step.done, f"{words} {left}", kind="noise")


def noised_html(lang: str, shown: Shown) -> str:
    """The player; empty while there is no step."""
    if not shown.steps:
        return ""
    done = shown.finished
    parts = [_both_ways(lang, shown)]
    if done is not None:
        parts += [_charts(lang, shown, done), _pixels(lang, done)]
    inside = f'<div class="opened">{"".join(parts)}</div>'
    return player(lang, shown.run, done is not None, len(shown.steps), inside, begin=1)


def _both_ways(lang: str, shown: Shown) -> str:
    says = "".join(
        f'<p data-at="{place}"{" hidden" if place > 1 else ""}>{escape(_say(lang, step))}</p>'
        for place, step in enumerate(shown.steps, start=1)
    )
    noisy = strip_html([step.noisy for step in shown.steps], text(lang, "noise.noisy"))
    guess = strip_html([step.guess for step in shown.steps], text(lang, "noise.guess"), "clean")
    still = ""
    if (done := shown.finished) is not None:
        named = (("original", done.original), ("kept", done.kept), ("result", done.result))
        still = "".join(still_html(picture, text(lang, f"noise.{name}")) for name, picture in named)
    return (
        f'<section data-steps="{len(shown.steps)}"><div class="says">{says}</div>'
        f'<div class="strips">{noisy}{guess}{still}</div></section>'
    )


def _say(lang: str, step: NoiseStep) -> str:
    return text(
        lang,
        "noise.say_back" if step.back else "noise.say_in",
        timestep=number(lang, step.level.timestep),
        signal=number(lang, step.level.signal, 2),
        noise=number(lang, step.level.noise, 2),
        ratio=number(lang, step.level.decibels, 1),
    )


def _pixels(lang: str, done: Noised) -> str:
    """Noise on the pixels themselves, as textbooks draw it."""
    row = "".join(
        still_html(picture, f"t = {number(lang, level.timestep)}: {number(lang, level.decibels, 1)} dB")
        for level, picture in done.pixels
    )
    return (
        f'<section data-steps="1"><h3>{escape(text(lang, "noise.pixels"))}</h3>'
        f'<p class="quiet">{escape(text(lang, "noise.pixels_about"))}</p><div class="strips">{row}</div></section>'
    )


def _charts(lang: str, shown: Shown, done: Noised) -> str:
    last = done.curve[-1].timestep
    chosen = [done.curve[round(place * last / (_POINTS - 1))] for place in range(_POINTS)]
    shares = _chart(
        lang,
        shown.steps,
        last,
        {"signal": ("prompt", lambda level: level.signal), "noise": ("noise", lambda level: level.noise)},
        chosen,
        (0.0, 1.0),
        (0.0, 0.5, 1.0),
        text(lang, "noise.curve"),
    )
    ratio = _chart(
        lang,
        shown.steps,
        last,
        {"ratio": ("attention", lambda level: level.decibels)},
        chosen,
        (_QUIETEST, _LOUDEST),
        (-20.0, 0.0, 20.0),
        text(lang, "noise.ratio"),
    )
    title = escape(text(lang, "noise.schedule"))
    return (
        f'<section data-steps="{len(shown.steps)}"><h3>{title}</h3>'
        f'<div class="beside charts">{shares}{ratio}</div></section>'
    )


def _chart(
    lang: str,
    steps: Sequence[NoiseStep],
    last: int,
    lines: dict[str, tuple[str, Callable[[Level], float]]],
    curve: Sequence[Level],
    span: tuple[float, float],
    ticks: Sequence[float],
    caption: str,
) -> str:
    """Lines over all timesteps, with a dot for each step of the player on each."""

    def across(level: Level) -> float:
        return _LEFT + (_WIDE - _LEFT - 10) * level.timestep / last

    def up(value: float) -> float:
        inside = min(max(value, span[0]), span[1])
        return 8 + (_HIGH - _BOTTOM - 8) * (1 - (inside - span[0]) / (span[1] - span[0]))

    parts = []
    for tick in ticks:
        said = number(lang, tick, 0 if float(tick).is_integer() else 1)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDE - 10}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{up(tick) + 4:.1f}" text-anchor="end">{said}</text>'
        )
    for tick in (0, last):
        at = _LEFT + (_WIDE - _LEFT - 10) * tick / last
        parts.append(f'<text x="{at:.0f}" y="{_HIGH - 14}" text-anchor="middle">{number(lang, tick)}</text>')
    axis = escape(text(lang, "noise.timestep"))
    parts.append(f'<text x="{(_WIDE + _LEFT) / 2:.0f}" y="{_HIGH - 4}" text-anchor="middle">{axis}</text>')
    for kind, value in lines.values():
        points = " ".join(f"{across(level):.1f},{up(value(level)):.1f}" for level in curve)
        dots = "".join(
            f'<circle data-dot="{place}" cx="{across(step.level):.1f}" cy="{up(value(step.level)):.1f}" r="2"/>'
            for place, step in enumerate(steps, start=1)
        )
        parts.append(f'<g class="idea-{kind}"><polyline points="{points}"/>{dots}</g>')
    legend = "".join(
        f'<span class="idea-{kind}"><i></i> {escape(text(lang, f"noise.line_{name}"))}</span>'
        for name, (kind, _) in lines.items()
    )
    return (
        f'<figure class="schedule"><figcaption>{escape(caption)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{escape(caption)}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )
