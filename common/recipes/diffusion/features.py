"""The judge: a classifier trained apart from the model, whose features tell which emoji a picture is most like.

It is trained on real pictures, shifted, recoloured and made noisy, and never sees a generated one. A generated picture
counts as right when the real picture nearest to it, by cosine of the features, has the name that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, normalize

from common.recipes.diffusion import loop
from common.recipes.diffusion.pictures import Pictures

_WIDTH = 192
_BATCH, _RATE = 64, 2e-3


class Judge(nn.Module):
    """Pictures (B, 3, 64, 64) in −1..1 to features (B, 192) of length one, and to scores of every name."""

    def __init__(self, names: int) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, _WIDTH)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.SiLU())
                for before, after in pairwise(widths)
            ),
            nn.Flatten(),
            nn.Linear(_WIDTH * 16, _WIDTH),
        )
        self.names = nn.Embedding(names, _WIDTH)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 192), each of length one."""
        return normalize(self.body(pixels), dim=-1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Scores (B, names): cosine of the features with each name's, times 20."""
        return 20 * self.features(pixels) @ normalize(self.names.weight, dim=-1).T


class Loss:
    """Cross-entropy of the names, on changed pictures."""

    def __init__(self, pictures: Pictures) -> None:
        order = {name: number for number, name in enumerate(dict.fromkeys(pictures.names))}
        self._pictures, self._labels = pictures, torch.tensor([order[name] for name in pictures.names])

    def __call__(self, model: nn.Module, rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
        """The loss of a batch."""
        device = next(model.parameters()).device
        pixels = _changed(self._pictures.scaled(rows), chance).to(device)
        return cross_entropy(model(pixels), self._labels[rows].to(device))


def train(pictures: Pictures, steps: int, work: Path) -> tuple[Judge, loop.Report]:
    """A judge for these pictures; goes on from what is in ``work``."""
    judge = Judge(len(set(pictures.names)))
    stage = loop.Stage("judge", steps, _BATCH, _RATE)
    return judge, loop.train(stage, judge, len(pictures), Loss(pictures), work)


@torch.no_grad()
def accuracy(judge: Judge, pictures: Pictures, drawn: torch.Tensor, asked: Sequence[str]) -> tuple[float, float]:
    """Parts of the drawn pictures whose nearest real one has the name asked for: the nearest, one of the nearest five.

    Args:
        drawn: (B, 3, 64, 64) in −1..1.
        asked: B names.
    """
    judge.eval()
    real = torch.cat([judge.features(pictures.scaled(rows)) for rows in torch.split(torch.arange(len(pictures)), 128)])
    nearest = (judge.features(drawn) @ real.T).topk(5).indices  # (B, 5)
    found = [[pictures.names[row] for row in rows] for rows in nearest.tolist()]
    pairs = list(zip(found, asked, strict=True))
    first = sum(names[0] == name for names, name in pairs) / len(pairs)
    among = sum(name in names for names, name in pairs) / len(pairs)
    return first, among


def _changed(pixels: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Shifted by up to 4 pixels, in another size, brightness and contrast, softened, with noise."""
    padded = nn.functional.pad(pixels, (4, 4, 4, 4), value=1.0)
    left, top = torch.randint(0, 9, (2,), generator=chance).tolist()
    pixels = padded[..., top : top + pixels.shape[-2], left : left + pixels.shape[-1]]
    if float(torch.rand(1, generator=chance)) < 0.5:
        small = int(torch.randint(24, 64, (1,), generator=chance))
        size = pixels.shape[-2:]
        pixels = interpolate(interpolate(pixels, (small, small), mode="bilinear"), size, mode="bilinear")
    shape = (len(pixels), 1, 1, 1)
    contrast = 0.8 + 0.4 * torch.rand(shape, generator=chance)
    tint = 0.2 * torch.rand((len(pixels), 3, 1, 1), generator=chance) - 0.1
    noise = 0.15 * torch.rand(shape, generator=chance) * torch.randn(pixels.shape, generator=chance)
    return (pixels * contrast + tint + noise).clamp(-1, 1)
