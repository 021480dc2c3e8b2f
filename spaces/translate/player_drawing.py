"""The step player as HTML: everything of every step, once; step-player.js shows one step at a time.

Without its script the page shows the first state. Tokens and texts are escaped here, and the data for the script is
JSON in an attribute, of numbers and texts that it never puts into the page as HTML.
"""

from __future__ import annotations

import base64
import json
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from player_look import Shown

from common.translation.pieces import Piece
from common.ui.components import percent, visible_whitespace
from common.ui.i18n import number, text
from common.ui.playback import controls_html, script_words
from common.ui.plots import Bar, bars_html

# Weights travel in thousandths: finer differences cannot be seen.
_PARTS = 1000
# Beyond this share of all numbers a vector's colour does not get stronger, so that a few large ones hide no others.
_FULL_COLOUR = 98


def player_html(lang: str, shown: Shown, at: int, layer: int, head: int) -> str:
    """The player.

    Args:
        at: the step to begin at: 0 is before the first, when only the encoder has run.
        layer, head: whose attention to show; they count from 1, and 0 is the mean.
    """
    if shown.encoding is None:
        return ""
    data = {
        "run": shown.run,
        "at": at,
        "complete": shown.complete,
        "width": shown.encoding.vectors.shape[1],
        "vectors": _strips(shown.encoding.vectors),
        "cross": [_thousandths(step.cross) for step in shown.steps],
        "own": [_thousandths(step.own) for step in shown.steps],
        "percent": "\u202f%" if lang in ("de", "fr") else "%",
        **script_words(lang, len(shown.steps)),
    }
    return (
        f'<div class="player" data-trace="{escape(json.dumps(data, separators=(",", ":")))}">'
        f"{_controls(lang, shown)}{_says(lang, shown)}"
        f'<div class="scene"><div>{_stage(lang, shown)}{_picks(lang, shown, layer, head)}{_legend(lang)}</div>'
        f"<div>{_choices(lang, shown)}{_times(lang, shown)}{_result(lang, shown)}</div></div></div>"
    )


def _controls(lang: str, shown: Shown) -> str:
    speeds = "".join(
        f'<option value="{speed}"{" selected" if speed == 1 else ""}>{number(lang, speed, 1 if speed < 1 else 0)} ×'
        "</option>"
        for speed in (0.5, 1, 2, 4)
    )
    speed = f"<label>{escape(text(lang, 'player.speed'))} <select data-speed>{speeds}</select></label>"
    return controls_html(lang, len(shown.steps), first=0, more=speed)


def _says(lang: str, shown: Shown) -> str:
    """One sentence per step, of which the script shows one."""
    encoding = shown.encoding
    assert encoding is not None  # noqa: S101 - player_html has looked
    first = text(
        lang,
        "player.say_encoder",
        tokens=number(lang, len(shown.pieces)),
        numbers=number(lang, encoding.vectors.shape[1]),
    )
    sentences = [first, *(_say(lang, shown, place) for place in range(len(shown.steps)))]
    said = "".join(
        f'<p data-at="{at}"{" hidden" if at else ""}>{escape(sentence)}</p>' for at, sentence in enumerate(sentences)
    )
    return f'<div class="says" aria-live="polite">{said}</div>'


def _say(lang: str, shown: Shown, place: int) -> str:
    step = shown.steps[place]
    chance = dict(step.candidates)
    words = {
        "step": number(lang, place + 1),
        "read": _label(shown.tokens.piece(step.read)) if place else text(lang, "player.start"),
        "token": _label(shown.tokens.piece(step.chosen)),
        "chance": percent(chance[step.chosen], lang),
    }
    if step.forced:
        best = _label(shown.tokens.piece(step.best))
        said = text(lang, "player.say_forced", best=best, best_chance=percent(chance[step.best], lang), **words)
    else:
        said = text(lang, "player.say", **words)
    if place == len(shown.steps) - 1 and shown.complete:
        said += " " + text(lang, "player.say_end" if shown.ended else "player.say_limit")
    return said


def _stage(lang: str, shown: Shown) -> str:
    """Encoder on the left, decoder on the right, room for the lines of attention between them."""
    sources = "".join(
        f'<li><canvas height="1" aria-hidden="true"></canvas>{_chip(lang, piece, "prompt")}</li>'
        for piece in shown.pieces
    )
    start = shown.tokens.piece(shown.steps[0].read) if shown.steps else None
    written = [start, *(shown.tokens.piece(step.chosen) for step in shown.steps)] if start else []
    forced = [False, *(step.forced for step in shown.steps)]
    targets = "".join(
        f'<li class="later{" forced" if by_hand else ""}">'
        f"{_chip(lang, piece, 'completion', text(lang, 'player.start') if at == 0 else '')}</li>"
        for at, (piece, by_hand) in enumerate(zip(written, forced, strict=bool(written)))
        if piece
    )
    encoder, decoder = escape(text(lang, "player.encoder")), escape(text(lang, "player.decoder"))
    return (
        f'<div class="board"><header><h4>{encoder}</h4><h4>{decoder}</h4></header>'
        f'<ol class="enc" tabindex="0" aria-label="{encoder}">{sources}</ol>'
        f'<div class="links idea-attention" aria-hidden="true"><svg></svg></div>'
        f'<ol class="dec" tabindex="0" aria-label="{decoder}">{targets}</ol></div>'
    )


def _chip(lang: str, piece: Piece, kind: str, name: str = "") -> str:
    label = name or _label(piece)
    title = text(lang, "player.unknown") if piece.unknown else f"id {piece.id}"
    classes = "chip" + (" special" if piece.control else "") + (" unknown" if piece.unknown else "")
    return f'<span class="{classes} idea-{kind}" title="{escape(title)}">{escape(label)}</span>'


def _picks(lang: str, shown: Shown, layer: int, head: int) -> str:
    """Whose attention is drawn: one layer or the mean of all, one head or the mean of all."""
    mean = escape(text(lang, "player.mean"))

    def pick(name: str, count: int, chosen: int) -> str:
        options = "".join(
            f'<option value="{value}"{" selected" if value == min(chosen, count) else ""}>'
            f"{number(lang, value) if value else mean}</option>"
            for value in range(count + 1)
        )
        label = escape(text(lang, f"player.{name}"))
        return f'<label>{label} <select data-pick="{name}">{options}</select></label>'

    return (
        f'<div class="picks">{escape(text(lang, "player.whose"))} '
        f"{pick('layer', shown.layers, layer) if shown.layers > 1 else ''}{pick('head', shown.heads, head)}</div>"
    )


def _legend(lang: str) -> str:
    return (
        f'<p class="quiet legend"><span><i class="swatch minus"></i><i class="swatch plus"></i> '
        f"{escape(text(lang, 'player.legend_vectors'))}</span>"
        f'<span><i class="swatch cross"></i> {escape(text(lang, "player.legend_cross"))}</span>'
        f'<span><i class="swatch own"></i> {escape(text(lang, "player.legend_own"))}</span></p>'
    )


def _choices(lang: str, shown: Shown) -> str:
    """The softmax of every step, of which the script shows one; a click on a token forces it."""
    parts = [f'<section data-at="0"><p class="quiet">{escape(text(lang, "player.nothing_yet"))}</p></section>']
    for place, step in enumerate(shown.steps):
        bars = [
            Bar(
                _label(shown.tokens.piece(token)),
                chance,
                percent(chance, lang),
                selected=token == step.chosen,
                kind="completion",
            )
            for token, chance in step.candidates
        ]
        caption = text(lang, "player.choices", step=number(lang, place + 1))
        back = ""
        if step.forced:
            back = f'<button type="button" class="back" data-release>{escape(text(lang, "player.release"))}</button>'
        parts.append(
            f'<section data-at="{place + 1}" hidden>{bars_html(bars, caption=caption, top=1.0, clickable=True)}{back}'
            "</section>"
        )
    return f'<div class="choices">{"".join(parts)}</div>'


def _times(lang: str, shown: Shown) -> str:
    """What is computed once and what at every step, as one bar of time."""
    encoding = shown.encoding
    assert encoding is not None  # noqa: S101 - player_html has looked
    once = [
        ("prompt", encoding.encoder_seconds, text(lang, "player.time_encoder")),
        ("attention", encoding.memory_seconds, text(lang, "player.time_memory")),
    ]
    steps = [
        ("completion", step.seconds, text(lang, "player.time_step", step=number(lang, place + 1)))
        for place, step in enumerate(shown.steps)
    ]
    bars = "".join(
        f'<i class="idea-{kind}" style="flex:{seconds * 1000:.3f}" title="{escape(f"{name}: {_time(lang, seconds)}")}"'
        f"{f' data-step={place - 1}' if place > 1 else ''}></i>"
        for place, (kind, seconds, name) in enumerate([*once, *steps])
    )
    rows = "".join(
        f'<tr class="idea-{kind}"><th scope="row"><i class="swatch"></i>{escape(name)}</th>'
        f"<td>{escape(_time(lang, seconds))}</td></tr>"
        for kind, seconds, name in once
    )
    mean = sum(seconds for _, seconds, _ in steps) / len(steps) if steps else 0.0
    average = escape(text(lang, "player.time_each", steps=number(lang, len(steps))))
    rows += (
        f'<tr class="idea-completion"><th scope="row"><i class="swatch"></i>{average}</th>'
        f"<td>{escape(_time(lang, mean))}</td></tr>"
    )
    this = "".join(
        f'<span data-at="{place + 1}" hidden>{escape(f"{name}: {_time(lang, seconds)}")}</span>'
        for place, (_, seconds, name) in enumerate(steps)
    )
    return (
        f'<div class="times"><h4>{escape(text(lang, "player.times"))}</h4>'
        f'<div class="timeline" aria-hidden="true">{bars}</div><table>{rows}</table><p class="quiet">{this}</p>'
        f'<p class="quiet">{escape(text(lang, "player.cache"))}</p></div>'
    )


def _result(lang: str, shown: Shown) -> str:
    """The whole translation, and the model's own beside it when a token was forced; shown at the last step."""
    name = "player.result_forced" if shown.forced else "player.result"
    lines = [f"<p><b>{escape(text(lang, name))}</b> {escape(shown.text)}</p>"]
    if shown.usual and shown.forced:
        lines.append(f"<p><b>{escape(text(lang, 'player.result'))}</b> {escape(shown.usual)}</p>")
    return f'<div class="result verdict">{"".join(lines)}</div>'


def _label(piece: Piece) -> str:
    """A token as drawn: the space in front is a dot, as everywhere on these pages."""
    return visible_whitespace(piece.text) or "∅"


def _time(lang: str, seconds: float) -> str:
    return f"{number(lang, 1000 * seconds, 1)} ms"


def _strips(vectors: NDArray[np.float32]) -> str:
    """The vectors (S, d) as one signed byte per number, in base64, row by row."""
    full = float(np.percentile(np.abs(vectors), _FULL_COLOUR)) or 1.0
    scaled = np.rint(127 * np.clip(vectors / full, -1, 1)).astype(np.int8)
    return base64.b64encode(scaled.tobytes()).decode()


def _thousandths(weights: NDArray[np.float32]) -> list[Any]:
    found: list[Any] = np.rint(_PARTS * weights).astype(int).tolist()
    return found
