"""A model of SD-Turbo's size on a processor: one step, 512×512 pixels, the space's way against diffusers' defaults.

The pipeline is built from SD-Turbo's configuration with random weights, which take as long as trained ones and need no
network. The rival is the pipeline as diffusers makes it: 32 bits, the whole autoencoder. Ours is opened by
``open_model`` as the space opens a model of the hub, with a tiny autoencoder of the class the catalogue names. Beside
it stand, if asked for, ways to make its U-Net quicker, with what they take before the first picture. All stay in memory
and draw in turn, so that a busy machine hits all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench import untrained
from bench.tables import machine, median, report
from common import catalog, hardware
from common.diffusion import metadata
from common.diffusion.models import configured
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.request import ImageRequest

# The rival's weights in 32 bits (5.2 GB), ours in no more, and what a picture needs; what each other way takes beside.
_NEEDED_GB, _BESIDE_GB = 13, 3
Forward = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run the U-Net.

    Attributes:
        before: seconds it takes until its first prediction, beyond loading the model.
        processor: the same of one core at work, which others at work make no longer.
        forward: in place of the U-Net's own.
        error: of its prediction, as a share of what 32 bits predict (root of the sum of squares of both).
    """

    name: str
    before: float
    processor: float
    forward: Forward
    error: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a picture: seconds, and those of one core at work."""

    seconds: float
    processor: float


def ways(pipe: Any, opened: Opened, names: Sequence[str]) -> list[Way]:
    """The U-Net as the space has it, and in the ways of these names."""
    own = opened.pipe.unet
    given = _inputs()
    expected = pipe.unet(*given, return_dict=False)[0]
    made = []
    for name in ("own", *names):
        title, make = WAYS[name]
        start, worked = time.perf_counter(), _processor_seconds()
        forward = make(pipe.unet, own)
        first = _predict(forward, given, own.dtype)
        before, processor = time.perf_counter() - start, _processor_seconds() - worked
        error = float((first - expected).norm() / expected.norm())
        title = title.format(dtype=str(own.dtype).removeprefix("torch."))
        made.append(Way(title, before, processor, forward, error))
        print(f"{title}: {before:.0f} s with the first prediction, {processor:.0f} s of a core", flush=True)
    return made


def _processor_seconds() -> float:
    """Of this process and of all that it has started."""
    here = psutil.Process()
    found = 0.0
    for process in (here, *here.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += sum(process.cpu_times()[:4])
    return found


def _inputs() -> tuple[Any, Any, Any]:
    """Latent, timestep and words of a prompt, as the U-Net gets them in 32 bits."""
    import torch

    chance = torch.Generator().manual_seed(0)
    edge = untrained.SIZE // 8
    words = torch.randn(1, 77, 1024, generator=chance)
    return torch.randn(1, 4, edge, edge, generator=chance), torch.tensor(999.0), words


def _predict(forward: Forward, given: tuple[Any, Any, Any], dtype: Any) -> Any:
    latent, timestep, words = given
    return forward(latent.to(dtype), timestep, encoder_hidden_states=words.to(dtype), return_dict=False)[0].float()


def _compiled(whole: Any, own: Any) -> Forward:
    import torch

    compiled: Forward = torch.compile(own.forward, dynamic=False)
    return compiled


def _eight_bits(whole: Any, own: Any) -> Forward:
    import torch
    from torch.ao.quantization import quantize_dynamic

    small = quantize_dynamic(whole, {torch.nn.Linear}, dtype=torch.qint8)  # type: ignore[no-untyped-call]

    def forward(sample: Any, timestep: Any, encoder_hidden_states: Any, **_: Any) -> tuple[Any, ...]:
        found = small(sample.float(), timestep, encoder_hidden_states.float(), return_dict=False)[0]
        return (found.to(own.dtype),)

    return forward


def _openvino(whole: Any, own: Any) -> Forward:
    import openvino
    import torch

    class Plain(torch.nn.Module):
        """The U-Net with its inputs in a row, for the conversion."""

        def __init__(self) -> None:
            super().__init__()
            self.unet = whole

        def forward(self, sample: Any, timestep: Any, encoder_hidden_states: Any) -> Any:
            return self.unet(sample, timestep, encoder_hidden_states, return_dict=False)[0]

    given = _inputs()
    model = openvino.convert_model(Plain(), example_input=given, input=[tuple(part.shape) for part in given])
    hint = "bf16" if own.dtype == torch.bfloat16 else "f32"
    settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.compile_model(model, "CPU", settings)

    def forward(sample: Any, timestep: Any, encoder_hidden_states: Any, **_: Any) -> tuple[Any, ...]:
        parts = [sample.float().numpy(), timestep.float().numpy(), encoder_hidden_states.float().numpy()]
        return (torch.from_numpy(compiled(parts)[0].copy()).to(own.dtype),)

    return forward


# By name: the title in the table, and what makes it out of the U-Nets in 32 bits and as the space has it.
WAYS: dict[str, tuple[str, Callable[[Any, Any], Forward]]] = {
    "own": ("as the space opens it: {dtype}, tiny autoencoder", lambda whole, own: own.forward),
    "int8": ("… U-Net with matrices of 8 bits (torch.ao, dynamic), the rest in 32", _eight_bits),
    "openvino": ("… U-Net by OpenVINO in {dtype}", _openvino),
    "compile": ("… U-Net compiled (torch.compile)", _compiled),
}


def in_turn(pipe: Any, opened: Opened, tried: list[Way], rounds: int, rival: bool) -> list[list[Cost]]:
    """What a picture costs from the prompt to the PNG file, in turn, after one that warms up each.

    Args:
        rival: draw with the pipeline as diffusers makes it, too; first in every round.
    """
    request = ImageRequest("a fox", steps=1, guidance_scale=0.0, size=opened.native)
    own = opened.pipe.unet.forward

    def usual() -> Any:
        return pipe(request.prompt, num_inference_steps=1, guidance_scale=0.0).images[0]

    def ours(way: Way) -> Any:
        opened.pipe.unet.forward = way.forward
        try:
            return paint(opened, [request])[0].images[0]
        finally:
            opened.pipe.unet.forward = own

    draws: list[Callable[[], Any]] = [usual] * rival + [partial(ours, way) for way in tried]
    costs: list[list[Cost]] = [[] for _ in draws]
    for _ in range(rounds + 1):
        for draw, found in zip(draws, costs, strict=True):
            start, worked = time.perf_counter(), _processor_seconds()
            metadata.png(draw(), {})
            found.append(Cost(time.perf_counter() - start, _processor_seconds() - worked))
        print(
            " / ".join(f"{found[-1].seconds:.1f} s, {found[-1].processor:.1f} s of a core" for found in costs),
            flush=True,
        )
    return [found[1:] for found in costs]


def _own_mb() -> float:
    """Memory of this process that no other and no file has, in MB."""
    gc.collect()
    return float(psutil.Process().memory_full_info().uss) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rival", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--ways", nargs="*", choices=list(WAYS)[1:], default=[], help="other ways to run the U-Net")
    options = parser.parse_args()
    rounds: int = options.rounds
    needed = _NEEDED_GB + _BESIDE_GB * len(options.ways)
    if hardware.free_memory_gb() < needed:
        parser.exit(1, f"All of them together need {needed} GB of free memory.\n")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as ``open_model`` does, before torch is loaded
    pipe = untrained.sd_turbo()
    pipe.set_progress_bar_config(disable=True)
    with tempfile.TemporaryDirectory() as place:
        untrained.save(pipe, Path(place))
        before = _own_mb()
        opened = open_model(configured(place))
        taken = _own_mb() - before
    import torch

    load = hardware.load(5)  # of others: their share is why seconds of a core are said, too
    with torch.inference_mode():
        tried = ways(pipe, opened, options.ways)
        costs = in_turn(pipe, opened, tried, rounds, options.rival)
    drawn: list[tuple[str, Way | None, list[Cost]]] = [
        (way.name, way, found) for way, found in zip(tried, costs[options.rival :], strict=True)
    ]
    if options.rival:
        drawn.insert(0, ("diffusers' default: 32 bits, whole autoencoder", None, costs[0]))
    rows = []
    for title, way, found in drawn:
        ratio = median([first.seconds / cost.seconds for first, cost in zip(costs[0], found, strict=True)])
        aim = " (aim: 5 ×)" if options.rival and way is tried[0] else ""
        other = way is not None and way is not tried[0]
        rows.append(
            [
                title,
                f"{median([cost.seconds for cost in found]):.1f} s",
                f"{median([cost.processor for cost in found]):.1f} s",
                "1 ×" if found is costs[0] else f"**{ratio:.1f} ×**{aim}",
                f"{way.before:.0f} s, {way.processor:.0f} s of a core" if way and other else "",
                f"{100 * way.error:.1f} %" if way else "",
            ]
        )
    said = next(model.memory_mb for model in catalog.with_task("image") if model.id == "sd-turbo")
    report(
        "large_diffusion",
        "A model of SD-Turbo's size on this processor: one step, 512×512, prompt to PNG",
        ("what", "seconds", "of a core", "ratio", "until its first prediction", "error of the prediction"),
        rows,
        [
            f"Medians of rounds in turn ({rounds}) after one that warms up; a ratio is the median of the rounds' own.",
            f"As the space opens it the model takes {taken:.0f} MB; the catalogue says {said}.",
            f"{torch.get_num_threads()} threads, random weights; {load:.0f} % of the cores were at work for others.",
            f"{machine()}.",
        ],
    )


if __name__ == "__main__":
    main()
