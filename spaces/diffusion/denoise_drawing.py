"""The Denoising player as HTML: all steps of all runs in the page at once (see step_strips.py)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from denoise_look import Shown
from image_look import data_uri, hidden_html
from step_strips import player, strip_html

from common.diffusion.request import Pixels
from common.diffusion.trace import Trace
from common.ui.components import percent
from common.ui.i18n import number, text

_KINDS = ("noisy", "noise", "clean")
# The curve's box, in its own units.
_WIDE, _HIGH = 300, 70


def player_html(lang: str, shown: Shown) -> str:
    """The player; empty while there is no step."""
    begun = [(trace, name) for trace, name in zip(shown.traces, shown.named, strict=True) if trace.steps]
    if not begun:
        return ""
    longest = max(len(trace.steps) for trace, _ in begun)
    runs = "".join(_run(lang, shown, trace, name) for trace, name in begun)
    note = f'<p class="quiet">{escape(text(lang, "denoise.note"))}</p>'
    return player(lang, shown.run, shown.complete, longest, f'<div class="runs">{runs}</div>{note}')


def _run(lang: str, shown: Shown, trace: Trace, scheduler: str) -> str:
    request = trace.request
    about = {
        "seed": text(lang, "image.seed_is", seed=str(request.seed)),
        "guidance": f"{text(lang, 'field.guidance_scale')} {number(lang, request.guidance_scale, 1)}",
        "scheduler": scheduler,
        "none": request.prompt,
    }[shown.differs]
    says = "".join(_say(lang, trace, place) for place in range(len(trace.steps)))
    strips = "".join(_strip(lang, trace, kind) for kind in _KINDS)
    hidden = hidden_html(lang) if trace.hidden else ""
    return (
        f'<section data-steps="{len(trace.steps)}"><h4>{escape(about)}</h4>{hidden}<div class="says">{says}</div>'
        f'<div class="strips">{strips}{_result(lang, trace)}</div>{_curve(lang, trace)}</section>'
    )


def _say(lang: str, trace: Trace, place: int) -> str:
    step = trace.steps[place]
    said = text(
        lang,
        "denoise.say",
        step=number(lang, step.step),
        steps=number(lang, step.steps),
        timestep=number(lang, step.timestep),
        share=percent(step.noise_left, lang),
    )
    return f'<p data-at="{place + 1}"{" hidden" if place else ""}>{escape(said)}</p>'


def _strip(lang: str, trace: Trace, kind: str) -> str:
    frames: Sequence[Pixels] = [getattr(step, kind)[0] for step in trace.steps]
    return strip_html(frames, text(lang, f"denoise.{kind}"), kind)


def _result(lang: str, trace: Trace) -> str:
    label = escape(text(lang, "denoise.finished"))
    picture = "" if trace.image is None else f'<img src="{data_uri(trace.image)}" alt="{escape(trace.request.prompt)}">'
    return f'<figure class="outcome"><div class="frame">{picture}</div><figcaption>{label}</figcaption></figure>'


def _curve(lang: str, trace: Trace) -> str:
    """Share of noise over the steps, with a mark that the script moves."""
    steps = trace.steps[0].steps
    points = [
        (10 + place / max(steps - 1, 1) * (_WIDE - 20), 5 + (1 - step.noise_left) * (_HIGH - 10))
        for place, step in enumerate(trace.steps)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle data-dot="{place + 1}" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>' for place, (x, y) in enumerate(points)
    )
    label = escape(text(lang, "denoise.curve"))
    return (
        f'<figure class="curve idea-noise"><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{label}">'
        f'<polyline points="{line}"/>{dots}</svg><figcaption>{label}</figcaption></figure>'
    )
