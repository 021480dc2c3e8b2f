"""The buttons and the slider that play steps: to the beginning, back, play or pause, on, to the end, and anywhere."""

from __future__ import annotations

from html import escape
from pathlib import Path

from common.ui.i18n import number, text

# The signs on the buttons; fonts do not have all of them.
_SIGNS = {
    "first": "M1 3h2v14H1zM11 3v14l-7.5-7zM19 3v14l-7.5-7z",
    "back": "M17 3v14l-9-7zM3.5 3H6v14H3.5z",
    "play": "M5 3v14l11-7z",
    "pause": "M4 3h4v14H4zM12 3h4v14h-4z",
    "next": "M3 3v14l9-7zM14 3h2.5v14H14z",
    "last": "M17 3h2v14h-2zM9 3v14l7.5-7zM1 3v14l7.5-7z",
}


def head() -> str:
    """For the head of every page: ``window.playback`` (playback.js), which the players' scripts call."""
    return f"<script>{Path(__file__).with_name('playback.js').read_text(encoding='utf-8')}</script>"


def script_words(lang: str, last: int) -> dict[str, str]:
    """What ``window.playback`` calls the buttons and the place of the slider, of which ``last`` is the last step."""
    position = text(lang, "player.position", steps=number(lang, last)).replace("#", "{}")
    return {"play": text(lang, "player.play"), "pause": text(lang, "player.pause"), "of": position}


def controls_html(lang: str, last: int, first: int = 1, more: str = "") -> str:
    """Buttons with ``data-do`` and a slider from ``first`` to ``last``, for ``window.playback``.

    Args:
        more: HTML of the player's own, behind the slider.
    """

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
        f'<input type="range" min="{first}" max="{last}" step="1" value="{first}" '
        f'aria-label="{escape(text(lang, "player.step"))}">{more}</div>'
    )
