"""How a picture that is drawn over looks: the start under its noise, every step, before and after."""

from __future__ import annotations

import io
from html import escape

import followed
from step_strips import player, still_html, strip_html

from common.diffusion.redraw import Redrawn, RedrawRequest, RedrawStep
from common.ui.components import percent
from common.ui.i18n import number, text

Shown = followed.Shown[RedrawRequest, RedrawStep, Redrawn]


def redrawn_html(lang: str, shown: Shown) -> str:
    """Before, the start, the steps, after; empty while there is no step."""
    if not shown.steps:
        return ""
    first = shown.steps[0]
    stills = [still_html(first.noisy, text(lang, "redraw.start", share=percent(first.noise_left, lang)))]
    if (done := shown.finished) is not None:
        stills.insert(0, still_html(done.original, text(lang, "noise.original")))
        stills.append(still_html(done.result, text(lang, "redraw.result"), "clean"))
    says = "".join(
        f'<p data-at="{place}"{" hidden" if place > 1 else ""}>{escape(_say(lang, step))}</p>'
        for place, step in enumerate(shown.steps, start=1)
    )
    strips = strip_html([step.noisy for step in shown.steps], text(lang, "noise.noisy"))
    strips += strip_html([step.guess for step in shown.steps], text(lang, "noise.guess"))
    inside = (
        f'<div class="opened"><div class="strips">{"".join(stills)}</div>'
        f'<section data-steps="{len(shown.steps)}"><h3>{escape(text(lang, "redraw.steps_title"))}</h3>'
        f'<div class="says">{says}</div><div class="strips">{strips}</div></section></div>'
    )
    return player(lang, shown.run, done is not None, len(shown.steps), inside)


def png(done: Redrawn) -> bytes:
    """The result as a file."""
    file = io.BytesIO()
    done.result.save(file, "PNG")
    return file.getvalue()


def _say(lang: str, step: RedrawStep) -> str:
    return text(
        lang,
        "guidance.say",
        step=number(lang, step.step),
        steps=number(lang, step.steps),
        share=percent(step.noise_left, lang),
    )
