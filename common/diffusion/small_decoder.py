"""A decoder of a few small layers that shows the latents of one model on the way, trained to do as the real one does.

It sees what the real one sees: an area around each latent pixel, and through its normalizations the whole picture, so
that colours come out right. The recipe trains it on the model's own runs (``common/recipes/diffusion/preview.py``).

Source of the idea: O. Boer Bohan 2023, *Tiny AutoEncoder for Stable Diffusion*.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from common.diffusion.preview import as_pictures
from common.diffusion.request import Pixels

# In the model's folder.
FILE = "preview.safetensors"
_GROUPS = 8  # of channels that are normalized together


class SmallDecoder(nn.Module):
    """Latents (B, C, h, w) to RGB (B, 3, p·h, p·w) from -1 to 1.

    Args:
        channels: of the latents, C.
        width: channels inside, a multiple of 8.
        blocks: residual layers.
        scale: pixels per latent pixel and direction, p.
    """

    def __init__(self, channels: int, width: int = 48, blocks: int = 2, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(_layer(width, width) for _ in range(blocks))
        self.last = _layer(width, 3 * scale**2)

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        hidden = self.first(latents)  # (B, width, h, w)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return pixel_shuffle(self.last(hidden), self.scale)

    @torch.no_grad()
    def pixels(self, latents: Tensor) -> tuple[Pixels, ...]:
        """See Preview."""
        return as_pictures(self(latents.float().cpu()))

    def save(self, folder: Path) -> None:
        """Put the weights beside a model's parts, in 16 bits."""
        weights = {name: weight.half().contiguous() for name, weight in self.state_dict().items()}
        save_file(weights, folder / FILE)


def load(folder: Path) -> SmallDecoder | None:
    """The small decoder that a model's folder brings, or None."""
    if not (folder / FILE).is_file():
        return None
    weights = load_file(folder / FILE)
    width, channels = weights["first.weight"].shape[:2]
    blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    scale = round((len(weights["last.2.bias"]) / 3) ** 0.5)
    decoder = SmallDecoder(channels, width, blocks, scale)
    decoder.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return decoder.eval()


def _layer(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(_GROUPS, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
