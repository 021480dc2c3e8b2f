"""How the tab A translator or a chat model? draws both results: text, figures, what was found, and who did what.

Texts are escaped here.
"""

from __future__ import annotations

from html import escape

from versus_run import Side, Versus, repeats, went_wrong

from common.translation.detect import OTHER
from common.ui.components import figures_html, meter_html
from common.ui.i18n import error_text, number, text

_CLOSE = 5.0  # chrF points that nobody would notice


def versus_html(lang: str, shown: Versus) -> str:
    """Both panels, and once both are done, a sentence or two that compare them."""
    translator = _panel(lang, "translator", shown, shown.translator)
    chat = _panel(lang, "chat", shown, shown.chat, _turns(lang, shown))
    verdict = "".join(f"<p>{escape(sentence)}</p>" for sentence in _verdict(lang, shown))
    if verdict:
        verdict = f'<div class="verdict">{verdict}</div>'
    return f'<div class="versus"><div class="panels">{translator}{chat}</div>{verdict}</div>'


def _panel(lang: str, name: str, shown: Versus, side: Side, more: str = "") -> str:
    title = text(lang, f"versus.{name}")
    body = ""
    if side.state == "loading":
        body = f'<p class="quiet">{escape(text(lang, "versus.loading"))}</p>'
    elif side.problem is not None:
        body = f'<p class="problem">{escape(error_text(lang, side.problem))}</p>'
    if side.text or side.state in ("running", "done", "stopped"):
        body = f'<p class="came" lang="{escape(shown.target)}">{escape(side.text)}</p>{_figures(lang, side)}{body}'
    if side.state == "stopped":
        body += f'<p class="quiet">{escape(text(lang, "translate.stopped"))}</p>'
    if side.state == "done" and (side.guess is not None or not side.text.strip()):  # judged once both are done
        body += f"<p>{escape(finding(lang, shown, side))}</p>{_score(lang, shown, side)}"
    head = f'<h2>{escape(title)}</h2><p class="quiet">{escape(side.model)}</p>'
    return f'<section class="panel">{head}{body}{more}</section>'


def _figures(lang: str, side: Side) -> str:
    return figures_html(
        [
            (f"{number(lang, side.seconds, 2)} s", text(lang, "versus.time")),
            (number(lang, side.tokens), text(lang, "versus.tokens")),
            (number(lang, side.per_second, 1), text(lang, "versus.speed")),
        ]
    )


def finding(lang: str, shown: Versus, side: Side) -> str:
    """Whether it is a translation at all: by what it repeats, and by its language."""
    if not side.text.strip():
        return text(lang, "versus.found_nothing")
    if repeated := repeats(shown, side):
        return text(lang, f"versus.found_{repeated}")
    wanted = text(lang, f"language.{shown.target}")
    if side.guess is None or not side.guess.sure:
        return text(lang, "versus.found_unsure")
    if not went_wrong(side, shown.target):
        return text(lang, "versus.found_right", target=wanted)
    if side.guess.language == OTHER:
        return text(lang, "versus.found_other", target=wanted)
    key = "versus.found_source" if side.guess.language == shown.source else "versus.found_wrong"
    return text(lang, key, language=text(lang, f"language.{side.guess.language}"), target=wanted)


def _score(lang: str, shown: Versus, side: Side) -> str:
    if side.chrf is None:
        return f'<p class="quiet">{escape(text(lang, "versus.no_score"))}</p>'
    value = number(lang, side.chrf)
    if shown.reference.strip():
        return meter_html(side.chrf / 100, text(lang, "versus.score_reference", value=value), kind="prompt")
    back = f'<p><span class="quiet">{escape(text(lang, "translate.back"))}:</span> {escape(side.back)}</p>'
    return back + meter_html(side.chrf / 100, text(lang, "versus.score_back", value=value), kind="prompt")


def _turns(lang: str, shown: Versus) -> str:
    """What the chat model reads, before its template."""
    turns = "".join(
        f"<p><b>{escape(text(lang, f'versus.role_{turn.role}'))}</b><br>"
        f'<span class="said">{escape(turn.content)}</span></p>'
        for turn in shown.turns
    )
    few = f'<p class="quiet">{escape(text(lang, "versus.no_shots"))}</p>' if shown.few else ""
    return f"<details><summary>{escape(text(lang, 'versus.reads'))}</summary>{few}{turns}</details>"


def _verdict(lang: str, shown: Versus) -> list[str]:
    first, second = shown.sides
    if first.state != "done" or second.state != "done":
        return []
    said = []
    if first.chrf is not None and second.chrf is not None:
        kind = "reference" if shown.reference.strip() else "back"
        better = (
            "same" if abs(first.chrf - second.chrf) < _CLOSE else "translator" if first.chrf > second.chrf else "chat"
        )
        said.append(text(lang, f"versus.closer_{kind}_{better}"))
    quick, slow = sorted((first.seconds, second.seconds))
    if quick > 0 and slow >= 1.5 * quick:
        key = "versus.slower_chat" if second.seconds > first.seconds else "versus.slower_translator"
        said.append(text(lang, key, times=number(lang, slow / quick, 0 if slow >= 10 * quick else 1)))
    return said
