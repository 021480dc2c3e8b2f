"""The sampling lab's third part: one prompt over several temperatures and seeds, written as one batch and compared."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr
from chat_page import MAX_NEW_TOKENS, ChatPage, check_length
from sampling_grid import finished_html, running_html

from common import errors
from common.config import settings
from common.text.models import TextModels
from common.text.sweep import Cell, Progress, by_temperature, plan, write_all
from common.ui.api import endpoint
from common.ui.errors import guarded
from common.ui.fields import Number, Numbers, Text
from common.ui.links import link_button
from common.ui.streams import StopSignals

TEMPERATURES = Numbers("temperatures", "0.2 0.7 1.0 1.4", 0.0, 2.0, most=6)
SEEDS = Number("seeds", 4, 1, 8)
FIRST_SEED = Number("first_seed", 1, 0, 2**31 - 9)
LENGTH = replace(MAX_NEW_TOKENS, name="length", default=60, minimum=5, maximum=min(200, MAX_NEW_TOKENS.maximum))
_START = "Once upon a time, in a village by the sea, there lived"


@dataclass(slots=True)
class Sweep:
    """What one visitor let be written; lives in the session.

    Attributes:
        cells: the texts.
        can_beam: whether the engine can search with beams.
        progress: None before the first token.
        running: whether more may come.
    """

    cells: list[Cell]
    can_beam: bool
    progress: Progress | None = None
    running: bool = True


def places() -> int:
    """Texts that all sweeps together may have with the model: half of its batch, so that chats always find room."""
    return max(settings().max_active // 2, 3)


class SweepHandlers:
    """The handlers of the part."""

    def __init__(self, models: TextModels) -> None:
        self._models = models
        self._stops = StopSignals()
        self._places = asyncio.Semaphore(places())

    async def run(
        self,
        lang: str,
        prompt: str,
        temperatures: Any,
        seeds: Any,
        first_seed: Any,
        length: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Write all texts and show them as they grow: (sweep, page)."""
        sweep = await self._begin(prompt, temperatures, seeds, first_seed, length)
        yield sweep, running_html(lang, sweep.cells, None)
        writing = write_all(self._models.engine(), prompt, sweep.cells, self._places)
        async with contextlib.aclosing(self._stops.watch(request.session_hash, writing)) as states:
            async for state in states:
                sweep.progress = state
                yield gr.skip(), running_html(lang, sweep.cells, state)
        sweep.running = False
        yield sweep, await asyncio.to_thread(finished_html, lang, sweep.cells, sweep.progress, sweep.can_beam)
        _complain(sweep.cells)

    async def _begin(self, prompt: str, temperatures: Any, seeds: Any, first_seed: Any, length: Any) -> Sweep:
        """The texts to write, once everything typed is in order. Raises InvalidInput, EmptyPrompt."""
        check_length(prompt)
        rows, many, first = TEMPERATURES.read(temperatures), SEEDS.whole(seeds), FIRST_SEED.whole(first_seed)
        longest = LENGTH.whole(length)
        if len(rows) * many + 2 > places():
            raise errors.InvalidInput(field="sweep_size", allowed=f"≤ {places() - 2}")
        can_beam = (await self._models.engine().info()).can_beam
        return Sweep(plan(rows, range(first, first + many), longest, can_beam), can_beam)

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's sweep; what has come stays."""
        self._stops.stop(request.session_hash)

    def relabel(self, lang: str, sweep: Sweep | None) -> Any:
        """The same in another language."""
        if sweep is None:
            return gr.skip()
        if sweep.running:
            return running_html(lang, sweep.cells, sweep.progress)
        return finished_html(lang, sweep.cells, sweep.progress, sweep.can_beam)

    async def api(
        self,
        prompt: str,
        temperatures: str = TEMPERATURES.default,
        seeds: int = 4,
        first_seed: int = 1,
        length: int = 60,
    ) -> dict[str, Any]:
        """Write one prompt at several temperatures, with several seeds each, as one batch; get it when all is written.

        Args:
            prompt: the beginning of a text.
            temperatures: up to six numbers from 0 to 2, with spaces between them.
            seeds: texts per temperature, 1 to 8.
            first_seed: seed of the first; the others follow.
            length: longest text in tokens.
        """
        sweep = await self._begin(prompt, temperatures, seeds, first_seed, length)
        writing = write_all(self._models.engine(), prompt, sweep.cells, self._places)
        async with contextlib.aclosing(writing) as states:
            async for state in states:
                sweep.progress = state
        _complain(sweep.cells)
        return _report(sweep)


def _complain(cells: list[Cell]) -> None:
    """When there is no text at all, the reason is for everybody to see. Raises what the first text failed with."""
    problems = [cell.problem for cell in cells if cell.problem is not None]
    if problems and len(problems) == len(cells):
        raise problems[0]


def _report(sweep: Sweep) -> dict[str, Any]:
    """A finished sweep as JSON: the texts, the measures by temperature, and what it took."""
    texts = [
        {
            "kind": cell.kind,
            "temperature": cell.sampling.temperature if cell.kind == "sample" else None,
            "seed": cell.sampling.seed,
            "text": cell.text,
            "tokens": cell.tokens,
            "error": str(cell.problem) if cell.problem else None,
        }
        for cell in sweep.cells
    ]
    measures = [{"temperature": t, **asdict(found)} for t, found in by_temperature(sweep.cells).items()]
    seconds = sweep.progress.seconds if sweep.progress else 0.0
    return {"texts": texts, "measures": measures, "seconds": seconds, "tokens": sum(c.tokens for c in sweep.cells)}


def build(page: ChatPage) -> None:
    """Lay out the part and wire it."""
    handlers, words, lang = SweepHandlers(page.models), page.words, page.lang
    sweep = gr.State(None)
    prompt = words(
        gr.Textbox,
        keys={"label": "completion.prompt"},
        value=_START,
        lines=2,
        max_lines=6,
        max_length=settings().max_prompt_chars,
        elem_id="sampling-sweep-prompt",
    )
    with gr.Row():
        temperatures = words(
            gr.Textbox,
            keys={"label": "sampling.sweep_temperatures"},
            value=TEMPERATURES.default,
            max_length=80,
            min_width=200,
            elem_id="sampling-sweep-temperatures",
        )
        seeds = SEEDS.slider(words, "sampling.sweep_seeds", min_width=200, elem_id="sampling-sweep-seeds")
        length = LENGTH.slider(words, "sampling.sweep_length", min_width=200, elem_id="sampling-sweep-length")
        first_seed = FIRST_SEED.box(words, "sampling.sweep_first_seed", min_width=140)
    with gr.Row():
        go = words(
            gr.Button,
            keys={"value": "sampling.sweep_go"},
            variant="primary",
            min_width=160,
            elem_id="sampling-sweep-go",
        )
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="sampling-sweep-stop")
        link_button(
            page,
            "sampling",
            {
                "prompt": (Text("prompt", "", settings().max_prompt_chars), prompt),
                "temperatures": (TEMPERATURES, temperatures),
                "seeds": (SEEDS, seeds),
                "length": (LENGTH, length),
                "first_seed": (FIRST_SEED, first_seed),
            },
            part="sweep",
        )
    found = gr.HTML("", elem_id="sampling-sweep-found")

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    go.click(guarded(handlers.run), [lang, prompt, temperatures, seeds, first_seed, length], [sweep, found], **quiet)
    stop.click(guarded(handlers.stop), lang, None, queue=False, **quiet)
    page.on_language(guarded(handlers.relabel), [sweep], [found])
    endpoint("sweep", handlers.api)
