"""One run with all of its steps, and what can be saved of it: an animation and a strip. Knows nothing about models."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from common.diffusion import safety
from common.diffusion.request import Finished, ImageRequest, Pixels, StepEvent

# Edge of a picture in what is saved, and the gap between two, in pixels.
_EDGE, _GAP = 128, 6
# Steps in a strip; more would be too small to see.
_COLUMNS = 10
_FRAME_MS, _LAST_MS = 200, 2000


@dataclass(frozen=True, slots=True)
class Trace:
    """A run of one picture.

    Attributes:
        request: what was asked for.
        steps: what has come so far.
        finished: the picture, once it is there.
        stopped_hidden: it was stopped, and the model's safety checker has hidden what was to come out.
    """

    request: ImageRequest
    steps: tuple[StepEvent, ...] = ()
    finished: Finished | None = None
    stopped_hidden: bool = False

    @property
    def image(self) -> Image.Image | None:
        """The finished picture."""
        return self.finished.images[0] if self.finished else None

    @property
    def hidden(self) -> bool:
        """Whether the model's safety checker has hidden it."""
        return self.stopped_hidden or (self.finished is not None and self.finished.hidden[0])

    def finish(self, finished: Finished) -> Trace:
        """With its picture; one that the safety checker has hidden hides the steps, which show the same."""
        steps = tuple(map(safety.blacken, self.steps)) if finished.hidden[0] else self.steps
        return replace(self, steps=steps, finished=finished)


def gif(traces: Sequence[Trace]) -> bytes:
    """An animation: in each row of a frame one run, noisy picture and guess; the finished pictures at the end."""
    longest = max(len(trace.steps) for trace in traces)
    frames = []
    for number in range(longest):
        rows = []
        for trace in traces:
            event = trace.steps[min(number, len(trace.steps) - 1)]
            rows.append([_big(event.noisy[0]), _big(event.clean[0])])
        frames.append(_board(rows))
    ends = [trace.image for trace in traces]
    frames.append(
        _board([[_big(trace.steps[-1].noisy[0]), _big(end)] for trace, end in zip(traces, ends, strict=True)])
    )
    file = io.BytesIO()
    frames[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[_FRAME_MS] * longest + [_LAST_MS],
        loop=0,
    )
    return file.getvalue()


def strip(traces: Sequence[Trace]) -> bytes:
    """A PNG: for each run the noisy pictures, the predicted noise and the guesses in rows, the result at the end."""
    rows = []
    for trace in traces:
        chosen = chosen_steps(len(trace.steps))
        events = [trace.steps[place] for place in chosen]
        rows.append([_big(event.noisy[0]) for event in events])
        rows.append([_big(event.noise[0]) for event in events])
        rows.append([*(_big(event.clean[0]) for event in events), _big(trace.image)])
    file = io.BytesIO()
    _board(rows).save(file, "PNG")
    return file.getvalue()


def chosen_steps(count: int, most: int = _COLUMNS) -> list[int]:
    """Places of at most ``most`` steps out of ``count``, spread evenly, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def _big(picture: Pixels | Image.Image | None) -> Image.Image:
    if picture is None:
        return Image.new("RGB", (_EDGE, _EDGE), "white")
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    return picture.convert("RGB").resize((_EDGE, _EDGE), Image.Resampling.BICUBIC)


def _board(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Pictures in rows on white."""
    step = _EDGE + _GAP
    wide = max(len(row) for row in rows)
    board = Image.new("RGB", (wide * step + _GAP, len(rows) * step + _GAP), "white")
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            board.paste(picture, (_GAP + across * step, _GAP + down * step))
    return board
