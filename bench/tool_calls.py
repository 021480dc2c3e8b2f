"""Tool calls of the embedded model: can they be read, is it the right tool, are the arguments right.

The requests in ``tool_requests.tsv`` are our own: about as many for each tool, and some that need none. Prompt and
examples were chosen on the half called "tuning"; the other half was only scored. No request is an example of a tool.
A calculation counts by its value, a place by its time zone, a search by the words it has to contain, all else as it is
written, but for case and the full stop at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.tables import machine, median, report
from common import catalog
from common.config import settings
from common.diffusion.models import DiffusionModels
from common.text.actions import clock
from common.text.actions.calculator import calculate
from common.text.actions.calling import Call, call_request, read_call
from common.text.actions.nearest import nearest
from common.text.actions.search import search_tool
from common.text.actions.tool import Toolbox, ToolFailed
from common.text.actions.toolbox import TOOLS
from common.text.engine import Finished, TextEngine, TokenBundle
from common.text.models import Choice, build_engine
from common.text.retrieval.chunks import Chunk
from common.text.retrieval.embedder import embedder
from common.text.retrieval.index import Index
from common.translation.models import TranslationModels
from common.ui.drawing import draw_tool
from common.ui.translating import translate_tool

REQUESTS = Path(__file__).parent / "tool_requests.tsv"
HALVES = ("tuning", "held-out")
TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Request:
    """A question, and the call that answers it."""

    half: str
    question: str
    call: Call


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote for a request, and in how many seconds."""

    request: Request
    text: str
    seconds: float

    def judge(self, tools: Toolbox) -> tuple[bool, bool, bool]:
        """Whether it can be read, names the right tool, and has the right arguments as well."""
        try:
            call = read_call(self.text.strip(), tools)
        except ToolFailed:
            return False, False, False
        wanted = self.request.call
        named = call.name == wanted.name
        return True, named, named and same_arguments(call, wanted)


def requests() -> list[Request]:
    """All of the file."""
    with REQUESTS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Request(r["half"], r["question"], Call(r["tool"], json.loads(r["arguments"]))) for r in rows]


def toolbox() -> Toolbox:
    """All tools that the hub's Actions tab has with documents handed in; none of them is run here."""
    documents = Index([Chunk("Document", "A text.", 2)], embedder())
    more = (search_tool(documents), translate_tool(TranslationModels()), draw_tool(DiffusionModels()))
    return {tool.name: tool for tool in (*TOOLS.values(), *more)}


def same_arguments(call: Call, wanted: Call) -> bool:
    """Whether a call of the right tool asks for the same."""
    given, right = call.arguments, wanted.arguments
    if call.name == "calculate":
        try:
            return abs(calculate(given["expression"]) - calculate(right["expression"])) < 1e-9
        except ToolFailed:
            return False
    if call.name == "convert_unit":
        return {**given, "value": float(given["value"])} == {**right, "value": float(right["value"])}
    if call.name == "time_in":
        try:
            return clock.time_in(given["place"]).tzinfo == clock.time_in(right["place"]).tzinfo
        except ToolFailed:
            return False
    if call.name == "search_documents":
        return set(right["query"].casefold().split()) <= set(given["query"].casefold().split())
    return {name: _plain(value) for name, value in given.items()} == {k: _plain(v) for k, v in right.items()}


def _plain(value: str) -> str:
    return value.casefold().strip(" .!?'“”")


async def write(engine: TextEngine, asked: Sequence[Request], constrained: bool, tools: Toolbox) -> list[Written]:
    """The model's call for each, greedy."""
    free = asyncio.Semaphore(TOGETHER)

    async def one(request: Request) -> Written:
        async with free:
            text, start = "", time.perf_counter()
            examples = nearest(request.question, tools, embedder())
            wanted = call_request(request.question, constrained, 1, tools=tools, examples=examples)
            async for event in engine.stream(wanted):
                if isinstance(event, TokenBundle):
                    text += "".join(token.text for token in event.tokens if not token.special)
                elif isinstance(event, Finished):
                    break
            return Written(request, text, time.perf_counter() - start)

    return await asyncio.gather(*map(one, asked))


def row(name: str, half: str, written: Sequence[Written], tools: Toolbox) -> list[str]:
    """One line of the table."""
    judged = [one.judge(tools) for one in written if one.request.half == half]
    shares = [f"{sum(parts) / len(judged):.0%}" for parts in zip(*judged, strict=True)]
    return [name, f"{half} ({len(judged)})", *shares]


async def run(show: bool, halves: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """The rows of the table, and what stands below it."""
    tools, asked = toolbox(), [request for request in requests() if request.half in halves]
    rows, by_tool = [], ""
    for name, constrained in (("held to the schema", True), ("not held", False)):
        # An engine of its own: the second run would find the prompts of the first one already read, and seem faster.
        engine = build_engine(Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), settings())
        try:
            await write(engine, asked[:1], constrained, tools)  # waits until the model has loaded
            written = await write(engine, asked, constrained, tools)
        finally:
            await engine.close()
        rows += [row(name, half, written, tools) for half in halves]
        print(
            f"{name}: {median([one.seconds for one in written]):.1f} s for a call (median, {TOGETHER} at a time)",
            flush=True,
        )
        if constrained:
            by_tool = "; ".join(_of_tool(tool, written, tools) for tool in {r.call.name: 0 for r in asked})
        for one in written:
            if show and not all(one.judge(tools)):
                print(f"{name}: {one.request.question} → {one.text.strip()}", flush=True)
    return rows, [
        f"Right calls by tool, held to the schema: {by_tool}.",
        f"{len(asked)} requests, greedy. {machine()}.",
    ]


def _of_tool(tool: str, written: Sequence[Written], tools: Toolbox) -> str:
    judged = [one.judge(tools)[2] for one in written if one.request.call.name == tool]
    return f"{tool} {sum(judged)} of {len(judged)}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--show", action="store_true", help="print what went wrong")
    options.add_argument("--half", choices=HALVES, help="only these; nothing is kept then")
    chosen = options.parse_args()
    rows, notes = asyncio.run(run(chosen.show, [chosen.half] if chosen.half else HALVES))
    if chosen.half:
        print(*rows, *notes, sep="\n")
        return
    head = ["the model is", "requests", "well-formed call", "right tool", "right tool and arguments"]
    report("tool_calls", "Tool calls of the embedded model", head, rows, notes)


if __name__ == "__main__":
    main()
