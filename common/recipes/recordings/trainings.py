"""Training runs, small enough to be made in a minute: the same process, Trainer and files as the Train space's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from common import errors
from common.config import settings
from common.recordings.recording import LossPoint, Sample, TrainingPart
from common.training.config import AnyConfig
from common.training.folder import Event
from common.training.runs import Run, TrainingRuns

_LOOK_SECONDS = 0.3
# Said in the recording by their titles; where they lay is nobody's business.
_LEFT_OUT = {"owner", "base", "adapter"}


def follow(
    config: AnyConfig, data: str, folder: Path, enough: Callable[[list[Event]], bool] = lambda events: False
) -> tuple[Run, list[Event]]:
    """Run a training in ``folder`` until it ends, or until ``enough`` says so: then it is ended, and nothing is left.

    Raises:
        DemystifyError: what made the run fail.
    """
    runs = TrainingRuns(settings().model_copy(update={"runs_dir": folder}))
    runs.start()
    try:
        run = runs.create(config, data)
        while run.state in ("waiting", "running"):
            time.sleep(_LOOK_SECONDS)
            run = runs.find(run.folder.id)
            events = list(run.folder.events())
            if enough(events):
                runs.delete(run.folder.id, run.config.owner)
                return run, events
        result = run.folder.read_json("result.json") or {}
        if run.state == "failed":
            raise errors.from_json(result["error"])
        return run, list(run.folder.events())
    finally:
        runs.close()


def training_part(config: AnyConfig, data: str, named: str, folder: Path) -> TrainingPart:
    """Run a training to its end.

    Args:
        config: what to do.
        data: the text or the examples, as the run's file has them.
        named: what they are called.
        folder: for the run; not kept.
    """
    return part_of(config, follow(config, data, folder)[1], named)


def part_of(config: AnyConfig, events: list[Event], named: str) -> TrainingPart:
    """What a run has told, as it is kept; pictures that it drew on the way are not."""
    held_out = {event["step"]: event["loss"] for event in events if event["type"] == "eval"}
    points = [event for event in events if event["type"] == "step" and event["loss"] is not None]
    # The mean of some steps is said at their end; a look at the held-out text counts for the first point after it.
    curve, waiting = [], None
    steps = sorted({*held_out, *(event["step"] for event in points)})
    losses = {event["step"]: event["loss"] for event in points}
    for step in steps:
        waiting = held_out.get(step, waiting)
        if step in losses:
            known = None if waiting is None else round(waiting, 4)
            curve.append(LossPoint(step=step, loss=round(losses[step], 4), held_out=known))
            waiting = None
    return TrainingPart(
        config={name: value for name, value in config.model_dump(mode="json").items() if name not in _LEFT_OUT},
        data=named,
        points=tuple(curve),
        samples=tuple(
            Sample(step=event["step"], loss=round(event["loss"], 3), text=event["text"])
            for event in events
            if event["type"] == "sample" and "text" in event
        ),
        seconds=round(max((event.get("seconds", 0.0) for event in events), default=0.0), 1),
    )
