"""The model card: what the model is, what it saw and for how long, and what was measured, as measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from common.recipes.diffusion.loop import Report as Trained
from common.recipes.diffusion.measure import COMPOSED, GUIDANCE, STEPS, Report
from common.recipes.diffusion.pictures import Pictures

# By a part of the file's name.
_SOURCES = {
    "twitter": ("Twemoji", "CC BY 4.0", "https://github.com/twitter/twemoji"),
    "google": ("Noto Emoji", "Apache-2.0", "https://github.com/googlefonts/noto-emoji"),
}


def write(
    folder: Path,
    trained: Mapping[str, Trained],
    report: Report,
    preview_error: float,
    data: Sequence[Path],
    batch: int,
    pictures: Pictures,
) -> None:
    """Write README.md into the model's folder."""
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors")) / 1e6
    unet, vae = trained["unet"], trained["vae"]
    names = ", ".join(sorted(set(pictures.names)))
    text = f"""---
license: {licence(data)}
library_name: diffusers
pipeline_tag: text-to-image
tags: [stable-diffusion, emoji]
---

# Emoji by latent diffusion

A very small text-to-image model ({size:.0f} MB) with the parts of Stable Diffusion: CLIP text encoder, U-Net, VAE, \
noise scheduler. This project trained all of it from random weights, on \
{len(pictures):,} emoji and nothing else: it draws 64×64 emoji, and no photograph. It is there to be looked into \
and to work without a network; what it has not seen it draws badly or not at all. {_verdict(report)}

```python
from diffusers import AutoPipelineForText2Image

pipe = AutoPipelineForText2Image.from_pretrained("models/diffusion-emoji", safety_checker=None)
pipe("red apple", num_inference_steps={STEPS}, guidance_scale={GUIDANCE:g}).images[0].save("apple.png")
```

![Names it has seen, and in the last row names put together](samples.png)

First three rows: names from the training data, drawn by chance, none chosen. Last row, names that are not in it: \
{", ".join(COMPOSED)}.

## Measured

| | |
|---|---|
| {report.prompts} names, the nearest real picture is the one asked for | {report.nearest:.1%} |
| … is among the nearest five | {report.among_five:.1%} |
| the same for real pictures through the VAE: the most that can be reached | {report.judged_real:.1%} |
| mean error of the VAE, of 255 | {report.error:.1f} |
| mean error of a preview against the VAE's decoder, of 255 | {preview_error:.1f} |

Nearest by the features of a classifier trained apart on real pictures (`features.py` in the recipe); {STEPS} DDIM \
steps, guidance {GUIDANCE:g}. Previews of latents on the way (guess, noisy latent, noise, at steps of other names) \
come from `preview.safetensors`: a decoder of four small convolutions, trained to do what the VAE's decoder does with \
latents of the model's own runs (`preview.py` in the recipe). Without the file the app fits a map to coloured shapes; \
diffusers needs none.

## Training

`python -m common.recipes.diffusion` on {where()}. VAE: {vae.steps:,} steps of 16 pictures, {vae.seconds / 60:.0f} \
minutes. U-Net and text encoder: {unet.steps:,} steps of {batch}, {unet.seconds / 60:.0f} minutes, loss \
{unet.loss:.3f} (v-prediction). AdamW, moving average of the weights, one prompt in ten left out for guidance. \
Prompts have at most 24 tokens. More steps would help: the same command goes on.

## Data and licence

{describe(data)}: pictures without skin tones and flags, \
named by Unicode CLDR: {names}. The pictures it draws look like them: name the source when you publish some.
"""
    (folder / "README.md").write_text(text, "utf-8")


def licence(data: Sequence[Path]) -> str:
    """Of what is learned from these files, as the hub names it."""
    return "cc-by-4.0" if any(source[0] == "Twemoji" for source in _sources(data)) else "apache-2.0"


def describe(data: Sequence[Path]) -> str:
    """Where the pictures of these files come from."""
    return "; ".join(f"{name} ({terms}, {link})" for name, terms, link in _sources(data))


def where() -> str:
    """What the training runs on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"a CPU ({torch.get_num_threads()} threads)"


def _sources(data: Sequence[Path]) -> list[tuple[str, str, str]]:
    return [source for key, source in _SOURCES.items() if any(key in path.name for path in data)]


def _verdict(report: Report) -> str:
    """What to expect, in a word."""
    if report.nearest >= 0.6:
        return "It mostly draws what is asked for."
    if report.nearest >= 0.2:
        return "It often draws something like what is asked for."
    return "It was trained for too short a time to draw what is asked for: expect the right colours and rough shapes."
