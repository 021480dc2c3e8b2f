"""What a step's prediction says: noise and clean picture come back from every kind of prediction and scheduler."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from common.diffusion import schedulers
from common.diffusion.request import OWN

CHANCE = torch.Generator().manual_seed(0)
CLEAN, NOISE = torch.randn(2, 4, 8, 8, generator=CHANCE), torch.randn(2, 4, 8, 8, generator=CHANCE)


def _own(prediction: str = "epsilon") -> DDIMScheduler:
    return DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type=prediction)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["ddim", "dpmpp_2m", "unipc", "euler", "euler_a", "lcm"])
def test_noise_and_clean_picture_come_back(name: str, prediction: str) -> None:
    scheduler = schedulers.make(_own(prediction), name)
    scheduler.set_timesteps(10)
    timestep = scheduler.timesteps[4]
    noisy = scheduler.add_noise(CLEAN, NOISE, timestep.reshape(1))
    share = 1 - float(scheduler.alphas_cumprod[int(timestep)])
    velocity = (1 - share) ** 0.5 * NOISE - share**0.5 * CLEAN
    said = {"epsilon": NOISE, "v_prediction": velocity, "sample": CLEAN}[prediction]
    shown, noise, clean, found = schedulers.split(scheduler, said, timestep, noisy)
    assert found == pytest.approx(share, abs=2e-3)
    torch.testing.assert_close(noise, NOISE, atol=0.02, rtol=0)
    torch.testing.assert_close(clean, CLEAN, atol=0.02, rtol=0)
    torch.testing.assert_close(shown, (1 - share) ** 0.5 * CLEAN + share**0.5 * NOISE, atol=0.02, rtol=0)


@given(place=st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_a_flow_is_split_too(place: int) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(10)
    timestep = scheduler.timesteps[place]
    sigma = float(timestep) / 1000
    noisy = (1 - sigma) * CLEAN + sigma * NOISE
    _, noise, clean, share = schedulers.split(scheduler, NOISE - CLEAN, timestep, noisy)
    assert share == pytest.approx(sigma)
    torch.testing.assert_close(noise, NOISE, atol=1e-4, rtol=0)
    torch.testing.assert_close(clean, CLEAN, atol=1e-4, rtol=0)


def test_the_noise_schedule_stays_the_models() -> None:
    own = _own("v_prediction")
    for name in schedulers.NAMES:
        made = schedulers.make(own, name)
        assert made is not own
        assert made.config.prediction_type == "v_prediction"
        torch.testing.assert_close(made.alphas_cumprod, own.alphas_cumprod)


def test_what_can_be_chosen() -> None:
    assert "lcm" not in schedulers.fitting(_own(), few_steps=False)
    assert "lcm" in schedulers.fitting(_own(), few_steps=True)
    assert schedulers.fitting(FlowMatchEulerDiscreteScheduler(), few_steps=True) == (OWN,)
    assert schedulers.title(_own(), OWN) == "DDIM"
    assert schedulers.title(FlowMatchEulerDiscreteScheduler(), OWN) == "FlowMatchEulerDiscrete"
