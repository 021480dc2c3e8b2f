"""The second stage: a U-Net learns to take noise away from latents, told by the prompt what they show.

It predicts the velocity v = √ᾱ·ε − √(1−ᾱ)·x₀ (the scheduler's ``prediction_type``), which says something about picture
and noise at every step; with few training steps that is steadier than the noise ε alone. One prompt in ten is left out,
which makes classifier-free guidance possible.

Source: Salimans & Ho 2022 (arXiv:2202.00512), appendix D; Ho & Salimans 2022 (arXiv:2207.12598).
"""

from __future__ import annotations

import random

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch.nn.functional import mse_loss
from transformers import CLIPTextModel, CLIPTokenizer

from common.recipes.diffusion.pictures import Pictures, caption
from common.recipes.diffusion.vae import LATENT_CHANNELS
from common.recipes.diffusion.words import WIDTH, make_encoder, token_ids

LATENT_SIZE = 16
_UNCONDITIONAL = 0.1


class Painter(torch.nn.Module):
    """Text encoder and U-Net as one module, since they are trained together."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text_encoder: CLIPTextModel = make_encoder(tokenizer)
        self.unet = build()

    def forward(self, noisy: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """The predicted velocity (B, 4, 16, 16) of noisy latents at their timesteps (B,), for prompts (B, 24)."""
        words = self.text_encoder(ids).last_hidden_state  # (B, 24, 192)
        velocity: torch.Tensor = self.unet(noisy, timesteps, encoder_hidden_states=words).sample
        return velocity


def build() -> UNet2DConditionModel:
    """An untrained U-Net: 16×16 without attention, 8×8 and 4×4 with."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=(48, 96, 160),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def make_scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
        prediction_type="v_prediction",
    )


class Loss:
    """How far the predicted velocity is from the true one, at random timesteps."""

    def __init__(self, pictures: Pictures, latents: torch.Tensor, tokenizer: CLIPTokenizer) -> None:
        self._pictures, self._latents, self._tokenizer = pictures, latents, tokenizer
        self._scheduler = make_scheduler()

    def __call__(self, model: torch.nn.Module, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """The loss of a batch of latents with their captions."""
        latents = self._latents[rows]
        noise = torch.randn(latents.shape, generator=chance)
        timesteps = torch.randint(self._scheduler.config.num_train_timesteps, (len(rows),), generator=chance)
        noisy = self._scheduler.add_noise(latents, noise, timesteps)
        wanted = self._scheduler.get_velocity(latents, noise, timesteps)
        draw = random.Random(int(torch.randint(2**31, (1,), generator=chance)))  # noqa: S311 - no secret
        prompts = ["" if draw.random() < _UNCONDITIONAL else caption(self._pictures, int(row), draw) for row in rows]
        device = next(model.parameters()).device
        ids = token_ids(self._tokenizer, prompts)
        found = model(noisy.to(device), timesteps.to(device), ids.to(device))
        return mse_loss(found, wanted.to(device))
