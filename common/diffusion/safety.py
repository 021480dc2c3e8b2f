"""What a model's own safety checker says of pictures, where the pipeline's loop, which would ask it, is written out.

A picture that it hides takes the steps that led to it along: they show the same. Stable Diffusion 1 brings a checker;
most models have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from PIL import Image

Step = TypeVar("Step")


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


def blacken(step: Step) -> Step:
    """A step, a dataclass, with all of its pictures black."""
    values = {each.name: _black(getattr(step, each.name)) for each in fields(step)}  # type: ignore[arg-type]
    return replace(step, **values)  # type: ignore[type-var]


def _black(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    return tuple(map(_black, value)) if isinstance(value, tuple) else value
