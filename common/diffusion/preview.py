"""Pictures of latents without the decoder, for looking on the way; a finished picture comes from the decoder.

The real decoder would cost a third of a step of the model or more; this costs next to nothing, so every step can be
shown. The embedded model brings a small decoder of its own (``small_decoder.py``), and for many others there is a tiny
autoencoder. For the rest a map from each latent
pixel and its neighbours to a block of RGB is fitted in a few seconds: it has one hidden layer with random weights that
stay as they are (random features: Rahimi and Recht 2007); coloured shapes go through the encoder, and least squares
says how to get back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from common.diffusion.request import Pixels

# Longest edge of a preview, in pixels.
_EDGE = 128
_SAMPLES = 64
_ON_WHITE = 48  # of them; pictures of things are often cut out, and the embedded model knows no other
_HIDDEN = 256
_SIZE = 64  # of the shapes, in pixels
_RIDGE = 1e-3


class Preview(Protocol):
    """Shows the latents of one model."""

    def pixels(self, latents: torch.Tensor) -> tuple[Pixels, ...]:
        """Latents (B, C, h, w) as B pictures of (p·h, p·w, 3) bytes, p pixels for each latent pixel and direction."""


class ByAutoencoder:
    """The decoder of a tiny autoencoder, made smaller. See Preview.

    Args:
        vae: diffusers' ``AutoencoderTiny``.
    """

    def __init__(self, vae: Any) -> None:
        self._vae = vae

    def pixels(self, latents: torch.Tensor) -> tuple[Pixels, ...]:
        """See Preview."""
        import torch
        from torch.nn.functional import avg_pool2d

        config = self._vae.config
        with torch.no_grad():
            plain = latents.to(self._vae.device, self._vae.dtype) / config.scaling_factor + config.shift_factor
            rgb = self._vae.decode(plain).sample.float().cpu()
        return as_pictures(avg_pool2d(rgb, max(1, rgb.shape[-1] // _EDGE)))


class FittedMap:
    """The map for a model of which nothing but its autoencoder is known. See Preview.

    Attributes:
        hidden: (9·C + 1, 256) from 3×3 latent pixels with C channels and a constant to the hidden layer.
        weight: (9·C + 1 + 256, 3·p²) from both to p×p pixels RGB.
        scale: pixels per latent pixel and direction, p.
    """

    def __init__(self, hidden: torch.Tensor, weight: torch.Tensor) -> None:
        self.hidden, self.weight = hidden, weight
        self.scale = round((weight.shape[1] / 3) ** 0.5)

    def pixels(self, latents: torch.Tensor) -> tuple[Pixels, ...]:
        """See Preview."""
        from torch.nn.functional import pixel_shuffle

        flat = _features(latents.float().cpu(), self.hidden)  # (B, h·w, 9·C + 1 + 256)
        batch, _, high, wide = latents.shape
        rgb = (flat @ self.weight).transpose(1, 2).reshape(batch, -1, high, wide)
        return as_pictures(pixel_shuffle(rgb, self.scale))


def as_pictures(rgb: torch.Tensor) -> tuple[Pixels, ...]:
    """(B, 3, H, W) from -1 to 1, and beyond by mistake, as B pictures of (H, W, 3) bytes."""
    import torch

    shown = ((rgb.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    return tuple(picture.numpy() for picture in shown.contiguous())


def fit(latents: torch.Tensor, pictures: torch.Tensor) -> FittedMap:
    """The map that comes nearest to these pictures by least squares.

    Args:
        latents: (B, C, h, w).
        pictures: the same in RGB, (B, 3, p·h, p·w) from -1 to 1; p pixels for each latent pixel and direction.
    """
    import torch
    from torch.nn.functional import pixel_unshuffle

    hidden = _hidden_layer(_neighbours(latents).flatten(0, 1))
    known = _features(latents, hidden).flatten(0, 1)
    blocks = pixel_unshuffle(pictures, pictures.shape[-1] // latents.shape[-1])
    wanted = blocks.flatten(2).transpose(1, 2).flatten(0, 1)
    gram = known.T @ known + _RIDGE * len(known) * torch.eye(known.shape[1])
    return FittedMap(hidden, torch.linalg.solve(gram, known.T @ wanted))


def fit_to_shapes(vae: Any, latent_size: int) -> FittedMap:
    """The map for an autoencoder of which nothing else is known (seconds).

    Args:
        latent_size: edge of the latents that will be shown, in latent pixels.
    """
    import torch
    from torch.nn.functional import avg_pool2d

    factor = 2 ** (len(vae.config.get("block_out_channels") or vae.config.encoder_block_out_channels) - 1)
    scale = 1
    while scale * 2 <= factor and scale * 2 * latent_size <= _EDGE:
        scale *= 2
    shapes = torch.from_numpy(_shapes()).to(vae.device, vae.dtype)
    with torch.no_grad():
        encoded = vae.encode(shapes)
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
    shift = vae.config.get("shift_factor") or 0.0
    latents = (latents.float().cpu() - shift) * vae.config.scaling_factor
    return fit(latents, avg_pool2d(shapes.float().cpu(), factor // scale))


def _hidden_layer(inputs: torch.Tensor) -> torch.Tensor:
    """Random weights for inputs (N, 9·C + 1) whose last column is one, always the same ones for the same inputs."""
    import torch

    chance = torch.Generator().manual_seed(0)
    count = inputs.shape[1] - 1
    weight = torch.randn(count, _HIDDEN, generator=chance) * 1.5 / count**0.5
    weight = weight / inputs[:, :-1].std(0).clamp(min=1e-6)[:, None]
    bias = torch.randn(1, _HIDDEN, generator=chance) - inputs[:, :-1].mean(0, keepdim=True) @ weight
    return torch.cat([weight, bias])


def _features(latents: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    import torch

    around = _neighbours(latents)
    return torch.cat([around, torch.tanh(around @ hidden)], dim=-1)


def _neighbours(latents: torch.Tensor) -> torch.Tensor:
    """Each latent pixel with the eight around it, and a one: (B, h·w, 9·C + 1)."""
    import torch
    from torch.nn.functional import pad, unfold

    around = unfold(pad(latents, (1, 1, 1, 1), mode="replicate"), 3).transpose(1, 2)
    return torch.cat([around, torch.ones(*around.shape[:2], 1)], dim=-1)


def _shapes() -> NDArray[np.float32]:
    """Discs, bars and gradients in all colours, (N, 3, 64, 64) from -1 to 1; always the same ones."""
    chance = np.random.default_rng(0)
    down, across = np.mgrid[0:_SIZE, 0:_SIZE].astype(np.float32) / _SIZE
    pictures = []
    for number in range(_SAMPLES):
        ground, slope = chance.uniform(-1, 1, (2, 3, 1, 1)) if number >= _ON_WHITE else (1.0, 0.0)
        picture = np.zeros((3, 1, 1)) + ground + 0.5 * slope * (down - across)
        for _ in range(5):
            x, y, radius = chance.uniform((0, 0, 0.08), (1, 1, 0.4))
            inside = (across - x) ** 2 + (down - y) ** 2 < radius**2
            if chance.random() < 0.4:
                inside = (abs(across - x) < radius) & (abs(down - y) < radius / 3)
            picture = np.where(inside, chance.uniform(-1, 1, (3, 1, 1)), picture)
        pictures.append(picture)
    clipped: NDArray[np.float32] = np.clip(np.stack(pictures), -1, 1).astype(np.float32)
    return clipped
