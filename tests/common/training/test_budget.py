"""The calculator: the slides' figures, what each choice divides, and estimates beside a real step."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.memory import without_holes
from common.training import budget
from common.training.budget import Model, Plan, memory

SIZES = st.floats(1e8, 1e12)


@given(SIZES)
def test_a_size_gives_a_model_of_about_that_size(parameters: float) -> None:
    assert Model.of_size(parameters).parameters == pytest.approx(parameters, rel=0.35)


def test_the_slides_four_gigabytes_and_gpt_3() -> None:
    billion = Model(24, 1_850, 16, 50_257, 4 * 1_850)
    assert memory(billion, Plan("fp32")).weights == pytest.approx(4e9, rel=0.1)
    assert budget.SLIDE_TABLE * 175 == 14_000
    assert budget.SLIDE_TABLE * 500 == 40_000
    assert Model(96, 12_288, 96, 50_257, 4 * 12_288).parameters == pytest.approx(175e9, rel=0.01)


@given(SIZES, st.integers(2, 512))
def test_sharding_divides_what_it_says(parameters: float, gpus: int) -> None:
    model = Model.of_size(parameters)
    alone = memory(model, Plan("fp32"))
    zero1, zero2, zero3 = (
        memory(model, Plan("fp32", gpus=gpus, sharding=kind)) for kind in ("zero1", "zero2", "zero3")
    )
    assert zero1.optimizer == pytest.approx(alone.optimizer / gpus)
    assert (zero1.gradients, zero1.weights) == (alone.gradients, alone.weights)
    assert zero2.gradients == pytest.approx(alone.gradients / gpus)
    assert zero3.weights == pytest.approx(alone.weights / gpus)
    assert alone.total > zero1.total > zero2.total > zero3.total
    assert zero3.activations == alone.activations


@given(SIZES, st.integers(1, 64))
def test_a_lora_needs_less_and_a_higher_rank_more(parameters: float, rank: int) -> None:
    model = Model.of_size(parameters)
    full, low, high = (
        memory(model, Plan()),
        memory(model, Plan(lora_rank=rank)),
        memory(model, Plan(lora_rank=rank + 1)),
    )
    assert low.gradients < full.gradients / 4
    assert low.total < high.total
    assert memory(model, Plan("int4", lora_rank=rank)).weights < low.weights / 7


@given(SIZES, st.integers(1, 32), st.sampled_from([256, 4096]))
def test_checkpointing_keeps_less(parameters: float, batch: int, context: int) -> None:
    model = Model.of_size(parameters)
    with_all, with_few = (Plan(batch=batch, context=context, checkpointing=few) for few in (False, True))
    assert memory(model, with_few).activations < memory(model, with_all).activations


@given(SIZES, st.sampled_from(["none", "zero1", "zero2", "zero3"]), st.sampled_from(budget.cards()))
def test_so_many_gpus_hold_it_and_fewer_do_not(parameters: float, sharding: budget.Sharding, card: budget.Card) -> None:
    model, room = Model.of_size(parameters), card.memory_gb * 0.9e9

    def held(gpus: int) -> float:
        found = memory(model, Plan(gpus=gpus, sharding=sharding)).total
        return found / gpus if sharding == "none" else found

    count = budget.gpus_needed(model, Plan(gpus=64, sharding=sharding), card)
    if count is None:
        assert sharding != "none" and held(10**9) > 0.999 * room
    else:
        assert held(count) <= 1.001 * room and (count == 1 or held(count - 1) > 0.999 * room)


def test_time_and_money_of_gpt_3() -> None:
    card = next(card for card in budget.cards() if card.name == "NVIDIA A100")
    found = budget.bill(175e9, 300e9, card, 1024, 0.4, 2.0, 480)
    assert found.flops == pytest.approx(3.15e23)
    assert found.hours / 24 == pytest.approx(28.5, rel=0.02)
    assert found.money == pytest.approx(found.hours * 1024 * 2.0)
    assert found.co2_kg == pytest.approx(found.kwh * 0.48)


@pytest.mark.slow
def test_the_estimate_by_part_is_near_a_real_step() -> None:
    model = Model(4, 256, 4, 2000, 1024)
    asked = {"layers": 4, "width": 256, "vocabulary": 2000, "batch": 8, "context": 128}
    done = subprocess.run(
        [sys.executable, "-m", "common.training.probe", json.dumps(asked)],
        env={**os.environ, **without_holes()},
        stdout=subprocess.PIPE,
        check=True,
    )
    real = json.loads(done.stdout.splitlines()[-1])
    guess = memory(model, Plan("fp32", batch=8, context=128))
    for part in ("weights", "gradients", "optimizer", "activations"):
        assert getattr(guess, part) == pytest.approx(real[part], rel=0.15), part
    assert guess.total == pytest.approx(real["peak"], rel=0.15)
