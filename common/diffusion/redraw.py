"""Image to image and inpainting: a run that begins in the middle, with a picture under noise in place of pure noise.

The strength says how much noise, and with it how much of the picture the model may change (SDEdit, Meng et al. 2022,
arXiv:2108.01073). With a mask, what lies outside is put back after every step at that step's level of noise, so that
the model draws something that fits (RePaint, Lugmayr et al. 2022, arXiv:2201.09865, without going back and forth).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from common.diffusion import pictures, safety, schedulers, walk
from common.diffusion.engine import check
from common.diffusion.opened import Opened
from common.diffusion.request import OWN, ImageRequest, Pixels

if TYPE_CHECKING:
    import torch

_SCHEDULER = "ddim"


@dataclass(frozen=True, slots=True)
class RedrawRequest:
    """What to draw over.

    Attributes:
        picture: RGB, any size; its middle is taken.
        prompt: what the picture shall show.
        strength: share of the noise schedule to begin with, above 0 up to 1, which leaves nothing of the picture.
        steps: of the whole schedule; ``strength`` of them are taken.
        scale: guidance.
        seed: of the noise.
        mask: grey and square, any size; bright is what is drawn anew. None draws all of it anew.
    """

    picture: Image.Image
    prompt: str
    strength: float = 0.6
    steps: int = 20
    scale: float = 4.0
    seed: int = 0
    mask: Image.Image | None = None

    @property
    def taken(self) -> int:
        """Steps that are taken, counted as diffusers does."""
        return max(1, int(self.steps * self.strength))


@dataclass(frozen=True, slots=True)
class RedrawStep:
    """One step.

    Attributes:
        step, steps: counted from 1.
        noise_left: share of noise in the variance of the latent, 0 to 1.
        noisy: the latent as a picture; at the first step the picture under its noise.
        guess: the clean picture that the model sees in it.
        seconds_left: for the rest.
    """

    step: int
    steps: int
    noise_left: float
    noisy: Pixels
    guess: Pixels
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Redrawn:
    """The picture as the model got it, and what has become of it; outside a mask the two are the same.

    ``hidden``: the model's safety checker has hidden the latter.
    """

    original: Image.Image
    result: Image.Image
    hidden: bool = False


def run(opened: Opened, request: RedrawRequest) -> Iterator[RedrawStep | Redrawn]:
    """Every step, then the picture.

    Raises:
        NotSupported: the model is built in another way.
        PictureTooLarge, OutOfMemory: it does not fit into the free memory.
    """
    import torch

    walk.check(opened)
    name = OWN if schedulers.is_lcm(opened.pipe.scheduler) else _SCHEDULER
    check(opened, ImageRequest(request.prompt, steps=request.steps, size=opened.native, scheduler=name))
    with opened.in_use(name) as pipe, torch.inference_mode():
        scheduler = pipe.scheduler
        scheduler.set_timesteps(request.steps, device=pipe.device)
        times = scheduler.timesteps[len(scheduler.timesteps) - request.taken :]
        vectors, scale = walk.embed(pipe, request.prompt), walk.fitting_scale(opened, request.scale)
        original = pictures.square(request.picture, opened.native)
        clean = walk.to_latents(pipe, original)
        noise, chance = walk.begin(pipe, opened.native, request.seed)
        free = None if request.mask is None else _in_latents(request.mask, clean)
        latents = scheduler.add_noise(clean, noise, times[:1])
        start = time.perf_counter()
        for number, timestep in enumerate(times, start=1):
            prediction = walk.guide(*walk.predict(pipe, latents, timestep, *vectors), scale)
            noisy, _, guess, share = schedulers.split(scheduler, prediction, timestep, latents)
            shown = walk.show(opened, torch.cat([noisy, guess]))
            left = (time.perf_counter() - start) / number * (request.taken - number)
            yield RedrawStep(number, request.taken, share, shown[0], shown[1], left)
            latents = walk.advance(scheduler, prediction, timestep, latents, [chance])
            if free is not None:
                known = (
                    clean if number == request.taken else scheduler.add_noise(clean, noise, times[number : number + 1])
                )
                latents = free * latents + (1 - free) * known
        result = walk.to_pictures(pipe, latents)[0].convert("RGB")
        if request.mask is not None:
            # The autoencoder alters what it gives back: outside the mask the picture itself stays.
            result = Image.composite(result, original, request.mask.convert("L").resize(result.size).point(_sharp))
        (result,), hidden = safety.hide(pipe, [result])
        yield Redrawn(original, result, hidden)


def _sharp(grey: int) -> int:
    return 255 if grey >= 128 else 0


def _in_latents(mask: Image.Image, like: torch.Tensor) -> torch.Tensor:
    """The mask for latents, 1 where any of the pixels that a latent pixel stands for is to be drawn anew."""
    import torch
    from torch.nn.functional import adaptive_max_pool2d

    bright = torch.from_numpy((np.asarray(mask.convert("L")) >= 128).astype(np.float32))[None, None]
    return adaptive_max_pool2d(bright, like.shape[-2:]).to(like.device, like.dtype)
