"""A sweep: all texts at once, none lost with another, places given back; written by the real embedded model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from common import errors
from common.config import settings
from common.text.engine import GenerationRequest, TokenBundle
from common.text.engines.process import ProcessEngine
from common.text.sweep import BEAMS, Cell, Progress, by_temperature, measure, plan, write_all

PROMPT = "The capital of France is"


def _write(
    engine: ProcessEngine, cells: Sequence[Cell], prompt: str = PROMPT, places: int = 32
) -> tuple[list[Progress], int]:
    """All states, and how many texts the engine had at a time."""

    async def run() -> tuple[list[Progress], int]:
        states, most = [], 0
        async for state in write_all(engine, prompt, cells, asyncio.Semaphore(places)):
            states.append(state)
            most = max(most, engine.active)
        return states, most

    return asyncio.run(run())


def _endless(cells: list[Cell]) -> list[Cell]:
    """Texts that all reach their longest length: one that ends by itself after a few tokens would not be seen."""
    for cell in cells:
        cell.sampling = replace(cell.sampling, ignore_eos=True)
    return cells


def _alone(engine: ProcessEngine, cell: Cell) -> str:
    async def run() -> str:
        request = GenerationRequest(prompt=PROMPT, sampling=cell.sampling)
        bundles = [event async for event in engine.stream(request) if isinstance(event, TokenBundle)]
        return "".join(token.text for bundle in bundles for token in bundle.tokens if not token.special)

    return asyncio.run(run())


def test_the_plan_has_every_temperature_with_every_seed() -> None:
    cells = plan([0.2, 1.0], [7, 8, 9], 40)
    assert [cell.kind for cell in cells] == ["greedy", *["sample"] * 6, "beam"]
    drawn = [cell.sampling for cell in cells if cell.kind == "sample"]
    assert [(s.temperature, s.seed) for s in drawn] == [(t, seed) for t in (0.2, 1.0) for seed in (7, 8, 9)]
    assert all((s.top_k, s.top_p, s.min_p, s.repetition_penalty) == (0, 1, 0, 1) for s in drawn)
    assert {cell.sampling.max_new_tokens for cell in cells} == {40}
    assert cells[0].sampling.temperature == 0
    assert cells[-1].sampling.num_beams == BEAMS
    assert [cell.kind for cell in plan([1.0], [1], 5, beams=False)] == ["greedy", "sample"]


def test_measures_of_a_row() -> None:
    same = measure(["a b c d e", "a b c d e"])
    assert (same.distinct_1, same.self_bleu, same.repetition) == (0.5, pytest.approx(1), 0)
    alone = measure(["a b c d a b c d a b c d"])
    assert alone.self_bleu is None
    assert alone.repetition == pytest.approx(5 / 9)  # 9 runs of four words, 4 different ones


def test_measures_by_temperature() -> None:
    cells = plan([1.0, 0.2, 1.5], [1, 2], 5)
    for cell, written in zip(cells, ["greedy", "a b", "a c", "d e", "d e", "", "", "beam"], strict=True):
        cell.text = written
    found = by_temperature(cells)
    assert list(found) == [0.2, 1.0]
    assert found[1.0] == measure(["a b", "a c"])
    assert found[0.2] == measure(["d e", "d e"])


@pytest.mark.slow
def test_all_texts_are_written_as_one_batch(engine: ProcessEngine) -> None:
    cells = _endless(plan([0.5, 1.3], [1, 2], 120))
    states, most = _write(engine, cells)
    assert most == len(cells) == 6
    assert all(cell.finished and cell.text for cell in cells)
    last = states[-1]
    assert (last.done, last.total, last.waiting, last.seconds_left) == (6, 6, 0, 0)
    assert last.tokens == sum(cell.tokens for cell in cells) <= 6 * 120
    assert last.tokens_per_second == pytest.approx(last.tokens / last.seconds)
    assert [state.tokens for state in states] == sorted(state.tokens for state in states)
    assert cells[1].text != cells[2].text  # another seed, another text
    # Every text is that of its own settings and seed. Where one of its tokens is nearly as probable as another, a batch
    # of another size may round to the other one on some processors: what is compared is how they begin.
    for cell in (cells[0], cells[2]):
        assert _alone(engine, cell)[:12] == cell.text[:12]


@pytest.mark.slow
def test_a_text_that_is_refused_takes_no_other_with_it(engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "max_active", 2)
    monkeypatch.setattr(settings(), "max_waiting", 2)
    cells = plan([0.7], [1, 2, 3, 4], 10)
    _write(engine, cells)
    refused = [cell for cell in cells if cell.problem]
    assert len(refused) == 2
    assert all(isinstance(cell.problem, errors.QueueFull) and not cell.text for cell in refused)
    assert all(cell.finished and cell.text for cell in cells if cell not in refused)


@pytest.mark.slow
def test_sweeps_share_their_places(engine: ProcessEngine) -> None:
    cells = _endless(plan([0.7], [1, 2, 3, 4], 120, beams=False))
    states, most = _write(engine, cells, places=2)
    assert most == 2
    assert states[0].waiting == 3
    assert all(cell.finished for cell in cells)


@pytest.mark.slow
def test_closing_it_keeps_what_has_come_and_frees_the_places(engine: ProcessEngine) -> None:
    cells = _endless(plan([0.7, 1.0], [1, 2], 400))

    async def run() -> None:
        places = asyncio.Semaphore(4)
        async with contextlib.aclosing(write_all(engine, PROMPT, cells, places)) as progress:
            async for state in progress:
                if state.tokens > 20:
                    assert state.seconds_left is not None and state.seconds_left > 0
                    break
        for _ in range(4):
            await asyncio.wait_for(places.acquire(), 1)

    asyncio.run(run())
    assert engine.active == 0
    assert not any(cell.finished or cell.problem for cell in cells)
    assert any(cell.text for cell in cells)


@pytest.mark.slow
def test_a_prompt_that_is_too_long_is_said_in_every_cell(engine: ProcessEngine) -> None:
    cells = plan([0.7], [1], 10)
    _write(engine, cells, prompt="word " * 9000)
    assert all(isinstance(cell.problem, errors.PromptTooLong) for cell in cells)
