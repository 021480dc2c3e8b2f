"""How an opened run looks: three players in one, for the two predictions, the scales, and the words."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import followed
from image_look import data_uri
from step_strips import player, strip_html

from common.diffusion.guidance import MOST_WORDS, GuidanceRequest, Guided, GuidedStep
from common.diffusion.request import Pixels
from common.ui.components import percent
from common.ui.i18n import number, text

Shown = followed.Shown[GuidanceRequest, GuidedStep, Guided]


def opened_html(lang: str, shown: Shown) -> str:
    """The player; empty while there is no step."""
    if not shown.steps:
        return ""
    parts = (_predictions(lang, shown), _scales(lang, shown), _words(lang, shown))
    # The first step is shown first, where the prompt changes most.
    inside = f'<div class="opened">{"".join(parts)}</div>'
    return player(lang, shown.run, shown.finished is not None, len(shown.steps), inside, begin=1)


def _section(lang: str, shown: Shown, key: str, says: str, strips: str, **values: str) -> str:
    title, about = text(lang, f"guidance.{key}", **values), text(lang, f"guidance.{key}_about", **values)
    return (
        f'<section data-steps="{len(shown.steps)}"><h3>{escape(title)}</h3>{says}'
        f'<p class="quiet">{escape(about)}</p><div class="strips">{strips}</div></section>'
    )


def _at(shown: Shown, say: Callable[[GuidedStep], str], tag: str = "p") -> str:
    """Words for every step, of which the script shows those of one."""
    return "".join(
        f'<{tag} data-at="{place}"{" hidden" if place > 1 else ""}>{escape(say(step))}</{tag}>'
        for place, step in enumerate(shown.steps, start=1)
    )


def _predictions(lang: str, shown: Shown) -> str:
    """The two predictions of the scale that was asked for, and what is made of them."""
    scale = _scale(lang, shown.request.scale)

    def say(step: GuidedStep) -> str:
        return text(
            lang,
            "guidance.say",
            step=number(lang, step.step),
            steps=number(lang, step.steps),
            share=percent(step.noise_left, lang),
        )

    frames: dict[str, list[Pixels]] = {
        "unconditional": [step.unconditional for step in shown.steps],
        "conditional": [step.conditional for step in shown.steps],
        "difference": [step.difference for step in shown.steps],
        "guided": [step.guided[0] for step in shown.steps],
    }
    strips = "".join(
        strip_html(pictures, text(lang, f"guidance.{kind}", scale=scale), "clean" if kind == "guided" else "")
        for kind, pictures in frames.items()
    )
    says = f'<div class="says">{_at(shown, say)}</div>'
    return _section(lang, shown, "made", says, strips, scale=scale)


def _scales(lang: str, shown: Shown) -> str:
    """The same noise at other scales, from none to far too much, and below each the finished picture."""
    parts = []
    for scale, place in sorted((scale, place) for place, scale in enumerate(shown.request.scales)):
        label = text(lang, "guidance.scale", scale=_scale(lang, scale))
        end = ""
        if shown.finished is not None:
            end = f'<img src="{data_uri(shown.finished.images[place])}" alt="{escape(label)}">'
        asked = "clean" if place == 0 else ""
        figure = strip_html([step.guided[place] for step in shown.steps], label, asked)
        parts.append(f'<div class="scale">{figure}<div class="end">{end}</div></div>')
    return _section(lang, shown, "scales", "", "".join(parts))


def _scale(lang: str, scale: float) -> str:
    return number(lang, scale, 0 if float(scale).is_integer() else 1)


def _words(lang: str, shown: Shown) -> str:
    """For every word, the picture lit where it is looked at."""
    strips = "".join(
        strip_html(
            [step.looks[place] for step in shown.steps],
            f"“{word.text}”",
            "word",
            " " + _shares(lang, shown, place),
        )
        for place, word in enumerate(shown.steps[0].words)
    )
    return _section(lang, shown, "looks", "", strips, most=str(MOST_WORDS))


def _shares(lang: str, shown: Shown, place: int) -> str:
    """How much of all attention a word gets, at every step."""
    return _at(shown, lambda step: percent(step.shares[place], lang), "span")
