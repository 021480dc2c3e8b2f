"""The Denoising player as HTML: all steps of all runs in the page at once; denoise-player.js shows one at a time.

The pictures of a kind are one long picture with the steps side by side, so that showing another step moves it and
nothing is loaded. Without the script the page shows the first step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import numpy as np
from denoise_look import Shown
from image_look import data_uri

from common.diffusion.request import Pixels
from common.diffusion.trace import Trace
from common.ui.components import percent
from common.ui.i18n import number, text

_KINDS = ("noisy", "noise", "clean")
# The signs on the buttons; fonts do not have all of them.
_SIGNS = {
    "first": "M1 3h2v14H1zM11 3v14l-7.5-7zM19 3v14l-7.5-7z",
    "back": "M17 3v14l-9-7zM3.5 3H6v14H3.5z",
    "play": "M5 3v14l11-7z",
    "pause": "M4 3h4v14H4zM12 3h4v14h-4z",
    "next": "M3 3v14l9-7zM14 3h2.5v14H14z",
    "last": "M17 3h2v14h-2zM9 3v14l7.5-7zM1 3v14l7.5-7z",
}
# The curve's box, in its own units.
_WIDE, _HIGH = 300, 70


def player_html(lang: str, shown: Shown) -> str:
    """The player; empty while there is no step."""
    begun = [(trace, name) for trace, name in zip(shown.traces, shown.named, strict=True) if trace.steps]
    if not begun:
        return ""
    longest = max(len(trace.steps) for trace, _ in begun)
    data = {
        "run": shown.run,
        "complete": shown.complete,
        "play": text(lang, "player.play"),
        "pause": text(lang, "player.pause"),
        "of": text(lang, "player.position", steps=number(lang, longest)).replace("#", "{}"),
        "steps": longest,
    }
    runs = "".join(_run(lang, shown, trace, name) for trace, name in begun)
    return (
        f'<div class="player denoised" data-trace="{escape(json.dumps(data, separators=(",", ":")))}">'
        f'{_controls(lang, longest)}<div class="runs">{runs}</div>'
        f'<p class="quiet">{escape(text(lang, "denoise.note"))}</p></div>'
    )


def _controls(lang: str, steps: int) -> str:
    def button(name: str) -> str:
        label, sign = escape(text(lang, f"player.{name}")), f'<path d="{_SIGNS[name]}"/>'
        if name == "play":
            sign = f'<path class="play" d="{_SIGNS["play"]}"/><path class="pause" d="{_SIGNS["pause"]}"/>'
        return (
            f'<button type="button" data-do="{name}" aria-label="{label}" title="{label}">'
            f'<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">{sign}</svg></button>'
        )

    return (
        f'<div class="controls" role="group" aria-label="{escape(text(lang, "player.controls"))}">'
        f"{''.join(map(button, ('first', 'back', 'play', 'next', 'last')))}"
        f'<input type="range" min="1" max="{steps}" step="1" value="1" '
        f'aria-label="{escape(text(lang, "player.step"))}"></div>'
    )


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
    return (
        f'<section data-steps="{len(trace.steps)}"><h4>{escape(about)}</h4><div class="says">{says}</div>'
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
    label = escape(text(lang, f"denoise.{kind}"))
    return (
        f'<figure class="{kind}"><div class="frame" role="img" aria-label="{label}" '
        f'style="background-image:url({data_uri(np.concatenate(frames, axis=1))});'
        f'background-size:{100 * len(frames)}% 100%"></div><figcaption>{label}</figcaption></figure>'
    )


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
