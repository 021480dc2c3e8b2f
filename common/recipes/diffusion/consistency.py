"""The loss of latent consistency distillation: many steps of a diffusion model in one look.

The teacher is the finished U-Net, with classifier-free guidance. From a noisy latent it goes one DDIM step towards the
picture. The student learns to say the same finished picture from both ends of that step: from the noisier one it is
asked, from the cleaner one its own moving average (the target) is. Where there is no noise left, the answer is the
latent itself, and from there it spreads to ever noisier ones, until one look at pure noise says what all the steps of
the teacher come to, guidance included.

Student, target and teacher are one U-Net: with the LoRA that learns, with the LoRA's average, with none.

Source: Luo et al. 2023, *Latent Consistency Models* (arXiv:2310.04378), algorithm 1, and *LCM-LoRA* (arXiv:2311.05556);
Song et al. 2023, *Consistency Models* (arXiv:2303.01469). The guidance is fixed, since a LoRA adds no input for it.
"""

from __future__ import annotations

import torch
from diffusers import LCMScheduler, StableDiffusionPipeline
from peft import LoraConfig

from common.recipes.diffusion.measure import GUIDANCE
from common.recipes.diffusion.words import token_ids

STUDENT, TARGET = "student", "target"
# The layers that LCM-LoRA changes: attention, feed-forward, convolutions, and what the timestep adds to them.
_LAYERS = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj"),
)
TARGET_DECAY = 0.95
_HUBER = 1e-3  # below it the loss is a square, above it nearly the absolute difference


class Distillation:
    """The three models in one U-Net, and the loss between them.

    Args:
        pipe: the finished model, in 32 bits.
        rank: of the LoRA's matrices.
        skip: timesteps between the two ends of a teacher's step.
    """

    def __init__(self, pipe: StableDiffusionPipeline, rank: int, skip: int) -> None:
        self.unet, self._encoder, self._tokenizer = pipe.unet, pipe.text_encoder, pipe.tokenizer
        for part in (pipe.unet, pipe.text_encoder, pipe.vae):
            part.requires_grad_(False).eval()
        lora = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(_LAYERS))
        for name in (STUDENT, TARGET):
            self.unet.add_adapter(lora, name)
        self.weights, self.average = self._of(STUDENT), self._of(TARGET)
        for ours, theirs in zip(self.average, self.weights, strict=True):
            ours.data.copy_(theirs.data)
        self._scheduler = LCMScheduler.from_config(pipe.scheduler.config)
        self._alphas: torch.Tensor = self._scheduler.alphas_cumprod  # ᾱ, (1000,)
        self._skip = skip

    def loss(self, latents: torch.Tensor, prompts: list[str], chance: torch.Generator) -> torch.Tensor:
        """How far the student's picture is from the target's, one teacher's step further on. Latents: (B, 4, h, w)."""
        late = torch.randint(1, len(self._alphas), (len(latents),), generator=chance)
        early = (late - self._skip).clamp(min=0)  # nearer to the picture
        noise = torch.randn(latents.shape, generator=chance)
        noisy = self._scheduler.add_noise(latents, noise, late)
        with torch.no_grad():
            said, nothing = self._read(prompts), self._read([""])
            cleaner = self._teacher_step(noisy, late, early, said, nothing.expand_as(said))
            self.unet.set_adapter(TARGET)
            wanted = self._picture(cleaner, early, said)
        self.unet.set_adapter(STUDENT)
        found = self._picture(noisy, late, said)
        return ((found - wanted).square() + _HUBER**2).sqrt().sub(_HUBER).mean()

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the average a little towards the student; at the first steps more, or it would stay at the start."""
        decay = min(TARGET_DECAY, (1 + step) / (10 + step))
        for ours, theirs in zip(self.average, self.weights, strict=True):
            ours.lerp_(theirs, 1 - decay)

    def _teacher_step(
        self, noisy: torch.Tensor, late: torch.Tensor, early: torch.Tensor, said: torch.Tensor, nothing: torch.Tensor
    ) -> torch.Tensor:
        """One DDIM step with guidance, from the timesteps ``late`` to ``early``."""
        self.unet.disable_adapters()
        twice = torch.cat([noisy, noisy]), torch.cat([late, late])
        without, given = self.unet(*twice, encoder_hidden_states=torch.cat([nothing, said])).sample.chunk(2)
        self.unet.enable_adapters()
        clean, noise = self._split(noisy, late, without + GUIDANCE * (given - without))
        signal, spread = self._shares(early)
        return signal * clean + spread * noise

    def _picture(self, noisy: torch.Tensor, at: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """The consistency function: the finished latent from a noisy one; at timestep 0 the latent itself."""
        velocity = self.unet(noisy, at, encoder_hidden_states=said).sample
        clean, _ = self._split(noisy, at, velocity)
        skip, out = self._scheduler.get_scalings_for_boundary_condition_discrete(at.view(-1, 1, 1, 1))
        finished: torch.Tensor = skip * noisy + out * clean
        return finished

    def _split(self, noisy: torch.Tensor, at: torch.Tensor, velocity: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The finished latent and the noise in a noisy one, by its velocity; see ``unet.py`` on v."""
        signal, spread = self._shares(at)
        return signal * noisy - spread * velocity, spread * noisy + signal * velocity

    def _shares(self, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """√ᾱ and √(1−ᾱ), (B, 1, 1, 1)."""
        alphas = self._alphas[at].view(-1, 1, 1, 1)
        return alphas.sqrt(), (1 - alphas).sqrt()

    def _read(self, prompts: list[str]) -> torch.Tensor:
        """(B, 24, 192)."""
        vectors: torch.Tensor = self._encoder(token_ids(self._tokenizer, prompts)).last_hidden_state
        return vectors

    def _of(self, adapter: str) -> list[torch.nn.Parameter]:
        return [weight for name, weight in self.unet.named_parameters() if f".{adapter}." in name]
