"""What the Actions tab does: ask for a call, read it, wait for approval, run it, answer. Layout: actions_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from action_tools import tools_of
from actions_look import Trace, trace_html
from chat_page import SEED, ChatPage, check_length

from common import errors
from common.errors import Phrase
from common.text.actions.calling import (
    LONGEST_CALL,
    Call,
    answer_request,
    call_request,
    complaint_of,
    read_call,
    run_call,
)
from common.text.actions.nearest import nearest
from common.text.actions.tool import Result, Toolbox
from common.text.actions.toolbox import TOOLS
from common.text.engine import Finished, GenerationRequest, TokenBundle
from common.text.retrieval.embedder import embedder
from common.ui.fields import Choice, Number, Text
from common.ui.streams import StopSignals

ACTION = Text("action_question", "", 300)
CALL = Text("call", "", LONGEST_CALL)
CONSTRAINED = Choice("constrained", "on", ("on", "off"))
APPROVAL = Choice("approval", "ask", ("ask", "always"))
TEMPERATURE = Number("temperature", 0.0, 0.0, 2.0, 0.05)


class ActionsTab:
    """The handlers of the tab. Each gives (trace, drawn trace, call to edit)."""

    def __init__(self, page: ChatPage) -> None:
        self._models, self._page = page.models, page
        self._stops = StopSignals()

    async def ask(
        self, lang: str, request: gr.Request, question: str, constrained: Any, approval: Any, *sampling: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Let the model write a call; run it at once if calls are always approved."""
        asked = check_length(ACTION.check(question)).strip()
        wanted = await self._request(request, asked, CONSTRAINED.check(constrained) == "on", sampling)
        trace = Trace(asked, wanted.prompt or "", wanted.sampling.json_schema is not None)
        always = APPROVAL.check(approval) == "always"
        async for update in self._call(lang, request, trace, wanted, always):
            yield update

    async def repair(
        self, lang: str, request: gr.Request, trace: Trace | None, approval: Any, *sampling: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Once more, held to the schema, with what was wrong put before the model."""
        if trace is None:
            raise errors.EmptyPrompt()
        complaint = complaint_of(trace.problem) if isinstance(trace.problem, errors.InvalidCall) else ""
        wanted = await self._request(request, trace.question, True, sampling, complaint)
        fresh = Trace(trace.question, wanted.prompt or "", True, attempt=trace.attempt + 1)
        async for update in self._call(lang, request, fresh, wanted, APPROVAL.check(approval) == "always"):
            yield update

    async def approve(
        self, lang: str, request: gr.Request, trace: Trace | None, written: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Run the call as it now stands in the box, and let the model say the result."""
        if trace is None or not written.strip():
            raise errors.EmptyPrompt()
        call = read_call(CALL.check(written).strip(), self._tools(request))
        fresh = replace(trace, problem=None, result=None, answer="", answer_tokens=0, stopped=False)
        async for update in self._run(lang, request, fresh, call):
            yield update

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End what is being written; what has come stays."""
        self._stops.stop(request.session_hash)

    def warm_up(self) -> None:
        """Load the embedding model in the background, so that the first question does not wait for it."""
        threading.Thread(target=nearest, args=("", TOOLS, embedder()), name="warm-up", daemon=True).start()

    def relabel(self, lang: str, trace: Trace | None) -> Any:
        """The trace in another language."""
        return gr.skip() if trace is None else trace_html(lang, trace)

    def _tools(self, request: gr.Request) -> Toolbox:
        return tools_of(self._page, request.session_hash)

    async def _request(
        self, request: gr.Request, question: str, constrained: bool, sampling: tuple[Any, ...], complaint: str = ""
    ) -> GenerationRequest:
        seed, temperature = SEED.check(sampling[1]), TEMPERATURE.real(sampling[0])
        chosen = None if seed is None else int(seed)
        tools = self._tools(request)
        examples = await asyncio.to_thread(nearest, question, tools, embedder())
        return call_request(question, constrained, chosen, temperature, complaint, tools, examples)

    async def _call(
        self, lang: str, request: gr.Request, trace: Trace, wanted: GenerationRequest, always: bool
    ) -> AsyncIterator[tuple[Any, ...]]:
        yield trace, trace_html(lang, trace), ""
        if trace.constrained and not (await self._models.engine().info()).can_constrain:
            raise errors.NotSupported(what=Phrase("constrained"))
        async for raw, tokens, seconds, ended in self._write(request, wanted):
            trace = replace(trace, raw=raw, tokens=tokens, seconds=seconds, written=ended)
            yield trace, trace_html(lang, trace), gr.skip()
        if not trace.written:
            trace = replace(trace, stopped=True)
            yield trace, trace_html(lang, trace), trace.raw.strip()
            return
        try:
            trace = replace(trace, call=read_call(trace.raw.strip(), self._tools(request)))
        except errors.InvalidCall as problem:
            trace = replace(trace, problem=problem)
        yield trace, trace_html(lang, trace), trace.raw.strip()[:LONGEST_CALL]
        if trace.call is None:
            return
        self._tools(request)[trace.call.name].prepare()
        if always:
            async for update in self._run(lang, request, trace, trace.call):
                yield update

    async def _run(self, lang: str, request: gr.Request, trace: Trace, call: Call) -> AsyncIterator[tuple[Any, ...]]:
        tools = self._tools(request)
        trace = replace(trace, call=call, approved=True, at_most=tools[call.name].seconds)
        yield trace, trace_html(lang, trace), gr.skip()
        try:
            async with contextlib.aclosing(self._stops.watch(request.session_hash, _results(call, tools))) as results:
                async for result in results:
                    trace = replace(trace, result=result)
        except errors.DemystifyError as problem:  # no call for this tool, or what it works with is full, or has stopped
            trace = replace(trace, problem=problem)
        if trace.result is None:
            trace = replace(trace, stopped=trace.problem is None)
            yield trace, trace_html(lang, trace), gr.skip()
            return
        yield trace, trace_html(lang, trace), gr.skip()
        asked, complete = answer_request(trace.question, call, trace.result.words, tools=tools), False
        async for answer, tokens, seconds, ended in self._write(request, asked):
            complete = ended
            trace = replace(trace, answer=answer.strip(), answer_tokens=tokens, answer_seconds=seconds)
            yield trace, trace_html(lang, trace), gr.skip()
        if not complete:
            trace = replace(trace, stopped=True)
            yield trace, trace_html(lang, trace), gr.skip()

    async def _write(
        self, request: gr.Request, wanted: GenerationRequest
    ) -> AsyncIterator[tuple[str, int, float, bool]]:
        """(text so far, tokens, seconds, whether that is all) as it grows; never "all" once the visitor stops it."""
        written, tokens, start = "", 0, time.perf_counter()
        stream = self._models.engine().stream(wanted)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as events:
            async for event in events:
                if isinstance(event, TokenBundle):
                    written += "".join(token.text for token in event.tokens if not token.special)
                    tokens += len(event.tokens)
                    yield written, tokens, event.seconds, False
                elif isinstance(event, Finished):
                    yield written, tokens, time.perf_counter() - start, True


async def _results(call: Call, tools: Toolbox) -> AsyncGenerator[Result, None]:
    """The one result, as something that can be stopped before it comes."""
    yield await run_call(call, tools)
