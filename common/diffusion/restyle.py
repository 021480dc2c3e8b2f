"""Pictures redone by a fixed rule, to have a style that the model does not know: blue ink, thick outlines.

On a white ground: the noise schedule of Stable Diffusion ends before the picture is all noise, so that a model has
learned the mean brightness of its pictures and a LoRA of minutes does not move it.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageChops, ImageFilter, ImageOps

# Edge at which outlines are looked for, in pixels, and how wide they are there.
_EDGE, _WIDTH, _SMOOTH = 256, 9, 7
_PALE = 0.75  # how far the colours inside go towards white


def ink(picture: Image.Image) -> Image.Image:
    """Shades of one blue on white."""
    grey = ImageOps.autocontrast(ImageOps.grayscale(picture), cutoff=(1, 0))
    return ImageOps.colorize(grey, "#0b1f6b", "#ffffff", mid="#4f7fe0")


def outline(picture: Image.Image) -> Image.Image:
    """Dark lines where colours meet, and pale colours between them."""
    large = picture.resize((_EDGE, _EDGE), Image.Resampling.LANCZOS).filter(ImageFilter.MedianFilter(_SMOOTH))
    edges = Image.new("L", large.size)
    for channel in large.split():
        spread = ImageChops.subtract(
            channel.filter(ImageFilter.MaxFilter(_WIDTH)), channel.filter(ImageFilter.MinFilter(_WIDTH))
        )
        edges = ImageChops.lighter(edges, spread)
    sharp = edges.point(lambda value: min(255, max(0, (value - 50) * 4)))
    pale = Image.blend(large, Image.new("RGB", large.size, "white"), _PALE)
    pale.paste((30, 30, 40), mask=sharp)
    return pale.resize(picture.size, Image.Resampling.LANCZOS)


STYLES: dict[str, Callable[[Image.Image], Image.Image]] = {"ink": ink, "outline": outline}
# What the model draws for them: things that look unlike each other.
PROMPTS = (
    *("red apple", "fox", "ghost", "cat face", "owl", "sunflower"),
    *("penguin", "tomato", "dog face", "grinning face", "unicorn", "strawberry"),
)
