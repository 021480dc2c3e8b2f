"""What the finished folder can do: how well it draws names it has learned, and what it makes of names put together."""

from __future__ import annotations

import dataclasses
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForText2Image
from PIL import Image

from common.recipes.diffusion.features import Judge, accuracy
from common.recipes.diffusion.pictures import Pictures

GUIDANCE, STEPS = 4.0, 30
_TOGETHER = 20
# Nothing like these is in the training data.
COMPOSED = (
    "blue cat face",
    "fox with glasses",
    "green apple with eyes",
    "red star",
    "penguin with hat",
    "purple heart on fire",
    "yellow car",
    "sad sun",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """Measured with ``prompts`` names, 30 DDIM steps, guidance 4.

    Attributes:
        nearest, among_five: parts whose nearest real picture has the name; one of whose nearest five has it.
        judged_real: the same for the real pictures as the VAE gives them back: the highest that can be reached.
        error: mean absolute error of the VAE, in steps of 1/255.
        seconds: for one picture.
    """

    prompts: int
    nearest: float
    among_five: float
    judged_real: float
    error: float
    seconds: float

    def to_json(self) -> dict[str, float]:
        """By name."""
        return dataclasses.asdict(self)


@torch.no_grad()
def measure(folder: Path, judge: Judge, pictures: Pictures, prompts: int) -> Report:
    """Draw, judge, and write ``samples.png`` into the folder: names above, put together ones below."""
    made = AutoPipelineForText2Image.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    made.set_progress_bar_config(disable=True)
    asked = choose(pictures, prompts)
    begun = time.perf_counter()
    drawn = draw(made, asked)
    seconds = (time.perf_counter() - begun) / len(asked)
    nearest, among = accuracy(judge, pictures, drawn, asked)
    rows = torch.tensor([pictures.names.index(name) for name in asked])
    real = pictures.scaled(rows)
    back = made.vae.decode(made.vae.encode(real).latent_dist.mean).sample.clamp(-1, 1)
    judged, _ = accuracy(judge, pictures, back, asked)
    composed = draw(made, list(COMPOSED))
    sheet([drawn[:8], drawn[8:16], drawn[16:24], composed]).save(folder / "samples.png")
    return Report(len(asked), nearest, among, judged, float((back - real).abs().mean() * 127.5), seconds)


def choose(pictures: Pictures, prompts: int) -> list[str]:
    """So many of their names, by chance, always the same ones."""
    names = sorted(set(pictures.names))
    return random.Random(0).sample(names, min(prompts, len(names)))  # noqa: S311 - no secret


@torch.no_grad()
def draw(made: Any, prompts: list[str], steps: int = STEPS, guidance: float = GUIDANCE) -> torch.Tensor:
    """A picture for each prompt, by a pipeline: (B, 3, 64, 64) in −1..1. The seed is the prompt's place in the list."""
    parts = []
    for at in range(0, len(prompts), _TOGETHER):
        few = prompts[at : at + _TOGETHER]
        chance = [torch.Generator().manual_seed(at + number) for number in range(len(few))]
        drawn = made(few, num_inference_steps=steps, guidance_scale=guidance, generator=chance, output_type="pt")
        parts.append(drawn.images.float() * 2 - 1)
    return torch.cat(parts)


def sheet(rows: list[torch.Tensor]) -> Image.Image:
    """Rows of pictures (B, 3, 64, 64) in −1..1 below each other; those shorter than the first are left out."""
    lines = [torch.cat(list(row), dim=-1) for row in rows if len(row) == len(rows[0])]
    pixels = ((torch.cat(lines, dim=-2) + 1) * 127.5).clamp(0, 255).byte()
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))
