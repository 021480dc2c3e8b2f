"""Image to image and inpainting: the pictures of diffusers' own pipelines, and nothing changed outside a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline
from PIL import Image, ImageDraw

from common.diffusion import pictures, redraw, walk
from common.diffusion.opened import Opened
from common.diffusion.redraw import Redrawn, RedrawRequest, RedrawStep


def _apple() -> Image.Image:
    picture = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(picture).ellipse((22, 6, 74, 58), fill="#d92637")
    return picture


def _half() -> Image.Image:
    """The lower half is to be drawn anew."""
    mask = Image.new("L", (128, 128))
    mask.paste(255, (0, 64, 128, 128))
    return mask


def _run(opened: Opened, request: RedrawRequest) -> tuple[list[RedrawStep], Redrawn]:
    *steps, last = redraw.run(opened, request)
    assert isinstance(last, Redrawn)
    return steps, last  # type: ignore[return-value]


@pytest.mark.parametrize(("strength", "taken"), [(0.5, 3), (1.0, 6), (0.05, 1)])
def test_the_strength_says_where_it_begins(tiny_opened: Opened, strength: float, taken: int) -> None:
    steps, _ = _run(tiny_opened, RedrawRequest(_apple(), "apple", strength, 6, 2.0, 3))
    assert [step.step for step in steps] == list(range(1, taken + 1))
    assert all(step.steps == taken for step in steps)
    shares = [step.noise_left for step in steps]
    assert shares == sorted(shares, reverse=True)
    assert steps[-1].seconds_left == 0


def test_more_strength_more_noise_at_the_start(tiny_opened: Opened) -> None:
    starts = [
        _run(tiny_opened, RedrawRequest(_apple(), "apple", strength, 6, 2.0, 3))[0][0].noise_left
        for strength in (0.2, 0.6, 1.0)
    ]
    assert starts == sorted(starts) and starts[-1] > 0.9


def _with_diffusers(opened: Opened, request: RedrawRequest, kind: Any, **more: Any) -> Any:
    """The same from the latents, since the pipelines draw theirs by chance."""
    with opened.in_use("ddim") as pipe, torch.inference_mode():
        latents = walk.to_latents(pipe, pictures.square(request.picture, 32))
        theirs = kind(**pipe.components, requires_safety_checker=False)
        theirs.set_progress_bar_config(disable=True)
        if more:
            more["masked_image_latents"] = latents
        return theirs(
            prompt=request.prompt,
            image=latents,
            strength=request.strength,
            num_inference_steps=request.steps,
            guidance_scale=request.scale,
            generator=torch.Generator().manual_seed(request.seed),
            **more,
        ).images[0]


def test_image_to_image_is_that_of_diffusers(tiny_opened: Opened) -> None:
    request = RedrawRequest(_apple(), "red heart", 0.6, 6, 3.0, 11)
    own = _with_diffusers(tiny_opened, request, StableDiffusionImg2ImgPipeline)
    assert _far(_run(tiny_opened, request)[1].result, own) <= 2


def test_inpainting_is_that_of_diffusers_and_the_rest_stays(tiny_opened: Opened) -> None:
    request = RedrawRequest(_apple(), "red heart", 0.6, 6, 3.0, 11, _half())
    last = _run(tiny_opened, request)[1]
    own = _with_diffusers(
        tiny_opened, request, StableDiffusionInpaintPipeline, mask_image=_half().resize((32, 32)), height=32, width=32
    )
    ours, theirs, before = (np.asarray(one).astype(int) for one in (last.result, own, last.original))
    assert np.abs(ours[16:] - theirs[16:]).max() <= 2
    assert (ours[:16] == before[:16]).all(), "outside the mask every pixel is the picture's own"
    assert np.abs(ours[16:] - before[16:]).max() > 0


def test_a_thin_stroke_counts_in_latents_too(tiny_opened: Opened) -> None:
    thin = Image.new("L", (128, 128))
    thin.paste(255, (40, 64, 90, 66))
    last = _run(tiny_opened, RedrawRequest(_apple(), "red heart", 1.0, 3, 3.0, 11, thin))[1]
    free = redraw._in_latents(thin, torch.zeros(1, 4, 16, 16))
    assert 6 <= int(free.sum()) <= 8
    changed = (np.asarray(last.result) != np.asarray(last.original)).any(2)
    assert set(np.nonzero(changed)[0].tolist()) <= {15, 16, 17}


def _far(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one).astype(int) - np.asarray(other)).max())
