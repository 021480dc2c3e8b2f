"""The engine on a real, tiny pipeline: steps are told, batches joined, places freed, refusals said."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from common import errors, hardware
from common.diffusion import engine as engines
from common.diffusion import estimate
from common.diffusion.engine import DiffusionEngine, Finished, ImageEvent, ImageRequest, StepEvent, check
from common.diffusion.models import configured
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import LENT, paint, paint_on_lent_gpu

REQUEST = ImageRequest("red apple", steps=3, size=32, seed=5)


async def _draw(engine: DiffusionEngine, request: ImageRequest) -> list[ImageEvent]:
    return [event async for event in engine.draw(request)]


def _drawn(engine: DiffusionEngine, *requests: ImageRequest) -> list[Finished]:
    async def all_of_them() -> list[list[ImageEvent]]:
        return await asyncio.gather(*(_draw(engine, request) for request in requests))

    ends = [events[-1] for events in asyncio.run(all_of_them())]
    assert all(isinstance(end, Finished) for end in ends)
    return ends  # type: ignore[return-value]


def _pixels(finished: Finished, place: int = 0) -> np.ndarray:
    return np.asarray(finished.images[place]).astype(int)


@pytest.mark.parametrize("scheduler", ["own", "ddim", "dpmpp_2m", "euler", "euler_a", "unipc"])
def test_every_scheduler_tells_every_step(tiny_engine: DiffusionEngine, scheduler: str) -> None:
    events = asyncio.run(_draw(tiny_engine, replace(REQUEST, scheduler=scheduler, trace=True)))
    steps = [event for event in events if isinstance(event, StepEvent)]
    assert [(step.step, step.steps) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert all(before.noise_left > after.noise_left for before, after in pairwise(steps))
    assert all(step.clean[0].shape == step.noisy[0].shape == step.noise[0].shape for step in steps)
    assert isinstance(events[-1], Finished) and events[-1].images[0].size == (32, 32)


def test_it_is_what_the_pipeline_draws_by_itself(tiny_engine: DiffusionEngine, tiny_opened: Opened) -> None:
    ours = _drawn(tiny_engine, REQUEST)[0]
    with tiny_opened.in_use() as pipe:
        own = pipe(
            "red apple",
            negative_prompt="",
            num_inference_steps=3,
            guidance_scale=REQUEST.guidance_scale,
            height=32,
            width=32,
            generator=torch.Generator().manual_seed(5),
        ).images[0]
    assert np.abs(_pixels(ours) - np.asarray(own).astype(int)).max() <= 2


def test_same_seed_same_picture_in_any_company(tiny_engine: DiffusionEngine) -> None:
    alone = _drawn(tiny_engine, REQUEST)[0]
    busy = replace(REQUEST, steps=20, scheduler="euler")  # holds the engine while the others gather
    together = _drawn(tiny_engine, busy, replace(REQUEST, seed=1), REQUEST, replace(REQUEST, prompt="a fox"))
    assert together[2].together == 3
    assert np.abs(_pixels(alone) - _pixels(together[2])).max() <= 2
    assert np.abs(_pixels(alone) - _pixels(together[1])).max() > 20  # another seed is another picture


def test_a_wide_batch_of_the_embedded_model_gives_the_same_pictures() -> None:
    """Where the processor has 16-bit arithmetic a wide batch uses it: nobody shall see that."""
    model = open_model(configured("emoji-diffusion"))
    asked = [ImageRequest(name, seed=5, steps=8, guidance_scale=4.0) for name in ("red apple", "fox", "owl", "lemon")]
    together = paint(model, [replace(request, images=2) for request in asked])
    for request, finished in zip(asked, together, strict=True):
        alone = paint(model, [request])[0]
        assert np.abs(_pixels(alone) - _pixels(finished)).mean() < 2
        assert finished.together == 8


def test_who_comes_while_a_room_gathers_is_in_its_batch(tiny_opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathering ends at once when the batch is full; until then everybody who comes is in it."""
    monkeypatch.setattr(engines, "_GATHER", 30.0)
    monkeypatch.setattr(engines, "_GATHER_AT_MOST", 30.0)
    engine = DiffusionEngine("tiny", lambda: tiny_opened, together=3)

    async def one_after_the_other() -> list[ImageEvent]:
        tasks = []
        for number in range(1, 4):
            tasks.append(asyncio.create_task(_draw(engine, replace(REQUEST, seed=number))))
            await asyncio.sleep(0)  # the next one comes when this one is in line
        return [events[-1] for events in await asyncio.gather(*tasks)]

    try:
        ends = asyncio.run(asyncio.wait_for(one_after_the_other(), 25))
    finally:
        engine.close()
    assert [end.together for end in ends if isinstance(end, Finished)] == [3, 3, 3]


def test_several_pictures_have_the_seeds_that_follow(tiny_engine: DiffusionEngine) -> None:
    several, single = _drawn(tiny_engine, replace(REQUEST, images=3), replace(REQUEST, seed=7))
    assert len(several.images) == 3 and several.hidden == (False,) * 3
    assert np.abs(_pixels(several, 2) - _pixels(single)).max() <= 2


def test_guidance_and_negative_prompt_change_the_picture(tiny_engine: DiffusionEngine) -> None:
    plain = _pixels(_drawn(tiny_engine, REQUEST)[0])
    for other in (replace(REQUEST, guidance_scale=1.0), replace(REQUEST, negative_prompt="blue sky")):
        assert np.abs(plain - _pixels(_drawn(tiny_engine, other)[0])).max() > 0


def test_leaving_frees_the_place(tiny_engine: DiffusionEngine) -> None:
    async def leave_after_the_first_step() -> int:
        async with contextlib.aclosing(tiny_engine.draw(replace(REQUEST, steps=100))) as events:
            async for event in events:
                if isinstance(event, StepEvent):
                    break
        return tiny_engine.active

    assert asyncio.run(leave_after_the_first_step()) == 0
    assert _drawn(tiny_engine, REQUEST)[0].together == 1  # the engine goes on


def test_too_many_are_refused(tiny_engine: DiffusionEngine) -> None:
    async def crowd() -> list[object]:
        long = replace(REQUEST, steps=10)
        return list(await asyncio.gather(*(_draw(tiny_engine, long) for _ in range(6)), return_exceptions=True))

    refused = [result for result in asyncio.run(crowd()) if isinstance(result, Exception)]
    assert [type(problem) for problem in refused] == [errors.PicturesWaiting]


@pytest.mark.parametrize(
    ("request_", "field"),
    [(replace(REQUEST, size=33), "image_size"), (replace(REQUEST, scheduler="lcm"), "scheduler")],
)
def test_what_the_model_has_not_is_said(tiny_opened: Opened, request_: ImageRequest, field: str) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        check(tiny_opened, request_)
    assert caught.value.params["field"] == field


def test_a_size_that_fits_is_named(tiny_opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(REQUEST, size=48)
    between = (estimate.memory_gb(tiny_opened, replace(large, size=32)) + estimate.memory_gb(tiny_opened, large)) / 2
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: between)
    with pytest.raises(errors.PictureTooLarge) as caught:
        check(tiny_opened, large)
    assert caught.value.params["size"] == 32
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: 0.0)
    with pytest.raises(errors.OutOfMemory):
        check(tiny_opened, large)


def test_of_several_pictures_a_number_that_fits_is_named(tiny_opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    several = replace(REQUEST, images=8)
    free = estimate.memory_gb(tiny_opened, replace(several, images=3))
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: free)
    with pytest.raises(errors.PictureTooLarge) as caught:
        check(tiny_opened, several)
    named = {name: caught.value.params[name] for name in ("images", "size")}
    assert named["images"] < 8 and named["size"] == 32
    check(tiny_opened, replace(several, **named))


def test_memory_that_runs_out_while_drawing_is_said(tiny_opened: Opened) -> None:
    problem = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
    said = DiffusionEngine._sentence(tiny_opened, replace(REQUEST, size=48), problem)
    assert isinstance(said, errors.PictureTooLarge) and said.params["size"] == 32
    other = RuntimeError("something else")
    assert DiffusionEngine._sentence(tiny_opened, REQUEST, other) is other


def test_a_model_that_cannot_be_loaded_is_said_each_time() -> None:
    def missing() -> Opened:
        raise errors.ModelUnavailable(model="m", reason=errors.Phrase("hub_unreachable"))

    engine = DiffusionEngine("missing", missing)
    for _ in range(2):
        with pytest.raises(errors.ModelUnavailable):
            asyncio.run(_draw(engine, REQUEST))
    assert engine.active == 0


def test_who_comes_after_a_model_was_closed_is_told(tiny_opened: Opened) -> None:
    """As when another visitor has chosen another large model: nobody shall wait for a thread that has ended."""
    engine = DiffusionEngine("tiny", lambda: tiny_opened)
    engine.start()
    held = engine.opened()
    events = engine.draw(REQUEST)
    engine.close()
    for closed in (engine, DiffusionEngine("never opened", lambda: tiny_opened)):
        closed.close()
        with pytest.raises(errors.EngineStopped):
            asyncio.run(asyncio.wait_for(_draw(closed, REQUEST), 20))
        with pytest.raises(errors.EngineStopped):
            closed.opened()
    engine._opened = held  # closed just after it was asked for the loaded model
    with pytest.raises(errors.EngineStopped):
        asyncio.run(asyncio.wait_for(anext(events), 20))
    assert engine.active == 0


def test_time_is_known_before_the_click(tiny_engine: DiffusionEngine, tiny_opened: Opened) -> None:
    short, long = tiny_engine.expected(REQUEST), tiny_engine.expected(replace(REQUEST, steps=60))
    assert short is not None and long is not None
    assert 0 < short.seconds < long.seconds
    assert estimate.work(tiny_opened, REQUEST) == 2 * 3 + 1
    assert DiffusionEngine("new", lambda: tiny_opened).expected(REQUEST) is None


def test_the_pace_follows_the_measurements() -> None:
    pace = estimate.Pace()
    assert pace.seconds(1) is None
    pace.measured(10, 20)
    assert pace.seconds(5) == pytest.approx(10)
    pace.measured(10, 10)
    assert 5 < (pace.seconds(5) or 0) < 10


def test_a_lent_gpu_tells_the_same(
    tiny_opened: Opened, tiny_engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a GPU is lent for each call the events come as a stream."""
    usual = _drawn(tiny_engine, REQUEST)[0]
    monkeypatch.setattr(hardware, "on_zerogpu", lambda: True)
    engine = DiffusionEngine("lent", lambda: tiny_opened)
    events = asyncio.run(_draw(engine, REQUEST))
    assert [event.step for event in events if isinstance(event, StepEvent)] == [1, 2, 3]
    assert isinstance(events[-1], Finished)
    assert np.abs(_pixels(events[-1]) - _pixels(usual)).max() <= 2
    engine.close()


def test_leaving_ends_the_batch_on_a_lent_gpu(tiny_opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that draws there stops between two steps; it does not use up what a visitor is lent."""
    monkeypatch.setattr(hardware, "on_zerogpu", lambda: True)
    LENT["left"] = tiny_opened
    events = paint_on_lent_gpu("left", [replace(REQUEST, steps=100)])
    index, step = next(events)
    assert index == 0 and isinstance(step, StepEvent)
    events.close()
    for thread in threading.enumerate():
        if thread.name == "paint":
            thread.join(30)
            assert not thread.is_alive()

    engine = DiffusionEngine("lent", lambda: tiny_opened)

    async def leave_after_the_first_step() -> None:
        async with contextlib.aclosing(engine.draw(replace(REQUEST, steps=100))) as drawn:
            async for event in drawn:
                if isinstance(event, StepEvent):
                    return

    closed: list[str] = []

    def lent(name: str, requests: Sequence[ImageRequest]) -> Generator[tuple[int, StepEvent], None, None]:
        try:
            for number in range(100):
                time.sleep(0.05)
                yield 0, replace(step, step=number + 1)
        finally:
            closed.append(name)

    monkeypatch.setattr(engines, "paint_on_lent_gpu", lent)
    asyncio.run(leave_after_the_first_step())
    engine.close()
    assert closed == [tiny_opened.model.id]
