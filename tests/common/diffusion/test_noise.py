"""The forward process: the closed form is the sum of its steps, the ratio only falls, and there is a way back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from common import errors, hardware
from common.diffusion import noise
from common.diffusion.engine import DiffusionEngine
from common.diffusion.models import DiffusionModels
from common.diffusion.noise import Noised, NoiseRequest, NoiseStep
from common.diffusion.opened import Opened

SCHEDULES = st.tuples(
    st.floats(1e-5, 5e-3), st.floats(6e-3, 0.03), st.sampled_from(["linear", "scaled_linear", "squaredcos_cap_v2"])
)


def _scheduler(first: float, last: float, kind: str) -> Any:
    return DDIMScheduler(beta_start=first, beta_end=last, beta_schedule=kind, num_train_timesteps=200)


@settings(max_examples=20)
@given(SCHEDULES, st.integers(0, 199))
def test_the_closed_form_is_the_sum_of_all_steps(schedule: tuple[float, float, str], t: int) -> None:
    """x ← √(1−β)·x + √β·ε, t + 1 times, has the mean and the variance that the level names."""
    scheduler = _scheduler(*schedule)
    level = noise.levels(scheduler)[t]
    share, variance = 1.0, 0.0
    for beta in scheduler.betas[: t + 1].tolist():
        share, variance = math.sqrt(1 - beta) * share, (1 - beta) * variance + beta
    assert level.signal == pytest.approx(share, rel=1e-3, abs=1e-5)
    assert level.noise**2 == pytest.approx(variance, rel=1e-3, abs=1e-5)
    picture, made = torch.full((1, 1, 2, 2), 0.7), torch.full((1, 1, 2, 2), -1.3)
    noisy = scheduler.add_noise(picture, made, torch.tensor([t]))
    assert noisy[0, 0, 0, 0].item() == pytest.approx(0.7 * level.signal - 1.3 * level.noise, abs=1e-4)


@settings(max_examples=20)
@given(SCHEDULES)
def test_the_ratio_only_falls(schedule: tuple[float, float, str]) -> None:
    levels = noise.levels(_scheduler(*schedule))
    assert all(level.signal**2 + level.noise**2 == pytest.approx(1) for level in levels)
    ratios = [level.decibels for level in levels]
    assert all(later < earlier for earlier, later in itertools.pairwise(ratios))


def test_as_much_noise_as_picture_is_zero_decibels() -> None:
    assert noise.Level(1, math.sqrt(0.5), math.sqrt(0.5)).decibels == pytest.approx(0)
    assert noise.Level(1, math.sqrt(10 / 11), math.sqrt(1 / 11)).decibels == pytest.approx(10)


def _face() -> Image.Image:
    picture = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(picture).ellipse((22, 6, 74, 58), fill="#ffcc4d")
    return picture


@pytest.mark.parametrize(("share", "steps", "taken"), [(0.5, 6, 3), (1.0, 4, 4), (0.05, 4, 1)])
def test_both_ways_visit_the_same_levels(tiny_opened: Opened, share: float, steps: int, taken: int) -> None:
    events = list(noise.run(tiny_opened, NoiseRequest(_face(), "face", share, steps, 2.0, 3)))
    ways = {back: [event for event in events[:-1] if event.back is back] for back in (False, True)}  # type: ignore[union-attr]
    up, down = ways[False], ways[True]
    assert len(up) == len(down) == taken
    assert [step.level for step in up] == [step.level for step in reversed(down)]  # type: ignore[union-attr]
    # The way back begins where the way there has ended.
    top, first = up[-1], down[0]
    assert isinstance(top, NoiseStep) and isinstance(first, NoiseStep)
    assert np.abs(top.noisy.astype(int) - first.noisy).max() <= 1
    assert events[-2].done == 1.0 and events[-2].seconds_left == 0  # type: ignore[union-attr]
    last = events[-1]
    assert isinstance(last, Noised)
    assert last.original.size == last.kept.size == last.result.size == (32, 32)
    assert len(last.curve) == 1000 and len(last.pixels) == min(taken, 5)


def test_pixels_are_noised_as_the_formula_says(tiny_opened: Opened) -> None:
    last = list(noise.run(tiny_opened, NoiseRequest(_face(), "", 1.0, 10, 1.0, 3)))[-1]
    assert isinstance(last, Noised)
    original = np.asarray(last.original).astype(float)
    errors = [np.abs(np.asarray(picture) - original).mean() for _, picture in last.pixels]
    assert errors == sorted(errors) and errors[-1] > 3 * errors[0]


@pytest.fixture(scope="module")
def engine() -> Iterator[DiffusionEngine]:
    models = DiffusionModels()
    yield models.engine("emoji-diffusion")
    models.close()


@pytest.mark.slow
def test_the_more_noise_the_less_of_the_picture_comes_back(engine: DiffusionEngine) -> None:
    def lost(share: float) -> float:
        last = list(noise.run(engine.opened(), NoiseRequest(_face(), "smiling face", share, 10, 2.0, 3)))[-1]
        assert isinstance(last, Noised)
        return float(np.abs(np.asarray(last.result).astype(int) - np.asarray(last.original)).mean())

    assert lost(0.1) < lost(1.0)


def test_memory_is_looked_at_before(tiny_opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: 0.0)
    with pytest.raises(errors.OutOfMemory):
        next(noise.run(tiny_opened, NoiseRequest(Image.new("RGB", (32, 32)), steps=2)))
