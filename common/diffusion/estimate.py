"""How long a picture will take and how much memory it needs, said before the click.

The time is a measured pace times the work: the pace of this machine, corrected after every batch. The memory is
counted from the widths of the model's layers. Knows nothing about queues.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from common import hardware
from common.diffusion.opened import Opened
from common.diffusion.request import ImageRequest

# How much a new measurement counts against those before.
_NEW = 0.3
# Arrays of the widest layer that are alive at the same time: input, convolved, normalised, output.
_ALIVE = 4
# Beside a picture's own arrays: what torch keeps in reserve.
_SLACK = 1.25


def work(opened: Opened, request: ImageRequest, pictures: int | None = None) -> float:
    """Passes through the network, in units of one native-size picture; the decoder counts as one more pass."""
    area = (request.size / opened.native) ** 2
    passes = request.steps * (2 if request.guided else 1) + 1
    return passes * area * (pictures or request.images)


def memory_gb(opened: Opened, request: ImageRequest) -> float:
    """What drawing needs beside the loaded model, in GB (10^9 bytes), at its highest."""
    vae = opened.decoder(request.full_decoder)
    size = next(iter(vae.parameters())).element_size()
    widths = vae.config.get("block_out_channels") or vae.config.decoder_block_out_channels
    decoder = _ALIVE * max(widths[:2]) * request.size**2 * size  # one picture at a time
    wide = (opened.network.config.get("block_out_channels") or [1152])[0]
    rows = request.images * (2 if request.guided else 1)
    # Every level keeps its outputs for the way up: about a dozen arrays of the first level's size.
    painter = 12 * wide * (request.size // opened.factor) ** 2 * size * rows
    pictures = request.images * 3 * request.size**2 * 8
    return float(_SLACK * (max(decoder, painter) + pictures) / 1e9)


def largest_size(opened: Opened, request: ImageRequest) -> int | None:
    """The largest size on offer that fits into the free memory; None when none does."""
    free = hardware.free_gb(opened.pipe.device.type)
    fitting = [size for size in opened.sizes if memory_gb(opened, replace(request, size=size)) <= free]
    return max(fitting, default=None)


class Pace:
    """Seconds per unit of ``work`` on this machine, for one model; None until something was measured."""

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._lock = threading.Lock()

    def measured(self, units: float, seconds: float) -> None:
        """Take in a batch that has been drawn."""
        with self._lock:
            pace = seconds / max(units, 1e-9)
            self._seconds = pace if self._seconds is None else (1 - _NEW) * self._seconds + _NEW * pace

    def seconds(self, units: float) -> float | None:
        """How long so much work will take."""
        return None if self._seconds is None else self._seconds * units
