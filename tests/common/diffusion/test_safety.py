"""A model's own safety checker: where a loop is written out it is asked too, and hidden steps are shown nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.diffusion import guidance, noise, redraw, safety
from common.diffusion.guidance import GuidanceRequest, Guided, GuidedStep
from common.diffusion.models import configured
from common.diffusion.noise import NoiseRequest
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.redraw import RedrawRequest
from common.diffusion.request import ImageRequest, StepEvent
from common.diffusion.trace import Trace, gif, strip
from tests.tiny_diffusion import add_checker

APPLE = Image.new("RGB", (32, 32), "red")
RUNS: list[tuple[Any, Any]] = [
    (guidance.run, GuidanceRequest("red apple", steps=2)),
    (noise.run, NoiseRequest(APPLE, steps=2)),
    (redraw.run, RedrawRequest(APPLE, "red apple", steps=2)),
]


@pytest.fixture
def checked(tiny_diffusion: Path) -> Iterator[Opened]:
    opened = open_model(configured(str(tiny_diffusion)))
    add_checker(opened.pipe, hides=True)
    yield opened


def _black(picture: Any) -> bool:
    return not np.asarray(picture).any()


@pytest.mark.parametrize(("run", "request_"), RUNS)
def test_every_loop_asks_the_checker(checked: Opened, run: Any, request_: Any) -> None:
    *_, end = run(checked, request_)
    assert end.hidden and all(map(_black, end.images if hasattr(end, "images") else [end.result]))
    add_checker(checked.pipe, hides=False)
    *_, end = run(checked, request_)
    assert not end.hidden and not any(map(_black, end.images if hasattr(end, "images") else [end.result]))


def test_the_steps_of_a_hidden_picture_are_hidden_too(checked: Opened) -> None:
    events: list[StepEvent] = []
    request = ImageRequest("red apple", steps=2, size=32, trace=True)
    finished = paint(checked, [request], lambda _, event: events.append(event))[0]
    assert finished.hidden == (True,) and not _black(events[0].clean[0])
    trace = Trace(request, tuple(events)).finish(finished)
    assert trace.hidden and len(trace.steps) == 2
    for step in trace.steps:
        assert all(_black(picture) for pictures in (step.clean, step.noisy, step.noise) for picture in pictures)
    nothing = Trace(request, tuple(map(safety.blacken, events)), finished)
    assert gif([trace]) == gif([nothing]) and strip([trace]) == strip([nothing])


@pytest.mark.parametrize(("run", "request_"), RUNS)
def test_of_a_stopped_run_the_last_guess_is_judged(checked: Opened, run: Any, request_: Any) -> None:
    first = next(iter(run(checked, request_)))
    steps, hidden = safety.hide_stopped(checked, [first, first])
    shown = getattr(steps[0], "guess", None)
    assert hidden and len(steps) == 2 and _black(shown if shown is not None else steps[0].guided[0])
    add_checker(checked.pipe, hides=False)
    assert safety.hide_stopped(checked, [first]) == ((first,), False)
    assert safety.hide_stopped(checked, []) == ((), False)


def test_a_folder_with_a_checker_is_opened_with_it(tiny_diffusion_hiding: Path) -> None:
    opened = open_model(configured(str(tiny_diffusion_hiding)))
    assert paint(opened, [ImageRequest("red apple", steps=1, size=32)])[0].hidden == (True,)


def test_what_is_no_picture_stays(tiny_opened: Opened) -> None:
    *steps, end = guidance.run(tiny_opened, GuidanceRequest("red apple", steps=2))
    assert isinstance(steps[0], GuidedStep) and isinstance(end, Guided)
    black = safety.blacken(steps[0])
    assert not end.hidden and not _black(steps[0].guided[0])
    assert _black(black.unconditional) and all(map(_black, (*black.guided, *black.looks)))
    assert (black.words, black.shares, black.step) == (steps[0].words, steps[0].shares, 1)


def test_a_run_stopped_before_anything_was_seen_shows_nothing(checked: Opened) -> None:
    step = StepEvent(1, 1, 999.0, 1.0, clean=())
    assert safety.hide_stopped(checked, [step]) == ((step,), False)
