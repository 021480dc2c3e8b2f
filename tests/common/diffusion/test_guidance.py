"""Guidance opened: the written-out loop gives the pipeline's own pictures, and the maps are real attention."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common import errors
from common.diffusion import cross_attention, guidance, walk
from common.diffusion.guidance import GuidanceRequest, Guided, GuidedStep
from common.diffusion.opened import Opened

REQUEST = GuidanceRequest("red apple", steps=4, scale=4.0, seed=5)


@pytest.fixture(scope="module")
def events(tiny_opened: Opened) -> tuple[list[GuidedStep], Guided]:
    *steps, last = guidance.run(tiny_opened, REQUEST)
    assert isinstance(last, Guided) and all(isinstance(step, GuidedStep) for step in steps)
    return steps, last  # type: ignore[return-value]


@given(st.floats(-5, 30), st.floats(-3, 3), st.floats(-3, 3))
def test_guidance_is_a_straight_line_through_both_predictions(scale: float, without: float, given: float) -> None:
    ends = torch.tensor([without], dtype=torch.float64), torch.tensor([given], dtype=torch.float64)
    assert walk.guide(*ends, 0.0).item() == without
    assert walk.guide(*ends, 1.0).item() == pytest.approx(given)
    half, whole = walk.guide(*ends, scale / 2).item(), walk.guide(*ends, scale).item()
    assert half - without == pytest.approx((whole - without) / 2, abs=1e-9)


@pytest.mark.parametrize("scale", [4.0, 1.0])
def test_the_pictures_are_those_of_the_pipeline(
    tiny_opened: Opened, events: tuple[list[GuidedStep], Guided], scale: float
) -> None:
    ours = events[1].images[REQUEST.scales.index(scale)]
    with tiny_opened.in_use() as pipe:
        own = pipe(
            REQUEST.prompt,
            num_inference_steps=REQUEST.steps,
            guidance_scale=scale,
            height=32,
            width=32,
            generator=torch.Generator().manual_seed(REQUEST.seed),
        ).images[0]
    assert np.abs(_array(ours) - _array(own)).max() <= 2


def test_every_scale_goes_a_way_of_its_own(events: tuple[list[GuidedStep], Guided]) -> None:
    steps, last = events
    assert REQUEST.scales == (4.0, 0.0, 1.0, 7.0, 20.0)
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert len({picture.tobytes() for picture in last.images}) == 5
    first = steps[0]
    assert len(first.guided) == 5 and first.guided[0].shape == first.unconditional.shape == (32, 32, 3)
    # Before the scales have parted, guidance 0 and 1 are the two predictions themselves, up to rounding, which the map
    # to colours of a model with random weights makes larger.
    assert np.abs(first.guided[1].astype(int) - first.unconditional).max() <= 3
    assert np.abs(first.guided[2].astype(int) - first.conditional).max() <= 3


def test_a_difference_is_grey_where_nothing_changes() -> None:
    before = np.full((2, 2, 3), 100, np.uint8)
    after = before.copy()
    after[0, 0] = 120
    drawn = guidance.difference(before, after)
    assert (drawn[1] == 128).all() and (drawn[0, 0] == 148).all()


def test_the_maps_are_the_attention_that_the_layers_used(tiny_opened: Opened) -> None:
    """Every pixel shares out all of its attention; the model's answer and its processors stay what they were."""
    with tiny_opened.in_use() as pipe, torch.inference_mode():
        before = pipe.unet.attn_processors
        empty, vectors = walk.embed(pipe, "red apple")
        latents, _ = walk.begin(pipe, 32, 1)
        alone = walk.predict(pipe, latents, torch.tensor(500), empty, vectors)
        with cross_attention.watched(pipe.unet, row=1, edge=16) as watch:
            seen = walk.predict(pipe, latents, torch.tensor(500), empty, vectors)
            layers, maps = watch.layers, watch.take()
        assert pipe.unet.attn_processors == before
        assert layers == sum("attn2" in name for name in before) > 1
        assert maps.shape == (24, 16, 16)
        assert np.abs(maps.sum(0) - 1).max() < 1e-3  # bfloat16, where the processor has it
        assert torch.equal(alone[1], seen[1])
        with cross_attention.watched(pipe.unet, row=0, edge=16) as watch:
            walk.predict(pipe, latents, torch.tensor(500), empty, vectors)
            other = watch.take()
    assert np.abs(maps - other).max() > 0, "the other row has another prompt"


def test_tokens_are_put_together_to_words(tiny_opened: Opened) -> None:
    tokenizer = tiny_opened.pipe.tokenizer  # one token for each letter
    found = cross_attention.words(tokenizer, "red fox")
    assert [(word.text, word.tokens) for word in found] == [("red", (1, 2, 3)), ("fox", (4, 5, 6))]
    long = cross_attention.words(tokenizer, "abc " * 20)
    assert len(long) == 8 and long[-1].text == "a", "22 letters fit, the last word is cut"
    assert cross_attention.words(tokenizer, "") == ()
    maps = np.arange(24, dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)
    assert cross_attention.of_words(maps, found)[:, 0, 0].tolist() == [6, 15]


def test_the_spotlight_falls_where_the_map_is_high() -> None:
    white = np.full((8, 8, 3), 200, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 0.01  # only differences count
    lit = cross_attention.spotlight(white, heat)
    assert lit[0, 0].tolist() == [200] * 3 and lit[-1, -1].tolist() == [40] * 3
    assert (cross_attention.spotlight(white, np.ones((4, 4), np.float32)) == 40).all()


def test_shares_and_looks_belong_to_the_words(events: tuple[list[GuidedStep], Guided]) -> None:
    step = events[0][0]
    assert [word.text for word in step.words] == ["red", "apple"]
    assert len(step.looks) == len(step.shares) == 2 and 0 < sum(step.shares) < 1


def test_another_kind_of_model_is_refused(tiny_opened: Opened) -> None:
    other = replace(tiny_opened, pipe=SimpleNamespace(scheduler=None))
    with pytest.raises(errors.NotSupported, match="tiny-diffusion"):
        next(guidance.run(other, REQUEST))


def _array(picture: Image.Image) -> Any:
    return np.asarray(picture).astype(int)
