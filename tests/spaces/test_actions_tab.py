"""The Actions tab without a browser: nothing runs unapproved, what goes wrong is shown and repaired."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from common import catalog, errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.errors import Phrase
from common.text.actions.calling import Call, read_call
from common.text.actions.tool import Result, ToolFailed
from common.text.actions.toolbox import TOOLS
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, TextModels
from common.translation.models import TranslationModels
from common.ui.drawing import draw_tool
from common.ui.i18n import text
from common.ui.page import Page
from common.ui.translating import translate_tool
from tests.common.text.retrieval.test_retrieval import index

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from action_tools import tools_of
from actions_handlers import ActionsTab
from actions_look import Trace, trace_html
from chat_page import ChatPage
from library import Library

VISITOR = gr.Request(session_hash="visitor")
HOSTILE = "<img src=x onerror=alert(1)>"
SUM = Call("calculate", {"expression": "17*3"})


def _tab(models: TextModels) -> ActionsTab:
    with gr.Blocks() as demo:
        page = Page(demo, None, None, None, None)  # type: ignore[arg-type]
    return ActionsTab(ChatPage(page.demo, page.words, page.lang, page.arrival, page.redraws, models))


def _all(updates: AsyncIterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in updates]

    return asyncio.run(collect())


@pytest.fixture(scope="module")
def models(engine: ProcessEngine) -> TextModels:
    """The app's model service, on the engine that all tests share."""
    service = TextModels()
    service._engine, service._choice = engine, Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino")
    return service


def test_a_visit_has_its_own_documents_as_a_tool() -> None:
    tab = _tab(TextModels())
    page = tab._page
    assert list(tools_of(page, "visitor")) == list(TOOLS)
    page.libraries["visitor"] = Library([], index("The garden has nine apple trees."))
    assert list(tools_of(page, "visitor")) == [*TOOLS, "search_documents"]
    assert list(tools_of(page, "another")) == list(TOOLS)
    lent = replace(page, tools=(translate_tool(TranslationModels()), draw_tool(DiffusionModels())))
    assert list(tools_of(lent, "another")) == [*TOOLS, "translate", "draw"]


@pytest.mark.slow
def test_the_real_model_asks_for_a_picture_which_comes_once_approved(
    models: TextModels, tiny_diffusion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diffusion, tab = DiffusionModels(Settings(image_model=str(tiny_diffusion))), _tab(models)
    tab._page = replace(tab._page, tools=(draw_tool(diffusion),))
    question = "Draw a small yellow star."
    trace, drawn, written = _all(tab.ask("en", VISITOR, question, "on", "ask", 0.0, 1))[-1]
    assert trace.call == read_call(written, tools_of(tab._page, None)) == Call("draw", {"prompt": "small yellow star"})
    assert not trace.approved and "<img" not in drawn

    done = _all(tab.approve("en", VISITOR, trace, written))[-1][0]
    assert "picture of “small yellow star”" in done.answer
    updates = _all(tab.approve("en", VISITOR, trace, Call("draw", {"prompt": HOSTILE}).to_json()))
    assert text("en", "actions.running", seconds="60") in updates[0][1] and "<img" not in updates[0][1]
    done, drawn, _ = updates[-1]
    assert (
        done.result.picture.startswith(b"\x89PNG") and done.answer and text("en", "actions.running")[:20] not in drawn
    )
    assert drawn.count("<img") == 1 and f'alt="{escape(HOSTILE)}"' in drawn and "data:image/png;base64," in drawn

    async def full(request: Any) -> AsyncIterator[Any]:
        raise errors.QueueFull(waiting=5)
        yield

    async def never(request: Any) -> AsyncIterator[Any]:
        await tab.stop("en", VISITOR)
        await asyncio.sleep(30)
        yield

    for stream, problem in ((full, errors.QueueFull), (never, type(None))):
        monkeypatch.setattr(diffusion.engine(), "draw", stream)
        trace, drawn, _ = _all(tab.approve("en", VISITOR, done, written))[-1]
        assert isinstance(trace.problem, problem) and trace.stopped == (stream is never)
        assert trace.result is None and not trace.answer and "<img" not in drawn
    diffusion.close()


@pytest.mark.slow
def test_the_real_model_searches_the_visitors_documents(models: TextModels) -> None:
    tab = _tab(models)
    found = index("The garden has nine apple trees.")
    list(found.embed())
    tab._page.libraries["visitor"] = Library([], found)
    question = "What do my documents say about the garden?"
    trace = _all(tab.ask("en", VISITOR, question, "on", "always", 0.0, 1))[-1][0]
    assert "search_documents" in trace.prompt and trace.call is not None
    call = Call("search_documents", {"query": "the garden"})
    done = _all(tab.approve("en", VISITOR, trace, call.to_json()))[-1][0]
    assert done.result == Result("The garden has nine apple trees. (D)") and done.answer


@pytest.mark.slow
def test_a_call_waits_for_approval_and_runs_as_edited(models: TextModels) -> None:
    tab = _tab(models)
    trace, drawn, written = _all(tab.ask("en", VISITOR, "What is 17 times 3?", "on", "ask", 1.5, 1))[-1]
    assert read_call(written) == trace.call and trace.tokens > 0
    assert not trace.approved and trace.result is None and text("en", "actions.waiting") in drawn
    assert 'data-step="result"' not in drawn

    done, drawn, _ = _all(tab.approve("en", VISITOR, trace, SUM.to_json()))[-1]
    assert done.result == Result("51") and done.answer and done.call == SUM
    assert all(f'data-step="{step}"' in drawn for step in ("prompt", "raw", "call", "approval", "result", "answer"))

    failed, drawn, _ = _all(tab.approve("en", VISITOR, trace, SUM.to_json().replace("17*3", "1/0")))[-1]
    assert failed.result is None and str(failed.problem.params["reason"]) in drawn
    again = _all(tab.repair("en", VISITOR, failed, "always", 0.0, 1))[-1][0]
    assert again.attempt == 2 and "it divides by zero" in again.prompt and again.constrained
    assert again.approved and (again.result or again.problem)


@pytest.mark.slow
def test_without_the_constraint_what_goes_wrong_is_shown_and_the_repair_gives_a_call(models: TextModels) -> None:
    tab = _tab(models)
    # So hot a text cannot be a call but by a wonder; the seeds make it certain.
    for seed in range(5):
        trace, drawn, _ = _all(tab.ask("en", VISITOR, "How is the weather in Paris?", "off", "always", 2.0, seed))[-1]
        assert not trace.constrained and trace.written
        if trace.problem is not None and trace.call is None:
            break
    assert trace.call is None and trace.result is None and 'class="problem"' in drawn
    fixed = _all(tab.repair("en", VISITOR, trace, "ask", 0.0, 1))[-1][0]
    assert fixed.call is not None and fixed.problem is None and not fixed.approved


def test_what_is_missing_or_wrong_gets_a_sentence() -> None:
    tab = _tab(TextModels(Settings(_env_file=None)))
    trace = Trace("q", "p", True, written=True)
    for updates, kind in (
        (tab.ask("en", VISITOR, " ", "on", "ask", 0, None), errors.EmptyPrompt),
        (tab.ask("en", VISITOR, "x" * 301, "on", "ask", 0, None), errors.InvalidInput),
        (tab.ask("en", VISITOR, "x", "maybe", "ask", 0, None), errors.InvalidInput),
        (tab.ask("en", VISITOR, "x", "on", "ask", 9, None), errors.InvalidInput),
        (tab.repair("en", VISITOR, None, "ask", 0, None), errors.EmptyPrompt),
        (tab.approve("en", VISITOR, None, "{}"), errors.EmptyPrompt),
        (tab.approve("en", VISITOR, trace, "{}"), errors.InvalidCall),
        (tab.approve("en", VISITOR, trace, "x" * 2001), errors.InvalidInput),
    ):
        with pytest.raises(kind):
            _all(updates)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_trace_in_every_language_escapes_what_it_is_given(lang: str) -> None:
    problem = ToolFailed(Phrase("place_unknown", place=HOSTILE))
    call = Call("weather", {"city": HOSTILE})
    result = Result(HOSTILE, b"PNG", HOSTILE)
    trace = Trace(HOSTILE, HOSTILE, False, 2, HOSTILE, call=call, result=result, answer=HOSTILE, problem=problem)
    drawn = trace_html(lang, trace)
    assert HOSTILE not in drawn and drawn.count("&lt;img") == 8
    assert text(lang, "actions.step_answer").split("·")[0] in drawn
    assert _tab(TextModels(Settings(_env_file=None))).relabel(lang, trace) == drawn
