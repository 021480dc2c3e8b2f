"""The first stage: a variational autoencoder makes 16×16×4 latents of 64×64 pictures, and pictures of latents.

Source: Rombach et al. 2022, *High-Resolution Image Synthesis with Latent Diffusion Models* (arXiv:2112.10752), 3.1.
Without its adversarial and perceptual losses: on flat pictures, absolute differences and those of neighbouring pixels
(which keep edges sharp) are enough.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch.nn.functional import l1_loss

from common.recipes.diffusion.pictures import SIZE, Pictures

LATENT_CHANNELS = 4
_KL_WEIGHT = 1e-5
_EDGE_WEIGHT = 0.5


def build() -> AutoencoderKL:
    """An untrained one: two halvings, 64 → 32 → 16."""
    widths = (16, 32, 64)
    return AutoencoderKL(
        block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=SIZE,
        mid_block_add_attention=False,
    )


class Loss:
    """Reconstruction of pixels and of edges, and a slight pull of the latents towards a standard normal."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __call__(self, model: torch.nn.Module, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """The loss of a batch; half of the pictures are mirrored."""
        pixels = self._pictures.scaled(rows)
        mirrored = torch.rand(len(rows), generator=chance) < 0.5
        pixels[mirrored] = pixels[mirrored].flip(-1)
        vae: AutoencoderKL = getattr(model, "module", model)
        pixels = pixels.to(vae.device)
        latents = vae.encode(pixels).latent_dist
        drawn = vae.decode(latents.sample()).sample
        loss: torch.Tensor = l1_loss(drawn, pixels) + _EDGE_WEIGHT * _edges(drawn, pixels)
        pull: torch.Tensor = latents.kl().mean()
        return loss + _KL_WEIGHT * pull


def encode_all(vae: AutoencoderKL, pictures: Pictures) -> torch.Tensor:
    """Mean latents (N, 4, 16, 16), scaled to unit variance; the scale goes into the model's ``scaling_factor``."""
    latents = means(vae, pictures)
    scale = float(1 / latents.std())
    vae.register_to_config(scaling_factor=scale)
    return latents * scale


@torch.no_grad()
def means(vae: AutoencoderKL, pictures: Pictures) -> torch.Tensor:
    """Mean latents (N, 4, 16, 16), as the encoder gives them."""
    return torch.cat(
        [
            vae.encode(pictures.scaled(rows).to(vae.device)).latent_dist.mean.cpu()
            for rows in torch.split(torch.arange(len(pictures)), 64)
        ]
    )


def _edges(drawn: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Absolute differences of the steps from each pixel to its right and lower neighbour."""
    across = l1_loss(drawn.diff(dim=-1), pixels.diff(dim=-1))
    down = l1_loss(drawn.diff(dim=-2), pixels.diff(dim=-2))
    return across + down
