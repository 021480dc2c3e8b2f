"""The page of the pre-flight: every check as a line that fills itself, and a verdict at the end.

For the presenter alone, since it makes work. Others read how to become one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from html import escape
from typing import Any

import gradio as gr

from common.errors import Phrase
from common.preflight.checkup import Checkup
from common.preflight.finding import Finding
from common.preflight.generations import Services
from common.preflight.run import CHECKS
from common.ui.errors import guarded
from common.ui.i18n import error_text, number, phrase_text, text
from common.ui.page import Page, language_of_visit
from common.ui.presenter import way_in_html
from common.ui.roles import is_presenter, presenter_only
from common.ui.streams import StopSignals

_SIGNS = {"ok": "✓", "note": "!", "problem": "✗"}


def build(page: Page, services: Services) -> None:
    """Lay out the page; ``services`` are those of the app."""
    checkup, stops = Checkup(services), StopSignals()
    closed = gr.HTML("", elem_id="preflight-closed", padding=False)
    with gr.Column(visible=False) as inner:
        page.words(gr.Markdown, keys={"value": "preflight.about"})
        with gr.Row():
            start = page.words(
                gr.Button, keys={"value": "preflight.start"}, variant="primary", elem_id="preflight-start"
            )
            stop = page.words(
                gr.Button, keys={"value": "preflight.stop"}, visible=False, variant="stop", elem_id="preflight-stop"
            )
        shown = gr.HTML("", elem_id="preflight", padding=False)
    found = gr.State(())

    def way_in(lang: str, request: gr.Request) -> str:
        return "" if is_presenter(request) else way_in_html(lang, presenter=False)

    def arrive(request: gr.Request) -> list[Any]:
        return [way_in(language_of_visit(request), request), gr.update(visible=is_presenter(request))]

    @presenter_only
    async def look(lang: str, request: gr.Request) -> AsyncGenerator[tuple[Any, ...], None]:
        last: tuple[Finding, ...] = ()
        async for findings in stops.watch(request.session_hash, checkup.watch()):
            last = findings
            yield report(lang, last, going=True), last, gr.skip(), gr.skip()
        yield report(lang, last), last, gr.update(visible=True), gr.update(visible=False)

    def end(_lang: str, request: gr.Request) -> None:
        stops.stop(request.session_hash)

    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    page.arrival.add([closed, inner], arrive)
    start.click(lambda: (gr.update(visible=False), gr.update(visible=True)), None, [start, stop], **quiet)
    start.click(
        guarded(look),
        page.lang,
        [shown, found, start, stop],
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )
    stop.click(guarded(end), page.lang, None, **quiet)
    page.on_language(guarded(way_in), [], [closed])
    page.on_language(lambda lang, known: report(lang, known) if known else "", [found], [shown])


def report(lang: str, findings: Sequence[Finding], going: bool = False) -> str:
    """The checks as a list: those done with what was found, then the one at work, then those to come."""
    rows = [_row(lang, finding) for finding in findings]
    for place, check in enumerate(CHECKS[len(findings) :]):
        words = text(lang, "preflight.checking" if going and not place else "preflight.waiting")
        rows.append(f'<li class="open"><h2><span>…</span>{_title(lang, check)}</h2><p>{escape(words)}</p></li>')
    return f'<p class="summary" role="status">{escape(_verdict(lang, findings))}</p><ul>{"".join(rows)}</ul>'


def _row(lang: str, finding: Finding) -> str:
    known = isinstance(finding.detail, Phrase)
    detail = phrase_text(lang, finding.detail) if known else error_text(lang, finding.detail)  # type: ignore[arg-type]
    advice = f'<p class="advice">→ {escape(phrase_text(lang, finding.advice))}</p>' if finding.advice else ""
    level = text(lang, f"preflight.level_{finding.level}")
    seconds = text(lang, "preflight.seconds", seconds=number(lang, finding.seconds, 1))
    return (
        f'<li class="{finding.level}"><h2><span title="{escape(level)}">{_SIGNS[finding.level]}</span>'
        f"{_title(lang, finding.check)}<small>{escape(level)} · {escape(seconds)}</small></h2>"
        f"<p>{escape(detail)}</p>{advice}</li>"
    )


def _title(lang: str, check: str) -> str:
    return escape(text(lang, f"preflight.check_{check}"))


def _verdict(lang: str, findings: Sequence[Finding]) -> str:
    problems = sum(finding.level == "problem" for finding in findings)
    if len(findings) < len(CHECKS):
        return text(lang, "preflight.progress", done=len(findings), total=len(CHECKS), problems=problems)
    return text(lang, "preflight.not_ready", count=problems) if problems else text(lang, "preflight.ready")
