"""What a model's own safety checker says of pictures, where the pipeline's loop, which would ask it, is written out.

A picture that it hides takes the steps that led to it along: they show the same. Of a run that is stopped the last
guess is judged in the place of the picture. Stable Diffusion 1 brings a checker; most models have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from common.diffusion.opened import Opened

Step = TypeVar("Step")
# What the steps of all kinds of runs call the clean pictures that the model expects.
_GUESSES = ("clean", "guess", "unconditional", "conditional", "guided")


def hide(pipe: Any, pictures: Sequence[Image.Image]) -> tuple[tuple[Image.Image, ...], bool]:
    """The pictures, those black that the checker takes for unsuitable, and whether there are any.

    Args:
        pipe: a ``StableDiffusionPipeline``.
        pictures: RGB, all of the same size.
    """
    if pipe.safety_checker is None:
        return tuple(pictures), False
    pixels = np.stack([np.asarray(picture.convert("RGB"), np.float32) / 255 for picture in pictures])  # (B, H, W, 3)
    _, found = pipe.run_safety_checker(pixels, pipe.device, pipe.unet.dtype)
    hidden = [bool(each) for each in found]
    kept = (
        Image.new("RGB", picture.size) if black else picture for picture, black in zip(pictures, hidden, strict=True)
    )
    return tuple(kept), any(hidden)


def hide_stopped(opened: Opened, steps: Sequence[Step]) -> tuple[tuple[Step, ...], bool]:
    """The steps of a run that was stopped, and whether they are black: when the checker takes its last guess so.

    Waits until nobody else uses the pipeline.
    """
    import torch

    if getattr(opened.pipe, "safety_checker", None) is None or not steps:
        return tuple(steps), False
    guesses = [Image.fromarray(pixels) for name in _GUESSES for pixels in _arrays(getattr(steps[-1], name, ()))]
    if not guesses:
        return tuple(steps), False
    with opened.in_use() as pipe, torch.inference_mode():
        _, hidden = hide(pipe, guesses)
    return (tuple(map(blacken, steps)), True) if hidden else (tuple(steps), False)


def _arrays(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def blacken(step: Step) -> Step:
    """A step, a dataclass, with all of its pictures black."""
    values = {each.name: _black(getattr(step, each.name)) for each in fields(step)}  # type: ignore[arg-type]
    return replace(step, **values)  # type: ignore[type-var]


def _black(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    return tuple(map(_black, value)) if isinstance(value, tuple) else value
