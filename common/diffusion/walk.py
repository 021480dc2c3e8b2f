"""The parts of a diffusion run, one by one: prompt to vectors, noise, prediction, guidance, latents to pictures.

``paint.py`` runs diffusers' own loop. What a page opens (both predictions of a step, a run from the middle) needs the
loop written out, and the modules that do so put it together from these; tests hold the result to diffusers' own.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from common import errors
from common.diffusion import schedulers
from common.diffusion.opened import DECODED, Opened
from common.diffusion.request import Pixels
from common.errors import Phrase

if TYPE_CHECKING:
    import torch


def check(opened: Opened) -> None:
    """Whether the model is built as these parts expect. Raises NotSupported."""
    if type(opened.pipe).__name__ != "StableDiffusionPipeline" or schedulers.is_flow(opened.pipe.scheduler):
        raise errors.NotSupported(what=Phrase("opened_steps", name=opened.model.title))


def embed(pipe: Any, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The text encoder's vectors for the empty prompt and for this one, (1, tokens, width) each."""
    conditional, unconditional = pipe.encode_prompt(prompt, pipe.device, 1, True, "")
    return unconditional, conditional


def begin(pipe: Any, size: int, seed: int) -> tuple[torch.Tensor, torch.Generator]:
    """The latent that a picture of ``size`` pixels begins with, (1, C, h, w), and the chance of the steps after it.

    Both are the same as the pipeline's for a seed.
    """
    import torch

    chance = torch.Generator().manual_seed(seed)
    channels = pipe.unet.config.in_channels
    latents: torch.Tensor = pipe.prepare_latents(1, channels, size, size, pipe.unet.dtype, pipe.device, chance)
    return latents, chance


def advance(
    scheduler: Any, prediction: torch.Tensor, timestep: Any, latents: torch.Tensor, chances: list[torch.Generator]
) -> torch.Tensor:
    """The latents (B, C, h, w) after a step; where the scheduler adds noise, as LCM's does, each row by its chance."""
    takes = "generator" in inspect.signature(scheduler.step).parameters
    options = {"generator": chances} if takes else {}
    moved: torch.Tensor = scheduler.step(prediction, timestep, latents, return_dict=False, **options)[0]
    return moved


def predict(
    pipe: Any, latents: torch.Tensor, timestep: Any, unconditional: torch.Tensor, conditional: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the U-Net says without and with the prompt, (B, C, h, w) each, both in one pass of 2·B rows."""
    import torch

    scaled = pipe.scheduler.scale_model_input(torch.cat([latents, latents]), timestep)
    vectors = torch.cat([part.expand(len(latents), -1, -1) for part in (unconditional, conditional)])
    both = pipe.unet(scaled, timestep, encoder_hidden_states=vectors).sample
    without, given = both.chunk(2)
    return without, given


def guide(unconditional: torch.Tensor, conditional: torch.Tensor, scale: float | torch.Tensor) -> torch.Tensor:
    """Classifier-free guidance: from the prediction without the prompt ``scale`` times as far as to the one with it.

    0 is the unconditional prediction, 1 the conditional one, more goes past it.

    Source: Ho & Salimans 2022, *Classifier-Free Diffusion Guidance* (arXiv:2207.12598); the scale as Stable Diffusion
    counts it, which is the paper's w + 1.
    """
    return unconditional + scale * (conditional - unconditional)


def fitting_scale(opened: Opened, scale: float) -> float:
    """The scale to guide a run with that shall follow its prompt.

    A model distilled to need no guidance has 0 or 1 for "none", which for pipelines is the conditional prediction; for
    ``guide`` that is 1.
    """
    return max(scale, 1.0) if opened.guidance <= 1 else scale


def to_latents(pipe: Any, picture: Image.Image) -> torch.Tensor:
    """A square RGB picture as the encoder sees it, (1, C, h, w), without chance: the mean of what it gives."""
    pixels = pipe.image_processor.preprocess(picture).to(pipe.device, pipe.vae.dtype)
    encoded = pipe.vae.encode(pixels)
    latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
    scaled: torch.Tensor = (latents * pipe.vae.config.scaling_factor).to(pipe.unet.dtype)
    return scaled


def show(opened: Opened, latents: torch.Tensor) -> tuple[Pixels, ...]:
    """Latents (B, C, h, w) as small pictures for looking at on the way.

    The decoder of a small model costs little, and its colours are right; others are shown by ``preview.py``.
    """
    if opened.native > DECODED:
        return opened.preview.pixels(latents)
    return tuple(np.asarray(picture.convert("RGB")) for picture in to_pictures(opened.pipe, latents))


def to_pictures(pipe: Any, latents: torch.Tensor) -> list[Image.Image]:
    """Latents (B, C, h, w) through the decoder."""
    decoded = pipe.vae.decode(latents.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor, return_dict=False)[0]
    pictures: list[Image.Image] = pipe.image_processor.postprocess(decoded, output_type="pil")
    return pictures
