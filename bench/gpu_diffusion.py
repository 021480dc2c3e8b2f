"""On a CUDA card: a model of Stable Diffusion 1.5's size, 30 steps, 512×512 pixels, against diffusers' 16-bit default.

The pipeline has random weights, which take as long as trained ones and need no network. The rival is diffusers' own
pipeline in float16, called once for all pictures. Ours is opened by ``open_model`` as the space opens a model of the
hub, and draws for as many visitors as there are pictures, with and without the previews that they see; beside it stands
the same without replayed passes and, if asked for, with convolutions in another order in memory. Speeds are taken in
turn, so that a busy machine hits all; memory is each way's alone, weights included.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import untrained
from bench.tables import machine, median, report
from common import hardware
from common.diffusion.models import configured
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.request import ImageRequest

_STEPS, _TOGETHER, _GUIDANCE, _PROMPT = 30, (1, 8), 7.5, "a fox in the snow"
# Draws pictures with the seeds from 0 on; so many of them.
Draw = Callable[[int], NDArray[np.uint8]]
RIVAL, OURS = "rival", "ours"


@dataclass(frozen=True, slots=True)
class Found:
    """What a way was measured to do.

    Attributes:
        seconds: by pictures drawn together, of every round.
        memory_mb: the most it had on the card, alone there; 0 without one.
        apart: mean difference of its pictures from the rival's, of 255.
    """

    seconds: dict[int, list[float]]
    memory_mb: float
    apart: float


@contextlib.contextmanager
def rival(folder: Path, steps: int) -> Iterator[Draw]:
    """The pipeline as diffusers loads it, in 16 bits where there is a card."""
    import torch
    from diffusers import StableDiffusionPipeline

    place = hardware.device()
    dtype = torch.float16 if place == "cuda" else torch.float32
    pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True).to(place)
    pipe.set_progress_bar_config(disable=True)

    def draw(count: int) -> NDArray[np.uint8]:
        chances = [torch.Generator().manual_seed(seed) for seed in range(count)]
        drawn = pipe(
            [_PROMPT] * count, num_inference_steps=steps, guidance_scale=_GUIDANCE, generator=chances, output_type="pil"
        )
        return np.stack([np.asarray(picture) for picture in drawn.images])

    yield draw


@contextlib.contextmanager
def ours(
    folder: Path,
    steps: int,
    watched: bool = False,
    change: Callable[[Opened], Opened] = lambda opened: opened,
) -> Iterator[Draw]:
    """The space's engine, for one visitor a picture.

    Args:
        watched: every visitor gets a preview at every step.
        change: what is done to the opened model before.
    """
    opened = change(open_model(configured(str(folder))))
    request = ImageRequest(_PROMPT, steps=steps, guidance_scale=_GUIDANCE, size=opened.native)

    def draw(count: int) -> NDArray[np.uint8]:
        requests = [replace(request, seed=seed) for seed in range(count)]
        done = paint(opened, requests, (lambda index, event: None) if watched else None)
        return np.stack([np.asarray(finished.images[0]) for finished in done])

    yield draw


def _not_replayed(opened: Opened) -> Opened:
    return replace(opened, replayed=None)


def _channels_last(opened: Opened) -> Opened:
    import torch

    for part in (opened.network, opened.pipe.vae):
        part.to(memory_format=torch.channels_last)
    return opened


# By name: the title in the table, and the way itself from the folder and the steps.
WAYS: dict[str, tuple[str, Callable[[Path, int], contextlib.AbstractContextManager[Draw]]]] = {
    RIVAL: ("diffusers' default: float16", rival),
    OURS: ("as the space opens it, passes replayed", ours),
    "watched": ("… with a preview at every step", lambda folder, steps: ours(folder, steps, watched=True)),
    "plain": ("… passes not replayed", lambda folder, steps: ours(folder, steps, change=_not_replayed)),
    "channels_last": (
        "… channels last in memory",
        lambda folder, steps: ours(folder, steps, change=_channels_last),
    ),
}


def measure(
    folder: Path, names: Sequence[str], rounds: int, steps: int = _STEPS, together: Sequence[int] = _TOGETHER
) -> dict[str, Found]:
    """Speed, memory and pictures of each way; the rival has to be the first of ``names``."""
    memory = {name: _memory_mb(partial(WAYS[name][1], folder, steps), together) for name in names}
    with contextlib.ExitStack() as stack:
        draws = {name: stack.enter_context(WAYS[name][1](folder, steps)) for name in names}
        for draw in draws.values():  # what is loaded, chosen and recorded on first use
            for count in together:
                draw(count)
        seconds: dict[str, dict[int, list[float]]] = {name: {count: [] for count in together} for name in names}
        for _ in range(rounds):
            for count in together:
                for name, draw in draws.items():
                    seconds[name][count].append(_seconds(draw, count))
        pictures = {name: draw(together[-1]).astype(float) for name, draw in draws.items()}
    apart = {name: float(np.abs(pictures[name] - pictures[names[0]]).mean()) for name in names}
    return {name: Found(seconds[name], memory[name], apart[name]) for name in names}


def _seconds(draw: Draw, count: int) -> float:
    """Until the pictures are there: they come from the card, which is done then."""
    start = time.perf_counter()
    draw(count)
    return time.perf_counter() - start


def _memory_mb(way: Callable[[], contextlib.AbstractContextManager[Draw]], together: Sequence[int]) -> float:
    """The most that torch takes of the card for a way, its weights and what it keeps of recorded passes included."""
    import torch

    if not torch.cuda.is_available():
        return 0.0
    _let_go()
    before = torch.cuda.memory_reserved()
    torch.cuda.reset_peak_memory_stats()
    with way() as draw:
        for count in together:
            draw(count)
        most = torch.cuda.max_memory_reserved()
    del draw
    _let_go()
    return (most - before) / 1e6


def _let_go() -> None:
    import torch

    gc.collect()
    torch.cuda.empty_cache()


def table(found: dict[str, Found], together: Sequence[int] = _TOGETHER) -> list[list[str]]:
    """The rows: speed and ratio for each number of pictures, memory, difference."""
    first = next(iter(found.values()))
    rows = []
    for name, way in found.items():
        row = [WAYS[name][0]]
        for count in together:
            pairs = zip(first.seconds[count], way.seconds[count], strict=True)
            ratio = median([rival / own for rival, own in pairs])
            speed = count / median(way.seconds[count])
            aim = " (aim: 1.5 ×)" if name == OURS and count == 1 else ""
            row.append(f"{speed:.2f} pictures/s" + ("" if way is first else f", **{ratio:.2f} ×**{aim}"))
        row += [f"{way.memory_mb:.0f} MB", "" if way is first else f"{way.apart:.1f} of 255"]
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", nargs="*", choices=[*WAYS][2:], default=["watched", "plain"], help="beside the two")
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("no CUDA card here: nothing measured")
        return
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place:
        untrained.save(untrained.sd_15(), Path(place))
        found = measure(Path(place), [RIVAL, OURS, *options.ways], options.rounds)
    report(
        "gpu_diffusion",
        f"A model of Stable Diffusion 1.5's size on a GPU: {_STEPS} steps, 512×512",
        ("what", *(f"{count} at a time" for count in _TOGETHER), "peak memory", "mean difference from the first"),
        table(found),
        [
            f"Medians of {options.rounds} rounds in turn; ratios are medians of the rounds' own. Random weights.",
            f"{torch.cuda.get_device_name()}. {machine()}.",
        ],
    )


if __name__ == "__main__":
    main()
