"""Classifier-free guidance, opened: both predictions of every step, and what other scales make of the same noise.

The loop of a diffusion pipeline written out: all scales are one batch, each with a latent of its own. What the two
predictions are is shown for the first scale, the one that was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.diffusion import cross_attention, safety, schedulers, walk
from common.diffusion.cross_attention import Word
from common.diffusion.engine import check
from common.diffusion.opened import Opened
from common.diffusion.request import ImageRequest, Pixels

# No prompt at all, the prompt's own prediction, Stable Diffusion's usual one, far too much.
SCALES = (0.0, 1.0, 7.0, 20.0)
# Words that get a map of their own.
MOST_WORDS = 8
# How much stronger than it is a difference is drawn.
_STRONGER = 2.0


@dataclass(frozen=True, slots=True)
class GuidanceRequest:
    """What to open: a prompt, how many steps, the scale whose predictions are shown, the seed of the noise."""

    prompt: str
    steps: int = 20
    scale: float = 4.0
    seed: int = 0

    @property
    def scales(self) -> tuple[float, ...]:
        """The one that was asked for, then the others."""
        return (self.scale, *(scale for scale in SCALES if scale != self.scale))


@dataclass(frozen=True, slots=True)
class GuidedStep:
    """One step, in pictures of what each prediction would lead to at once.

    Attributes:
        step, steps: counted from 1.
        timestep: where on the noise schedule it is.
        noise_left: share of noise in the variance of the latent, 0 to 1.
        unconditional: without the prompt.
        conditional: with it.
        difference: the latter minus the former: grey where the prompt changes nothing.
        guided: for each of the request's scales; the latents of the scales part from the first step on.
        words: of the prompt, those that have maps.
        looks: for each of them, the guided picture lit where the word is looked at.
        shares: of the attention, for each word, 0 to 1.
        seconds_left: for the rest.
    """

    step: int
    steps: int
    timestep: float
    noise_left: float
    unconditional: Pixels
    conditional: Pixels
    difference: Pixels
    guided: tuple[Pixels, ...]
    words: tuple[Word, ...]
    looks: tuple[Pixels, ...]
    shares: tuple[float, ...]
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Guided:
    """The finished pictures, one for each scale; ``hidden``: the model's safety checker has hidden some."""

    images: tuple[Image.Image, ...]
    hidden: bool = False


def run(opened: Opened, request: GuidanceRequest) -> Iterator[GuidedStep | Guided]:
    """Every step, then the pictures.

    Raises:
        NotSupported: the model is built in another way.
        PictureTooLarge, OutOfMemory: it does not fit into the free memory.
    """
    import torch

    walk.check(opened)
    scales = request.scales
    check(opened, ImageRequest(request.prompt, steps=request.steps, size=opened.native, images=len(scales)))
    with opened.in_use() as pipe, torch.inference_mode():
        scheduler = pipe.scheduler
        words = cross_attention.words(pipe.tokenizer, request.prompt)[:MOST_WORDS]
        unconditional, conditional = walk.embed(pipe, request.prompt)
        scheduler.set_timesteps(request.steps, device=pipe.device)
        noise, chance = walk.begin(pipe, opened.native, request.seed)
        latents = noise.repeat(len(scales), 1, 1, 1)
        chances = [chance.clone_state() for _ in scales]  # the same for every scale
        weights = torch.tensor(scales, device=pipe.device, dtype=latents.dtype)[:, None, None, None]
        start = time.perf_counter()
        # Rows of the batch: all scales without the prompt, then all with it.
        with cross_attention.watched(pipe.unet, row=len(scales), edge=latents.shape[-1]) as watch:
            for number, timestep in enumerate(scheduler.timesteps, start=1):
                without, given = walk.predict(pipe, latents, timestep, unconditional, conditional)
                guided = walk.guide(without, given, weights)
                three = torch.cat([without[:1], given[:1], guided])
                same = torch.cat([latents[:1], latents[:1], latents])
                _, _, clean, share = schedulers.split(scheduler, three, timestep, same)
                shown = walk.show(opened, clean)
                maps = watch.take()
                heats = cross_attention.of_words(maps, words) if words else np.zeros((0, 1, 1), np.float32)
                passed = time.perf_counter() - start
                yield GuidedStep(
                    number,
                    request.steps,
                    float(timestep),
                    share,
                    shown[0],
                    shown[1],
                    difference(shown[0], shown[1]),
                    shown[2:],
                    words,
                    tuple(cross_attention.spotlight(shown[2], heat) for heat in heats),
                    tuple(float(heat.mean()) for heat in heats),
                    passed / number * (request.steps - number),
                )
                latents = walk.advance(scheduler, guided, timestep, latents, chances)
        yield Guided(*safety.hide(pipe, walk.to_pictures(pipe, latents)))


def difference(before: Pixels, after: Pixels) -> Pixels:
    """How to get from one picture to the other, made stronger: grey where they are the same."""
    change: NDArray[np.float32] = after.astype(np.float32) - before
    drawn: Pixels = np.clip(128 + _STRONGER * change / 2, 0, 255).round().astype(np.uint8)
    return drawn
