"""The forward process: noise put over a picture step by step, and taken away again by the model.

Training a diffusion model is this and nothing else: noise a picture, ask which noise it was. x_t = √ᾱ_t·x₀ + √(1−ᾱ_t)·ε
goes to any timestep at once; ᾱ_t is the product of the (1 − β) of all steps up to t.

Source: Ho et al. 2020, *Denoising Diffusion Probabilistic Models* (arXiv:2006.11239), equation 4.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from common.diffusion import pictures, safety, schedulers, walk
from common.diffusion.engine import check
from common.diffusion.opened import Opened
from common.diffusion.request import ImageRequest, Pixels
from common.diffusion.trace import chosen_steps

# The way through the noise schedule; it goes back the way it came, without chance.
_SCHEDULER = "ddim"
# Pictures in the row that shows noise on pixels.
_IN_PIXELS = 5


@dataclass(frozen=True, slots=True)
class NoiseRequest:
    """What to noise, how far, and how to go back.

    Attributes:
        picture: RGB, any size.
        prompt: what is in it, for the way back; may be empty.
        share: of the noise schedule, above 0 up to 1, which is pure noise.
        steps: of the whole schedule; ``share`` of them are taken in each direction.
        scale: guidance of the way back.
        seed: of the noise.
    """

    picture: Image.Image
    prompt: str = ""
    share: float = 0.6
    steps: int = 20
    scale: float = 4.0
    seed: int = 0

    @property
    def taken(self) -> int:
        """Steps in each direction."""
        return max(1, round(self.steps * self.share))


@dataclass(frozen=True, slots=True)
class Level:
    """How much noise there is at a timestep: a picture x₀ is ``signal``·x₀ + ``noise``·ε there.

    Attributes:
        timestep: 0 to 999 for most models.
        signal, noise: √ᾱ and √(1−ᾱ), 0 to 1; their squares add up to 1.
    """

    timestep: int
    signal: float
    noise: float

    @property
    def decibels(self) -> float:
        """Signal-to-noise ratio: 10·log₁₀(ᾱ / (1−ᾱ)) dB; 0 dB is as much of one as of the other."""
        return 20 * math.log10(self.signal / self.noise)


@dataclass(frozen=True, slots=True)
class NoiseStep:
    """One step, in either direction.

    Attributes:
        back: False while noise is added, True on the way back.
        level: where it is.
        noisy: the latent, as a picture.
        guess: the clean picture that the model sees in it at once.
        done: share of all steps so far, 0 to 1.
        seconds_left: for the rest.
    """

    back: bool
    level: Level
    noisy: Pixels
    guess: Pixels
    done: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Noised:
    """What there is once it is over.

    Attributes:
        original: the picture as the model gets it.
        kept: the same through encoder and decoder alone: what the autoencoder keeps of it.
        result: what came back.
        pixels: the picture with noise on its pixels, at some of the levels.
        curve: the whole noise schedule, at every timestep.
        hidden: the model's safety checker has hidden what came back.
    """

    original: Image.Image
    kept: Image.Image
    result: Image.Image
    pixels: tuple[tuple[Level, Image.Image], ...]
    curve: tuple[Level, ...]
    hidden: bool = False


def levels(scheduler: Any) -> tuple[Level, ...]:
    """The noise schedule, one level for each timestep."""
    kept = scheduler.alphas_cumprod.tolist()
    return tuple(Level(t, math.sqrt(alpha), math.sqrt(1 - alpha)) for t, alpha in enumerate(kept))


def run(opened: Opened, request: NoiseRequest) -> Iterator[NoiseStep | Noised]:
    """The steps up, from little noise to much, then those down, then the result.

    Raises:
        NotSupported: the model is built in another way.
        PictureTooLarge, OutOfMemory: it does not fit into the free memory.
    """
    import torch

    walk.check(opened)
    check(opened, ImageRequest(request.prompt, steps=request.steps, size=opened.native, scheduler=_SCHEDULER))
    with opened.in_use(_SCHEDULER) as pipe, torch.inference_mode():
        scheduler = pipe.scheduler
        schedule = levels(scheduler)
        scheduler.set_timesteps(request.steps, device=pipe.device)
        down = scheduler.timesteps[len(scheduler.timesteps) - request.taken :]
        vectors, scale = walk.embed(pipe, request.prompt), walk.fitting_scale(opened, request.scale)
        original = pictures.square(request.picture, opened.native)
        clean = walk.to_latents(pipe, original)
        noise, chance = walk.begin(pipe, opened.native, request.seed)
        start, total = time.perf_counter(), 2 * request.taken

        def step(number: int, back: bool, timestep: Any, noisy: Pixels, guess: Pixels) -> NoiseStep:
            left = (time.perf_counter() - start) / number * (total - number)
            return NoiseStep(back, schedule[int(timestep)], noisy, guess, number / total, left)

        for done, timestep in enumerate(down.flip(0), start=1):
            noisy = scheduler.add_noise(clean, noise, timestep[None])
            prediction = walk.guide(*walk.predict(pipe, noisy, timestep, *vectors), scale)
            shown = walk.show(opened, torch.cat([noisy, _guess(pipe, noisy, timestep, prediction)]))
            yield step(done, False, timestep, shown[0], shown[1])
        latents = scheduler.add_noise(clean, noise, down[:1])
        for done, timestep in enumerate(down, start=request.taken + 1):
            prediction = walk.guide(*walk.predict(pipe, latents, timestep, *vectors), scale)
            shown = walk.show(opened, torch.cat([latents, _guess(pipe, latents, timestep, prediction)]))
            yield step(done, True, timestep, shown[0], shown[1])
            latents = walk.advance(scheduler, prediction, timestep, latents, [chance])
        kept, result = walk.to_pictures(pipe, torch.cat([clean, latents]))
        (result,), hidden = safety.hide(pipe, [result])
        up = [schedule[int(timestep)] for timestep in down.flip(0)]
        row = [up[place] for place in chosen_steps(len(up), _IN_PIXELS)]
        yield Noised(original, kept, result, _on_pixels(original, row, request.seed), schedule, hidden)


def _guess(pipe: Any, latents: Any, timestep: Any, prediction: Any) -> Any:
    return schedulers.split(pipe.scheduler, prediction, timestep, latents)[2]


def _on_pixels(picture: Image.Image, row: list[Level], seed: int) -> tuple[tuple[Level, Image.Image], ...]:
    """The picture with the same noise at every level, on pixels from -1 to 1; what lies outside is cut off."""
    pixels = np.asarray(picture, np.float32) / 127.5 - 1
    noise = np.random.default_rng(seed).standard_normal(pixels.shape, np.float32)
    made = []
    for level in row:
        noisy = level.signal * pixels + level.noise * noise
        made.append((level, Image.fromarray(((np.clip(noisy, -1, 1) + 1) * 127.5).round().astype(np.uint8))))
    return tuple(made)
