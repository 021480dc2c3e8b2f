"""Recorded runs as HTML: each part a section, all of its steps in the page; recorded-player.js shows one at a time.

What changes from step to step is numbers and texts as JSON in an attribute, which the script never puts into the page
as HTML. Knows nothing about models.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from typing import Any

from common.recordings.recording import (
    FOLDER,
    AttentionPart,
    Candidate,
    Part,
    PicturesPart,
    Recording,
    TextPart,
    TrainingPart,
    TranslationPart,
)
from common.ui.components import percent, visible_whitespace
from common.ui.i18n import number, text
from common.ui.playback import controls_html, script_words

# How long a step stays, in ms: what has to be read longer than what is only looked at.
_PACE = {"text": 250, "attention": 1000, "translation": 1400, "training": 300, "pictures": 350}
# A prompt up to this length, in characters, stands there; a longer one is folded away.
_SHORT = 240
_BARS = 5
_TYPES = {"webp": "image/webp", "png": "image/png"}
# The curve's box, in its own units.
_WIDE, _HIGH, _LEFT, _BELOW = 340, 150, 34, 18


def dialog_html(lang: str, recording: Recording) -> str:
    """A dialog that plays a recorded run and says when and with which model it was made."""
    title, close = escape(text(lang, f"{recording.tab}.tab")), escape(text(lang, "link.close"))
    steps = max(map(_steps, recording.parts))
    data = {
        **script_words(lang, steps),
        "steps": steps,
        "pace": max(_PACE[part.kind] for part in recording.parts),
        "lang": lang,
    }
    parts = "".join(_DRAW[part.kind](lang, part) for part in recording.parts)
    return (
        f'<dialog class="recorded" data-run="{escape(recording.tab)}" lang="{escape(lang)}" '
        f'aria-label="{title}"><header><h2>{title}</h2><form method="dialog"><button type="submit">{close}'
        f'</button></form></header><p class="made"><b>{escape(text(lang, "recorded.sign"))}</b> '
        f"{escape(made(lang, recording))}. {escape(text(lang, 'recorded.nothing'))}</p>"
        f'<div class="player denoised" data-trace="{_json(data)}">{controls_html(lang, steps)}'
        f'<div class="runs">{parts}</div></div></dialog>'
    )


def made(lang: str, recording: Recording) -> str:
    """When and with what a recording was made."""
    models = ", ".join(recording.models) or text(lang, "recorded.own_model")
    return " · ".join((recording.made, models, recording.machine))


def _steps(part: Part) -> int:
    if isinstance(part, TextPart | AttentionPart):
        return len(part.tokens)
    if isinstance(part, TranslationPart):
        return len(part.steps)
    return len(part.points) if isinstance(part, TrainingPart) else len(part.noise_left)


def _section(part: Part, heading: str, inside: str, **play: Any) -> str:
    """A part: what the script changes at each step is in ``play``, one entry for each step in every list."""
    return f'<section data-steps="{_steps(part)}" data-play="{_json(play)}"><h3>{heading}</h3>{inside}</section>'


def _text(lang: str, part: TextPart) -> str:
    sampling = part.request["sampling"]
    settings = text(
        lang,
        "recorded.settings",
        temperature=number(lang, sampling.get("temperature", 0.7), 1),
        tokens=number(lang, len(part.tokens)),
    )
    label = " · ".join(text(lang, key) for key in part.label.split())
    prompt = f'<pre class="prompt" tabindex="0">{escape(part.prompt)}</pre>'
    if len(part.prompt) > _SHORT:
        prompt = f"<details><summary>{escape(text(lang, 'recorded.prompt'))}</summary>{prompt}</details>"
    else:
        prompt = f'<p class="quiet">{escape(text(lang, "recorded.prompt"))}</p>{prompt}'
    written = _chips([(token.text, token.special) for token in part.tokens], "completion", grows=True)
    return _section(
        part,
        escape(f"{label} · {settings}" if label else settings),
        f"{prompt}{written}{_bars(lang)}",
        bars=[_rows(token.candidates) for token in part.tokens],
        chosen=[visible_whitespace(token.text) for token in part.tokens],
    )


def _attention(lang: str, part: AttentionPart) -> str:
    heading = text(lang, "recorded.head", layer=number(lang, part.layer + 1), head=number(lang, part.head + 1))
    note = f'<p class="quiet">{escape(text(lang, "recorded.looks"))}</p>'
    looked = _chips([(token, False) for token in part.tokens], "attention", heated=True)
    return _section(part, escape(heading), f"{looked}{note}", heat=part.weights, at="heated")


def _translation(lang: str, part: TranslationPart) -> str:
    pair = f"{text(lang, f'language.{part.source}')} → {text(lang, f'language.{part.target}')}"
    source = _chips([(piece, False) for piece in part.pieces], "attention", heated=True)
    written = _chips([(step.text, False) for step in part.steps], "completion", grows=True)
    note = f'<p class="quiet">{escape(text(lang, "recorded.source"))}</p>'
    return _section(
        part,
        f"{escape(part.sentence)} <small>{escape(pair)}</small>",
        f"{note}{source}{written}{_bars(lang)}",
        heat=[step.cross for step in part.steps],
        bars=[_rows(step.candidates) for step in part.steps],
        chosen=[visible_whitespace(step.text) for step in part.steps],
    )


def _training(lang: str, part: TrainingPart) -> str:
    says, held = [], None
    for point in part.points:
        held = held if point.held_out is None else point.held_out
        said = text(lang, "recorded.point", step=number(lang, point.step), loss=number(lang, point.loss, 2))
        if held is not None:
            said += text(lang, "recorded.held_out", loss=number(lang, held, 2))
        says.append(said)
    minutes, seconds = divmod(round(part.seconds), 60)
    heading = text(
        lang, "recorded.learned", data=text(lang, part.data), steps=number(lang, part.points[-1].step),
        time=f"{minutes}:{seconds:02d}",
    )  # fmt: skip
    places = [point.step for point in part.points]
    cards = ""
    for sample in part.samples:
        when = text(lang, "recorded.wrote", step=number(lang, sample.step), loss=number(lang, sample.loss, 2))
        since = sum(place <= sample.step for place in places) or 1
        cards += (
            f'<div class="panel" data-from="{since}"><h4>{escape(when)}</h4>'
            f'<pre class="excerpt" tabindex="0">{escape(sample.text)}</pre></div>'
        )
    inside = f'<p class="say"></p>{_curve(lang, part)}<div class="samples">{cards}</div>'
    return _section(part, escape(heading), inside, says=says)


def _curve(lang: str, part: TrainingPart) -> str:
    """The loss by step, as a line that the script uncovers, with dots for the held-out text."""
    top = max(point.loss for point in part.points) * 1.05
    last = part.points[-1].step

    def place(step: int, loss: float) -> tuple[float, float]:
        across = _LEFT + (_WIDE - _LEFT - 8) * step / last
        return across, 6 + (_HIGH - _BELOW - 6) * (1 - loss / top)

    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDE - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{number(lang, loss, 1)}</text>'
        for loss in (0, top / 2, top)
        for y in (place(0, loss)[1],)
    )
    marks, before = "", place(part.points[0].step, part.points[0].loss)
    for number_, point in enumerate(part.points, 1):
        x, y = place(point.step, point.loss)
        marks += f'<g data-from="{number_}"><line class="loss" x1="{before[0]:.1f}" y1="{before[1]:.1f}" '
        marks += f'x2="{x:.1f}" y2="{y:.1f}"/>'
        if point.held_out is not None:
            marks += f'<circle cx="{x:.1f}" cy="{place(0, point.held_out)[1]:.1f}" r="3"/>'
        marks, before = marks + "</g>", (x, y)
    label = escape(text(lang, "recorded.curve"))
    end = f'<text x="{_WIDE - 8}" y="{_HIGH - 3}" text-anchor="end">{number(lang, last)}</text>'
    return (
        f'<figure class="losses"><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{label}">{grid}{marks}{end}'
        f"</svg><figcaption>{label}</figcaption></figure>"
    )


def _pictures(lang: str, part: PicturesPart) -> str:
    count = len(part.noise_left)
    says = [
        text(lang, "recorded.drawn", step=number(lang, place), steps=number(lang, count), share=percent(share, lang))
        for place, share in enumerate(part.noise_left, 1)
    ]
    strips = "".join(
        f'<figure><div class="frame strip" role="img" aria-label="{escape(text(lang, strip.label))}" '
        f'style="background-image:url({_uri(strip.file)});background-size:{100 * count}% 100%"></div>'
        f"<figcaption>{escape(text(lang, strip.label))}</figcaption></figure>"
        for strip in part.strips
    )
    finished = escape(text(lang, "denoise.finished"))
    strips += (
        f'<figure><div class="frame"><img src="{_uri(part.result)}" alt="{escape(part.prompt)}"></div>'
        f"<figcaption>{finished}</figcaption></figure>"
    )
    scale = part.settings.get("guidance_scale", part.settings.get("scale"))
    settings = [text(lang, "guidance.scale", scale=number(lang, scale, 1))] if scale is not None else []
    settings.append(text(lang, "image.seed_is", seed=str(part.settings["seed"])))
    label = "".join(f"{text(lang, key)} · " for key in part.label.split())
    heading = f"{escape(label + part.prompt)} <small>{escape(' · '.join(settings))}</small>"
    return _section(part, heading, f'<p class="say"></p><div class="strips">{strips}</div>', says=says)


_DRAW: dict[str, Any] = {
    "text": _text,
    "attention": _attention,
    "translation": _translation,
    "training": _training,
    "pictures": _pictures,
}


def _chips(tokens: Sequence[tuple[str, bool]], kind: str, *, grows: bool = False, heated: bool = False) -> str:
    """Tokens; those of a text that grows appear one after another, heated ones are shaded by the step's weights."""
    parts = []
    for place, (token, special) in enumerate(tokens, 1):
        appears = f' data-from="{place}"' if grows else ""
        classes = "chip special" if special else f"chip idea-{kind}"
        parts.append(f'<span class="{classes}"{appears}>{escape(visible_whitespace(token)) or "∅"}</span>')
        parts += ["<br>"] * min(token.count("\n"), 2) if grows else []
    return f'<div class="chips{" heated" if heated else ""}">{"".join(parts)}</div>'


def _bars(lang: str) -> str:
    """An empty chart that the script fills with the step's candidates."""
    rows = (
        '<tr class="idea-completion"><th scope="row"></th><td class="bar"><div></div></td><td class="value"></td></tr>'
    )
    caption = escape(text(lang, "recorded.next"))
    return f'<table class="bars"><caption>{caption}</caption><tbody>{rows * _BARS}</tbody></table>'


def _rows(candidates: Sequence[Candidate]) -> list[tuple[str, float]]:
    return [(visible_whitespace(one.text) or "∅", one.probability) for one in candidates[:_BARS]]


def _uri(name: str) -> str:
    path = FOLDER / name
    kind = _TYPES[path.suffix[1:]]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _json(data: Any) -> str:
    return escape(json.dumps(data, separators=(",", ":"), ensure_ascii=False))
