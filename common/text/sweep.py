"""One prompt, many texts at once: every temperature with every seed, and greedy and beam search beside them.

All requests start together, so the model writes the texts as one batch. The texts are then compared. Knows nothing
about pages, nor which engine writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from common import errors
from common.text.diversity import distinct, repetition, self_bleu
from common.text.engine import Finished, GenerationRequest, SamplingSettings, TextEngine, TokenBundle

Kind = Literal["greedy", "sample", "beam"]
BEAMS = 4
# How often the state of a running sweep is told, in seconds.
_TELL_SECONDS = 0.4


@dataclass(slots=True)
class Cell:
    """One text of a sweep, filled while it is written.

    Attributes:
        kind: how its tokens are chosen.
        sampling: with which settings.
        text, tokens: what has come so far; a beam search gives everything at its end.
        started: moment (``time.perf_counter``) when it was sent to the model; None while it waits for a place.
        finished: True when the text is complete; stays False when the sweep was stopped before.
        problem: why there is no complete text.
    """

    kind: Kind
    sampling: SamplingSettings
    text: str = ""
    tokens: int = 0
    started: float | None = None
    finished: bool = False
    problem: errors.DemystifyError | None = None

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.finished or self.problem is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done, total: texts.
        waiting: texts that have not been sent to the model yet, because other sweeps fill its places.
        tokens: written so far in all texts together.
        seconds: since the first text was sent.
        seconds_left: at most, by the speed so far; None before the first token.
    """

    done: int
    total: int
    waiting: int
    tokens: int
    seconds: float
    seconds_left: float | None

    @property
    def tokens_per_second(self) -> float:
        """Speed of all texts together, reading the prompt included."""
        return self.tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Measures:
    """What the texts of one row have in common, each from 0 to 1.

    Attributes:
        distinct_1, distinct_2: share of different words and pairs of words among all of them.
        self_bleu: how much a text has in common with the others of the row; None for fewer than two texts.
        repetition: mean share of four-word runs that a text has said before.
    """

    distinct_1: float
    distinct_2: float
    self_bleu: float | None
    repetition: float


def plan(temperatures: Sequence[float], seeds: Sequence[int], max_new_tokens: int, beams: bool = True) -> list[Cell]:
    """The texts to write: greedy first, then row by row, then beam search where the engine can do it.

    Nothing but the temperature differs from row to row, and no filter and no penalty hides its effect.
    """
    cells = [Cell("greedy", SamplingSettings(temperature=0.0, max_new_tokens=max_new_tokens))]
    for temperature in temperatures:
        for seed in seeds:
            sampling = SamplingSettings(temperature=temperature, seed=seed, max_new_tokens=max_new_tokens)
            cells.append(Cell("sample", sampling))
    if beams:
        cells.append(Cell("beam", SamplingSettings(num_beams=BEAMS, max_new_tokens=max_new_tokens)))
    return cells


async def write_all(
    engine: TextEngine, prompt: str, cells: Sequence[Cell], places: asyncio.Semaphore
) -> AsyncGenerator[Progress, None]:
    """Write all texts at the same time. A text that cannot be written says so in its cell; the others go on.

    Closing the generator ends the texts that are still being written; what has come stays in the cells.

    Args:
        engine: who writes.
        prompt: raw text to continue.
        cells: filled as the tokens come.
        places: how many texts all sweeps together may have with the model at a time.
    """
    tasks = [asyncio.create_task(_write(engine, prompt, cell, places)) for cell in cells]
    pending = set(tasks)
    try:
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_TELL_SECONDS)
            yield _progress(cells)
        await asyncio.gather(*tasks)  # an error that is not for users is raised here
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write(engine: TextEngine, prompt: str, cell: Cell, places: asyncio.Semaphore) -> None:
    async with places:
        cell.started = time.perf_counter()
        request = GenerationRequest(prompt=prompt, sampling=cell.sampling)
        try:
            async with contextlib.aclosing(engine.stream(request)) as events:
                async for event in events:
                    if isinstance(event, TokenBundle):
                        cell.text += "".join(token.text for token in event.tokens if not token.special)
                        cell.tokens += len(event.tokens)
                    elif isinstance(event, Finished):
                        cell.finished = True
        except errors.DemystifyError as problem:
            cell.problem = problem


def _progress(cells: Sequence[Cell]) -> Progress:
    starts = [cell.started for cell in cells if cell.started is not None]
    seconds = time.perf_counter() - min(starts) if starts else 0.0
    tokens = sum(cell.tokens for cell in cells)
    furthest = max(cell.tokens for cell in cells)
    # A beam search tells nothing before its end, but keeps step with the others.
    missing = sum(
        cell.sampling.max_new_tokens - (furthest if cell.kind == "beam" else cell.tokens)
        for cell in cells
        if not cell.done
    )
    return Progress(
        done=sum(cell.done for cell in cells),
        total=len(cells),
        waiting=len(cells) - len(starts),
        tokens=tokens,
        seconds=seconds,
        seconds_left=missing * seconds / tokens if tokens else None,
    )


def by_temperature(cells: Sequence[Cell]) -> dict[float, Measures]:
    """The measures of the drawn texts, from the coolest temperature to the warmest; rows without a text are absent."""
    rows: dict[float, list[str]] = {}
    for cell in cells:
        if cell.kind == "sample" and cell.text:
            rows.setdefault(cell.sampling.temperature, []).append(cell.text)
    return {temperature: measure(rows[temperature]) for temperature in sorted(rows)}


def measure(texts: Sequence[str]) -> Measures:
    """Compare the texts of one row; at least one."""
    return Measures(
        distinct_1=distinct(texts, 1),
        distinct_2=distinct(texts, 2),
        self_bleu=self_bleu(texts) if len(texts) > 1 else None,
        repetition=fmean(repetition(text) for text in texts),
    )
