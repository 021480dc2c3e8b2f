"""How fast this machine trains, from the runs it has done; before the first, a cautious guess."""

from __future__ import annotations

from common.training.config import Shape
from common.training.runs import TrainingRuns
from common.training.shape import flops_per_token

# Measured with the smallest preset on two cores of an AVX2 server processor.
_GUESS = 20e9  # floating-point operations a second
_START_SECONDS = 10.0  # of a process, until its first step
_NEWEST = 5


def measured_flops(runs: TrainingRuns) -> float:
    """Useful floating-point operations a second: the median over the newest runs that came far enough to tell."""
    found: list[float] = []
    for run in runs.all():
        vocabulary = (run.folder.read_json("data.json") or {}).get("vocabulary")
        rates = [event["tokens_per_second"] for event in run.folder.events() if event["type"] == "step"]
        if vocabulary and len(rates) >= 5:
            found.append(sorted(rates)[len(rates) // 2] * flops_per_token(run.config.shape, vocabulary))
        if len(found) == _NEWEST:
            break
    return sorted(found)[len(found) // 2] if found else _GUESS


def tokens_per_second(shape: Shape, vocabulary: int, flops: float) -> float:
    """The speed to expect."""
    return flops / flops_per_token(shape, vocabulary)


def steps_within(shape: Shape, vocabulary: int, batch: int, minutes: float, flops: float) -> int:
    """How many steps fit into some minutes, the start of the process left out."""
    tokens = tokens_per_second(shape, vocabulary, flops) * max(10.0, 60 * minutes - _START_SECONDS)
    return max(20, int(tokens / (batch * shape.context)))


def evaluate_every(pace_steps: int) -> int:
    """Twenty looks at the held-out text in a run, not more often than every ten steps."""
    return max(10, pace_steps // 20)
