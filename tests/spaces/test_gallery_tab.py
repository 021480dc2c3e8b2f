"""The Failure gallery without a browser: every kind on the embedded model, what is refused, and what is drawn."""

from __future__ import annotations

import asyncio
import sys
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from common import catalog, errors
from common.config import LANGUAGES
from common.text.engine import Token
from common.text.engines.process import ProcessEngine
from common.text.failures import KINDS, Case, Finding
from common.text.models import Choice, TextModels
from common.ui.i18n import text
from common.ui.page import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from chat_page import ChatPage
from gallery_handlers import GalleryTab
from gallery_look import EXAMPLES, Answer, Shown, about_html, shown_html

VISITOR = gr.Request(session_hash="visitor")
HOSTILE = "<img src=x onerror=alert(1)>"


def _tab(models: TextModels) -> GalleryTab:
    with gr.Blocks() as demo:
        page = Page(demo, None, None, None, None)  # type: ignore[arg-type]
    return GalleryTab(ChatPage(page.demo, page.words, page.lang, page.arrival, page.redraws, models))


@pytest.fixture(scope="module")
def tab(engine: ProcessEngine) -> GalleryTab:
    service = TextModels()
    service._engine, service._choice = engine, Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino")
    return _tab(service)


def _run(tab: GalleryTab, case: Case, fix: str) -> list[tuple[Shown, str]]:
    async def collect() -> list[tuple[Any, ...]]:
        updates = tab.run("en", VISITOR, case.kind, case.text, case.document, case.words, fix)
        return [update async for update in updates]

    return asyncio.run(collect())  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_live_and_judged_by_what_came(tab: GalleryTab, kind: str) -> None:
    updates = _run(tab, EXAMPLES[kind], "on")
    shown, html = updates[-1]
    assert len(updates) > 4 and updates[0][0].before.tokens == ()
    assert shown.before.text and shown.before.finding and shown.after is not None and shown.after.text
    assert shown.after.finding is not None or shown.after.problem is not None
    assert html.count('<section class="panel') == 2
    if kind == "arithmetic" and shown.after.finding:
        assert shown.after.result and shown.after.finding.failed == (shown.after.result != "1692")
    if kind == "injection":
        assert "CHEAP BOOKS" in shown.before.prompt and "CHEAP BOOKS" not in shown.after.prompt


@pytest.mark.slow
def test_without_the_fix_and_where_there_is_none(tab: GalleryTab) -> None:
    without = _run(tab, EXAMPLES["trap"], "off")[-1][0]
    assert without.after is None and without.before.finding
    shown, html = _run(tab, Case("trap", "The capital of France is", "", "Paris"), "on")[-1]
    assert shown.after is None and text("en", "gallery.no_fix") in html


def test_what_is_refused() -> None:
    tab = _tab(TextModels())
    for case, fix, problem in (
        (Case("invention", " ", "a", "b"), "off", errors.EmptyPrompt),
        (Case("invention", "a", "", "b"), "off", errors.EmptyPrompt),
        (Case("trap", "x" * 401, "", "b"), "off", errors.InvalidInput),
        (Case("nonsense", "a", "b", "c"), "off", errors.InvalidInput),
        (EXAMPLES["trap"], "perhaps", errors.InvalidInput),
    ):
        with pytest.raises(problem):
            _run(tab, case, fix)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_choosing_a_kind_brings_its_example(kind: str, lang: str) -> None:
    asked, document, words, fix, about, shown, picture = _tab(TextModels()).choose(lang, kind)
    example = EXAMPLES[kind]
    assert (asked, document["value"], words["value"]) == (example.text, example.document, example.words)
    assert document["visible"] == bool(example.document) and words["visible"] == bool(example.words)
    assert (fix, shown, picture) == ("off", None, "") and about == about_html(lang, kind) and "{" not in about


def _answer(failed: bool | None, **values: Any) -> Answer:
    finding = None if failed is None else Finding(failed, "wrong", {"truth": HOSTILE, "share": 0.5})
    return Answer(HOSTILE, (Token(1, HOSTILE, -0.5),), finding=finding, **values)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after", "asked", "verdict"),
    [
        (_answer(True), None, False, "verdict_failed"),
        (_answer(False), None, False, "verdict_none"),
        (_answer(True), None, True, "no_fix"),
        (_answer(True), _answer(False), True, "verdict_gone"),
        (_answer(True), _answer(True), True, "verdict_stays"),
        (_answer(False), _answer(True), True, "verdict_worse"),
        (_answer(False), _answer(False), True, "verdict_none"),
        (_answer(None, stopped=True), None, True, ""),
        (_answer(True), _answer(None, problem=errors.InvalidCall(reason="x")), True, ""),
    ],
)
def test_the_verdict_is_what_was_counted(
    before: Answer, after: Answer | None, asked: bool, verdict: str, lang: str
) -> None:
    html = shown_html(lang, Shown(EXAMPLES["invention"], before, after, asked))
    assert "<img" not in html and "{" not in html
    said = unescape(html)
    if verdict:
        assert text(lang, f"gallery.{verdict}") in said
    else:
        assert "verdict" not in html
    if before.stopped:
        assert text(lang, "gallery.stopped") in said
