"""How the Where it fails tab draws a translation before and after the fix: what went in, what came out, the finding."""

from __future__ import annotations

from html import escape
from typing import Any

from fails_look import NUMBERS, Case, Failure

from common.ui.components import percent
from common.ui.i18n import text


def failure_html(lang: str, failure: Failure) -> str:
    """Both translations side by side, or the first alone, and what the fix did."""
    panels = _panel(lang, text(lang, "fails.before"), failure.before)
    if failure.after is not None:
        title = text(lang, f"fails.fix_{failure.kind}", n=NUMBERS.get(failure.kind, 0))
        panels += _panel(lang, title, failure.after)
    said = _verdict(lang, failure)
    return (
        f'<div class="fails"><div class="panels">{panels}</div><div class="verdict"><p>{escape(said)}</p></div></div>'
    )


def _panel(lang: str, title: str, case: Case) -> str:
    way = f"{text(lang, f'language.{case.source}')} → {text(lang, f'language.{case.target}')}"
    sent = "".join(f"<li>{escape(part)}</li>" for part in case.sent)
    sign, state = ("✗", "failed") if case.failed else ("✓", "fine")
    key, values = case.finding
    finding = text(lang, f"fails.found_{key}", **_said(lang, values))
    return (
        f'<section class="panel {state}"><h4>{escape(title)}</h4><p class="quiet">{escape(way)}</p>'
        f'<ul class="sent">{sent}</ul><p class="came"><span aria-hidden="true">→ </span><b>{escape(case.text)}</b></p>'
        f'<p class="finding"><span aria-hidden="true">{sign}</span> {escape(finding)}</p></section>'
    )


def _said(lang: str, values: dict[str, Any]) -> dict[str, Any]:
    """Languages by their names, shares in percent."""
    named: dict[str, Any] = {
        name: text(lang, f"language.{values[name]}") for name in ("language", "told") if name in values
    }
    if "share" in values:
        named["share"] = percent(values["share"], lang)
    return {**values, **named}


def _verdict(lang: str, failure: Failure) -> str:
    before, after = failure.before, failure.after
    if after is None:
        if failure.asked:
            return text(lang, "fails.no_fix")
        return text(lang, "fails.verdict_failed" if before.failed else "fails.verdict_none")
    if after.text == before.text and (before.failed or not after.failed):
        return text(lang, "fails.verdict_same")
    if not before.failed:
        return text(lang, "fails.verdict_worse" if after.failed else "fails.verdict_none")
    return text(lang, "fails.verdict_stays" if after.failed else "fails.verdict_gone")
