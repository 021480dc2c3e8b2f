"""How fast this machine trains, from the runs it has done; before the first, a cautious guess."""

from __future__ import annotations

from common.training.config import FinetuneConfig, Method, ScratchConfig, Shape
from common.training.lora import flops_per_weight, frozen_in_half
from common.training.runs import TrainingRuns
from common.training.shape import flops_per_token

# Measured with the smallest preset on two cores of an AVX2 server processor.
_GUESS = 20e9  # floating-point operations a second
_START_SECONDS = 10.0  # of a process, until its first step
_NEWEST = 5
# Of a core, measured with SmolLM2 135M and a LoRA of rank 8: on AVX2 in fp32, on AVX512-BF16 in bfloat16 (there 207e9
# of the processor's time; half of it, since a core is rarely one's own).
_FINETUNE_GUESS, _FINETUNE_HALF_GUESS = 30e9, 100e9
_FINETUNE_START = 20.0
_WORKING = 0.8  # part of the time that goes into steps


def measured_flops(runs: TrainingRuns) -> float:
    """Useful floating-point operations a second: the median over the newest runs that came far enough to tell."""
    found: list[float] = []
    for run in runs.all():
        vocabulary = (run.folder.read_json("data.json") or {}).get("vocabulary")
        rates = [event["tokens_per_second"] for event in run.folder.events() if event["type"] == "step"]
        if vocabulary and len(rates) >= 5 and isinstance(run.config, ScratchConfig):
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


def measured_finetune_flops(runs: TrainingRuns, method: Method, cores: int) -> float:
    """As ``measured_flops``, of models trained further: their steps are larger, and use the processor better.

    Only runs that compute in the numbers that ``method`` has here tell of it; ``cores`` are those of one run.
    """
    half = frozen_in_half(method)
    found: list[float] = []
    for run in runs.all():
        parameters = (run.folder.read_json("data.json") or {}).get("parameters")
        rates = [event["tokens_per_second"] for event in run.folder.events() if event["type"] == "step"]
        config = run.config
        if not isinstance(config, FinetuneConfig) or frozen_in_half(config.method) != half:
            continue
        if parameters and len(rates) >= 5:
            found.append(sorted(rates)[len(rates) // 2] * parameters * flops_per_weight(config.method))
        if len(found) == _NEWEST:
            break
    guess = cores * (_FINETUNE_HALF_GUESS if half else _FINETUNE_GUESS)
    return sorted(found)[len(found) // 2] if found else guess


def finetune_steps(parameters: float, method: Method, tokens: int, minutes: float, flops: float) -> int:
    """How many steps of ``tokens`` fit into some minutes, starting and three looks at the held-out part left out."""
    seconds = max(10.0, 60 * minutes * _WORKING - _FINETUNE_START)
    return max(5, int(seconds * flops / (parameters * flops_per_weight(method)) / tokens))


def evaluate_every(pace_steps: int) -> int:
    """Twenty looks at the held-out text in a run, not more often than every ten steps."""
    return max(10, pace_steps // 20)
