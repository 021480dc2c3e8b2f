"""The small decoder that shows latents on the way, trained on the model's own runs.

python -m common.recipes.diffusion.preview --model models/diffusion-emoji --data PATH/emoji-twitter.parquet

The finished model draws some of its names; the noisy latents, the noise and the guesses of their steps go through the
decoder, and the small one learns to give the same. What it is worth is measured on names that were not drawn.
"""

from __future__ import annotations

import argparse
import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForText2Image

from common.diffusion import preview, schedulers
from common.diffusion.small_decoder import SmallDecoder
from common.recipes.diffusion import pictures
from common.recipes.diffusion.measure import GUIDANCE

_STEPS, _DRAWN, _MEASURED, _TOGETHER = 20, 64, 8, 16
USUAL_STEPS = 1_200
_BATCH, _RATE = 24, 5e-3
_EVERY = 4  # step; neighbouring ones are nearly the same


def make(folder: Path, names: Sequence[str], steps: int = USUAL_STEPS) -> tuple[float, float]:
    """Train the small decoder and put it into the model's folder.

    Args:
        folder: the finished model.
        names: what it can draw.
        steps: batches of 24 latents.

    Returns:
        Mean error of a preview against the decoder on other names, in steps of 1/255: of a map that is fitted to
        shapes (what a model without a file gets), and of this one.
    """
    made = AutoPipelineForText2Image.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    made.set_progress_bar_config(disable=True)
    known = sorted(set(names))
    chosen = random.Random(0).sample(known, min(len(known), _DRAWN + _MEASURED))  # noqa: S311 - no secret
    measured = max(1, len(chosen) * _MEASURED // (_DRAWN + _MEASURED))
    latents = _latents(made, chosen[measured:] or chosen)
    trained = _train(latents, _decoded(made.vae, latents), steps)
    trained.save(folder)
    latents = _latents(made, chosen[:measured])
    wanted = ((_decoded(made.vae, latents) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    before = preview.fit_to_shapes(made.vae, latents.shape[-1])
    errors = [float(np.abs(np.stack(way.pixels(latents)) - wanted).mean()) for way in (before, trained)]
    return errors[0], errors[1]


def _train(latents: torch.Tensor, pictures: torch.Tensor, steps: int) -> SmallDecoder:
    """A small decoder that comes near to these pictures (B, 3, p·h, p·w) of latents (B, C, h, w)."""
    torch.manual_seed(0)
    decoder = SmallDecoder(latents.shape[1], scale=pictures.shape[-1] // latents.shape[-1])
    optimizer = torch.optim.AdamW(decoder.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    for _ in range(steps):
        some = torch.randint(len(latents), (_BATCH,))
        loss = (decoder(latents[some]) - pictures[some]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return decoder.eval()


@torch.no_grad()
def _latents(made: Any, prompts: Sequence[str]) -> torch.Tensor:
    """What the steps of these pictures are made of, (B, C, h, w): noisy latents, noise and guesses."""
    kept: list[torch.Tensor] = []
    scheduler = made.scheduler
    usual = scheduler.step

    @functools.wraps(usual)  # the pipeline looks at the signature
    def step(prediction: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        number = list(scheduler.timesteps).index(timestep)
        if number % _EVERY == 0:
            kept.extend(schedulers.split(scheduler, prediction, timestep, sample)[:3])
        return usual(prediction, timestep, sample, *args, **kwargs)

    scheduler.step = step
    for at in range(0, len(prompts), _TOGETHER):
        few = list(prompts[at : at + _TOGETHER])
        chance = [torch.Generator().manual_seed(at + number) for number in range(len(few))]
        made(few, num_inference_steps=_STEPS, guidance_scale=GUIDANCE, generator=chance, output_type="latent")
    scheduler.step = usual
    return torch.cat(kept)


@torch.no_grad()
def _decoded(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) from -1 to 1."""
    scale = vae.config.scaling_factor
    return torch.cat([vae.decode(part / scale).sample.clamp(-1, 1) for part in torch.split(latents, _TOGETHER)])


def main() -> None:
    """Run the recipe from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="Parquet files of emoji pictures")
    parser.add_argument("--groups", default="", help="only these subcategories, with commas between them")
    chosen = parser.parse_args()
    shown = pictures.read(chosen.data, chosen.groups.split(",") if chosen.groups else ())
    before, after = make(chosen.model, shown.names)
    print(f"mean error of a preview: {before:.1f} of 255 fitted to shapes, {after:.1f} trained on the model's runs")


if __name__ == "__main__":
    main()
