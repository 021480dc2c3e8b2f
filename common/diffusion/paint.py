"""One batch through a pipeline: the pipeline's own loop, with somebody watching every step.

The watcher sits in the scheduler's ``step``, which every pipeline calls with what the model has predicted; so each
family of models is watched in the same way, and a batch that nobody wants any more ends between two steps.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
import time
from collections.abc import Callable, Generator, Sequence
from queue import Queue
from typing import Any

from common import hardware
from common.diffusion import schedulers
from common.diffusion.opened import DECODED, Opened
from common.diffusion.request import Finished, ImageRequest, Pixels, StepEvent
from common.hardware import gpu

# Rows of the network's input from which 16 bits are quicker on a processor that multiplies them (measured with the
# embedded model on AMX: 16 rows 107 ms for 135, 32 rows 125 for 270; 2 rows 55 for 46).
_WIDE = 16
# Of a lent GPU: seconds until the model is on it, and for a pass of 512 × 512 pixels with guidance, generously.
_MOVING, _SECONDS_A_PASS = 15.0, 0.3
Emit = Callable[[int, StepEvent], None]
# The loaded models by id, for calls that get a GPU lent.
LENT: dict[str, Opened] = {}


class Abandoned(Exception):
    """Nobody waits for this batch any more."""


def paint(
    opened: Opened,
    requests: Sequence[ImageRequest],
    emit: Emit | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> list[Finished]:
    """Draw the pictures of requests with the same ``batch_key``.

    Every picture has a random generator of its own, so that its noise does not depend on who else is in the batch.

    Args:
        emit: called after each step for every request, with its index; None when nobody looks.
        wanted: asked before each step; on False the batch ends with Abandoned.
    """
    import torch

    first = requests[0]
    prompts = [request.prompt for request in requests for _ in request.seeds]
    refused = [request.negative_prompt for request in requests for _ in request.seeds]
    generators = [torch.Generator().manual_seed(seed) for request in requests for seed in request.seeds]
    start = time.perf_counter()
    rows = len(prompts) * (2 if first.guided else 1)
    with (
        opened.in_use(first.scheduler, first.full_decoder) as pipe,
        torch.inference_mode(),
        _precision(pipe, rows),
        opened.replaying(),
    ):
        if emit is not None:
            _watch(pipe.scheduler, opened, requests, emit, wanted)
        options: dict[str, Any] = {
            "prompt": prompts,
            "negative_prompt": refused if first.guided else None,
            "num_inference_steps": first.steps,
            "guidance_scale": first.guidance_scale,
            "height": first.size,
            "width": first.size,
            "generator": generators,
            "output_type": "pil",
        }
        known = inspect.signature(type(pipe).__call__).parameters
        if "use_resolution_binning" in known:  # PixArt would draw the nearest size of its own, and resize
            options["use_resolution_binning"] = False
        output = pipe(**{name: value for name, value in options.items() if name in known})
    seconds = time.perf_counter() - start
    hidden = getattr(output, "nsfw_content_detected", None) or [False] * len(prompts)
    finished, place = [], 0
    for request in requests:
        part = slice(place, place + request.images)
        finished.append(Finished(tuple(output.images[part]), tuple(map(bool, hidden[part])), seconds, len(prompts)))
        place += request.images
    return finished


def _precision(pipe: Any, rows: int) -> contextlib.AbstractContextManager[Any]:
    """A wide batch of a 32-bit model multiplies in 16 bits where the processor does so natively.

    The same seed still gives the same picture: of the embedded model's, half a step of 255 apart on average.
    """
    import torch

    wide = rows >= _WIDE and pipe.dtype == torch.float32 and pipe.device.type == "cpu"
    if wide and hardware.cpu_has_bf16():
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def _lent_for(name: str, requests: Sequence[ImageRequest]) -> int:
    """Seconds that a batch may take on a lent GPU."""
    first = requests[0]
    passes = (first.steps + 1) * sum(request.images for request in requests) * (first.size / 512) ** 2
    return hardware.lent_seconds(_MOVING + passes * _SECONDS_A_PASS)


@gpu(_lent_for)
def paint_on_lent_gpu(
    name: str, requests: Sequence[ImageRequest]
) -> Generator[tuple[int, StepEvent] | list[Finished], None, None]:
    """The same where a GPU is lent for each call (ZeroGPU), which runs in another process: events come as a stream.

    Args:
        name: id of a model in ``LENT``; the process is a copy of this one, so that no model travels.

    Closing the generator ends the batch between two steps.
    """
    events: Queue[tuple[int, StepEvent] | list[Finished] | BaseException] = Queue()
    gone = threading.Event()

    def work() -> None:
        try:
            events.put(
                paint(LENT[name], requests, lambda index, event: events.put((index, event)), lambda: not gone.is_set())
            )
        except BaseException as problem:
            events.put(problem)

    threading.Thread(target=work, daemon=True, name="paint").start()
    try:
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, list):
                return
    finally:
        gone.set()


def _watch(
    scheduler: Any, opened: Opened, requests: Sequence[ImageRequest], emit: Emit, wanted: Callable[[], bool]
) -> None:
    """Make the scheduler say what the model has predicted, then do its step as before."""
    usual = scheduler.step
    steps, done = requests[0].steps, 0
    traced = any(request.trace for request in requests)
    shown: tuple[Pixels, ...] = ()
    start = time.perf_counter()

    @functools.wraps(usual)  # pipelines look at the signature
    def step(model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal done, shown
        if not wanted():
            raise Abandoned
        noisy, noise, clean, share = schedulers.split(scheduler, model_output, timestep, sample)
        result = usual(model_output, timestep, sample, *args, **kwargs)
        done += 1
        left = (time.perf_counter() - start) / done * (steps - done)
        # A large picture's preview takes as long as the quick decoder, which after the last step gives the picture.
        if done < steps or traced or opened.native <= DECODED:
            shown = opened.preview.pixels(clean)
        noisy_shown = opened.preview.pixels(noisy) if traced else ()
        noise_shown = opened.preview.pixels(noise) if traced else ()
        place = 0
        for index, request in enumerate(requests):
            part = slice(place, place + request.images)
            place += request.images
            emit(
                index,
                StepEvent(
                    done,
                    steps,
                    float(timestep),
                    share,
                    shown[part],
                    noisy_shown[part] if request.trace else (),
                    noise_shown[part] if request.trace else (),
                    left,
                ),
            )
        return result

    scheduler.step = step
