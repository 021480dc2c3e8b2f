"""What is asked of a diffusion model and what comes back, step by step. Knows nothing about models.

Pictures that travel with the events are small arrays of bytes, (height, width, 3) RGB, made by ``preview.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
# The scheduler a model comes with.
OWN = "own"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One click on "draw".

    Attributes:
        prompt: what the picture shall show.
        negative_prompt: what it shall not show; without guidance (``guidance_scale`` ≤ 1) it has no effect.
        steps: how often the U-Net (or transformer) takes noise away.
        guidance_scale: how far to go from the unconditional prediction past the conditional one; 1 is the latter.
        seed: of the first picture's noise; the others have the seeds after it.
        size: edge of the square picture, in pixels.
        scheduler: one of ``schedulers.NAMES``, or ``OWN``.
        images: how many pictures.
        trace: keep what the Denoising player shows at every step.
        full_decoder: take the model's own autoencoder where a tiny one is in its place.
    """

    prompt: str
    negative_prompt: str = ""
    steps: int = 20
    guidance_scale: float = 7.5
    seed: int = 0
    size: int = 64
    scheduler: str = OWN
    images: int = 1
    trace: bool = False
    full_decoder: bool = False

    @property
    def guided(self) -> bool:
        """Whether there are two predictions, with and without the prompt; diffusers' own limit."""
        return self.guidance_scale > 1

    @property
    def seeds(self) -> tuple[int, ...]:
        """One for each picture."""
        return tuple(self.seed + number for number in range(self.images))

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Requests with the same key can be one batch: the pipeline takes these once for all of its pictures."""
        return self.steps, self.guidance_scale, self.size, self.scheduler, self.full_decoder


@dataclass(frozen=True, slots=True)
class Waiting:
    """``ahead`` requests come first; ``seconds`` until the picture is done, as far as that can be told."""

    ahead: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One step is done.

    Attributes:
        step: counted from 1.
        steps: how many there will be.
        timestep: where on the noise schedule the step began; 999 is pure noise for most models.
        noise_left: share of noise in the variance of the latent the step began with, 0 to 1.
        clean: the model's guess of the finished picture, one for each picture. After the last step of a large model,
            unless there is a trace, it is that of the step before, or none: the picture itself follows at once.
        noisy: the latent the step began with; empty unless the request asks for a trace.
        noise: the noise the model sees in it; empty unless the request asks for a trace.
        seconds_left: for the rest, from the pace so far.
    """

    step: int
    steps: int
    timestep: float
    noise_left: float
    clean: tuple[Pixels, ...]
    noisy: tuple[Pixels, ...] = ()
    noise: tuple[Pixels, ...] = ()
    seconds_left: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The pictures.

    Attributes:
        images: RGB.
        hidden: for each of them, whether the model's safety checker has hidden it (it is black then).
        seconds: from the beginning of the batch to the pictures.
        together: pictures in the batch, those of other visitors included.
    """

    images: tuple[Image.Image, ...]
    hidden: tuple[bool, ...]
    seconds: float
    together: int = field(default=1)


ImageEvent = Waiting | StepEvent | Finished
