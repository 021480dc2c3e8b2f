"""How well a distilled model draws with few steps, beside its teacher with few and with many; and its model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler

from common.recipes.diffusion import card, measure
from common.recipes.diffusion.features import Judge, accuracy
from common.recipes.diffusion.loop import Report
from common.recipes.diffusion.pictures import Pictures

FILE = "pytorch_lora_weights.safetensors"  # as diffusers looks for it
_USUAL = 4
_SHOWN = 8  # pictures in a row


@dataclass(frozen=True, slots=True)
class Way:
    """A way of drawing: ``student`` is with the LoRA and LCM's scheduler, otherwise the teacher with DDIM."""

    student: bool
    steps: int
    guidance: float

    @property
    def passes(self) -> int:
        """Latents that go through the U-Net for a picture; guidance takes two at every step."""
        return self.steps * (2 if self.guidance > 1 else 1)


_FEW, _MANY = Way(False, _USUAL, measure.GUIDANCE), Way(False, measure.STEPS, measure.GUIDANCE)
_STUDENT, _AT_ONCE = Way(True, _USUAL, 1.0), Way(True, 1, 1.0)
# The teacher also with as few steps and passes as the student.
_TEACHER = tuple(Way(False, steps, guidance) for steps in (1, 2, _USUAL) for guidance in (1.0, measure.GUIDANCE))
_WAYS = (_MANY, *_TEACHER, _AT_ONCE, Way(True, 2, 1.0), _STUDENT, Way(True, 8, 1.0))


@dataclass(frozen=True, slots=True)
class Score:
    """How well the names were drawn in one way.

    Attributes:
        names: how many.
        nearest, among_five: as in ``measure.Report``.
        error: mean absolute difference to the real picture of the name, in steps of 1/255.
        apart: the same to what the teacher makes of the same noise in many steps, which is what the student learns.
    """

    way: Way
    names: int
    nearest: float
    among_five: float
    error: float
    apart: float


def adapt(made: Any, folder: Path) -> None:
    """Put the LoRA into a pipeline's weights, and the scheduler that it was made for."""
    made.load_lora_weights(folder)
    made.fuse_lora()
    made.unload_lora_weights()
    made.scheduler = LCMScheduler.from_config(made.scheduler.config)


def score(made: Any, folder: Path, judge: Judge, pictures: Pictures, prompts: int) -> list[Score]:
    """Draw names in every way, and write ``samples.png`` into the folder.

    Args:
        made: the teacher's pipeline; it holds the LoRA afterwards.
        folder: the LoRA's.
        prompts: how many names.
    """
    asked = measure.choose(pictures, prompts)
    real = pictures.scaled(torch.tensor([pictures.names.index(name) for name in asked]))
    scores, drawn = [], {}
    many = measure.draw(made, asked, _MANY.steps, _MANY.guidance)
    for way in _WAYS:
        if way.student and not isinstance(made.scheduler, LCMScheduler):
            adapt(made, folder)
        pixels = many if way == _MANY else measure.draw(made, asked, way.steps, way.guidance)
        drawn[way] = pixels[:_SHOWN]
        error, apart = (float((pixels - other).abs().mean() * 127.5) for other in (real, many))
        scores.append(Score(way, len(asked), *accuracy(judge, pictures, pixels, asked), error, apart))
        print(scores[-1], flush=True)
    measure.sheet([drawn[way] for way in (_FEW, _STUDENT, _MANY)]).save(folder / "samples.png")
    return scores


def write(
    folder: Path, trained: Report, how: str, scores: Sequence[Score], data: Sequence[Path], pictures: Pictures
) -> None:
    """Write README.md into the LoRA's folder.

    Args:
        how: the settings of the training, in words.
        scores: from ``score``.
    """
    size = (folder / FILE).stat().st_size / 1e6
    found = {one.way: one for one in scores}
    table = "\n".join(
        f"| {_named(one.way)} | {one.way.steps} | {one.way.passes} | {one.nearest:.1%} | {one.among_five:.1%} "
        f"| {one.error:.1f} | {one.apart:.1f} |"
        for one in scores
    )
    text = f"""---
license: {card.licence(data)}
library_name: diffusers
pipeline_tag: text-to-image
tags: [stable-diffusion, emoji, lora, latent-consistency]
---

# Emoji in four steps: an LCM-LoRA for the emoji model

A LoRA ({size:.1f} MB) for the U-Net of `models/diffusion-emoji`: with it the model draws in {_USUAL} steps and \
without guidance, which is {_STUDENT.passes} passes through the U-Net for the {_MANY.passes} of its card. \
{_verdict(found)}

```python
from diffusers import AutoPipelineForText2Image, LCMScheduler

pipe = AutoPipelineForText2Image.from_pretrained("models/diffusion-emoji", safety_checker=None)
pipe.load_lora_weights("models/diffusion-emoji-lcm")
pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
pipe("red apple", num_inference_steps={_USUAL}, guidance_scale=1).images[0].save("apple.png")
```

![The same names and noise in three ways](samples.png)

The same names from the same noise, drawn by chance, none chosen: the model with {_USUAL} DDIM steps, with the LoRA \
and {_USUAL} LCM steps, and with {measure.STEPS} DDIM steps.

## Measured

{scores[0].names} names; a picture is right when the real picture nearest to it is the one asked for, by a classifier \
trained apart (`features.py` in the recipe). Passes: how often a latent goes through the U-Net, twice a step with \
guidance. Error: mean absolute difference to the real picture, of 255. From the {_MANY.steps} steps: the same to what \
the model makes of the same noise in {_MANY.steps} steps with guidance, which the LoRA learns to say at once; from two \
steps on LCM adds other noise in between.

| | steps | passes | right | among the nearest five | error | from the {_MANY.steps} steps |
|---|---|---|---|---|---|---|
{table}

## Training

`python -m common.recipes.diffusion.distill` on {card.where()}: latent consistency distillation (Luo et al. 2023, \
arXiv:2310.04378 and 2311.05556). {how} {trained.steps:,} steps, {trained.seconds / 60:.0f} minutes, loss \
{trained.loss:.4f}. Text encoder and VAE are unchanged.

## Data and licence

{card.describe(data)}: the {len(set(pictures.names))} pictures that the model itself was trained on; its card names \
them. The pictures it draws look like them: name the source when you publish some.
"""
    (folder / "README.md").write_text(text, "utf-8")


def _named(way: Way) -> str:
    if way.student:
        return "**with the LoRA**, LCM"
    return f"without, DDIM, guidance {way.guidance:g}" if way.guidance > 1 else "without, DDIM, no guidance"


def _verdict(found: Mapping[Way, Score]) -> str:
    """What the few steps cost, and what they are worth."""
    student, few = found[_STUDENT], found[_FEW]
    compared = "more than" if student.nearest > few.nearest else "fewer than"
    if student.nearest == few.nearest:
        compared = "as many as"
    alone = max(
        (one for one in found.values() if not one.way.student and one.way.steps == 1), key=lambda one: one.nearest
    )
    at_once = found[_AT_ONCE]
    needless = " By this measure the model needs no LoRA for a single step." if alone.nearest >= at_once.nearest else ""
    guided = "with" if alone.way.guidance > 1 else "without"
    return (
        f"Of {student.names} names {student.nearest:.1%} are right, {compared} the model itself has in as many steps "
        f"with guidance ({few.nearest:.1%}, {_FEW.passes} passes); in {_MANY.steps} steps it has "
        f"{found[_MANY].nearest:.1%}. One name is {1 / student.names:.1%}. In a single step {at_once.nearest:.1%} are "
        f"right, and {alone.nearest:.1%} by the model itself {guided} guidance.{needless}"
    )
