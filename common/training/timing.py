"""How long a run of these settings takes here: read from a real run of the same kind, or from a short one made for it.

The short one is ``run.py`` itself with a few steps, in a folder that is deleted: same process, data, threads, looks at
the held-out part and samples, so that nothing has to be modelled. What it found is kept beside the runs, by machine and
settings. Until then speed.py guesses by floating-point operations.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from common import hardware
from common.config import Settings
from common.training.config import FinetuneConfig, ScratchConfig
from common.training.folder import Event, RunFolder
from common.training.launch import command, cores, environment
from common.training.runs import TrainingRuns

Timed = ScratchConfig | FinetuneConfig
_ROOT = Path(__file__).resolve().parents[2]
# Steps, and those of them that are not counted: caches fill, code compiles, numbers of threads are tried (`Threads`).
_SHORT: dict[str, int] = {"scratch": 40, "finetune": 4}
_UNSETTLED: dict[str, int] = {"scratch": 20, "finetune": 1}
_FEWEST = {"scratch": 20, "finetune": 5}  # steps that are a run at all
_PATIENCE = 120.0  # seconds; who cannot do the short run in that time gets no measured figure
_AGAIN = 3600.0  # seconds after which it is tried again: the machine may have been busy with something else
_SOON = 300.0  # seconds after which a figure of a machine that was busy is measured again
_BUSY = 50.0  # percent of the processor that others use
_LOOK_SECONDS = 1.0  # between two looks whether a real run has begun
_SPARED = 7 / 8  # of the compiler's time: what it has made for the short run is there for the next (4 of 32 s)
_RATES = 5  # speeds that a real run must have said
_MOST_SAMPLES = 7  # losses a small model comes down to on its way, of ``ScratchConfig.sample_at``


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: from the process to its first step, of a step, of a look at the held-out part, of a sample."""

    start: float
    step: float
    look: float
    sample: float

    def seconds(self, config: Timed, steps: int) -> float:
        """Of a whole run of so many steps."""
        looks, samples = _looks(config, steps)
        return self.start + steps * self.step + looks * self.look + samples * self.sample

    def steps(self, config: Timed, minutes: float) -> int:
        """How many fit into some minutes, everything else of the run counted in."""
        steps = 10_000
        for _ in range(3):  # fewer steps are fewer looks
            looks, samples = _looks(config, steps)
            left = 60 * minutes - self.start - looks * self.look - samples * self.sample
            steps = max(_FEWEST[config.kind], int(left / self.step))
        return steps


def _looks(config: Timed, steps: int) -> tuple[float, float]:
    """Looks at the held-out part in a run, the last one included, and samples that the model writes at them."""
    if isinstance(config, FinetuneConfig):  # thirds of the way, and before the first step; an answer at each
        return 4.0, 4.0
    looks = min(20, steps / 10) + 1
    return looks, min(_MOST_SAMPLES, looks)


def known(runs: TrainingRuns, config: Timed, vocabulary: int) -> Timing | None:
    """What was measured with these settings on this machine: by a run, the newest first, else by a short one.

    Args:
        vocabulary: tokens that the tokenizer of a model from scratch will have; 0 for a model that has its own.
    """
    asked = _settings(config, vocabulary)
    return _said_by_a_run(runs, config, asked) or _kept(_place(runs.settings, asked))[0]


def wanted(runs: TrainingRuns, config: Timed, vocabulary: int) -> bool:
    """Whether a measurement is missing and would tell the truth now: beside a run at work it would not."""
    asked = _settings(config, vocabulary)
    place = _place(runs.settings, asked)
    if place.exists():
        found, busy = _kept(place)
        lasts = _AGAIN if found is None else _SOON if busy else float("inf")
        if time.time() - place.stat().st_mtime < lasts:
            return False
    return _said_by_a_run(runs, config, asked) is None and not _at_work(runs)


def _said_by_a_run(runs: TrainingRuns, config: Timed, asked: dict[str, object]) -> Timing | None:
    for run in runs.all():
        if isinstance(run.config, ScratchConfig | FinetuneConfig) and run.config.kind == config.kind:
            size = (run.folder.read_json("data.json") or {}).get("vocabulary", 0)
            if _settings(run.config, size) == asked and (found := of_run(run.folder, _RATES)) is not None:
                return found
    return None


def _kept(place: Path) -> tuple[Timing | None, bool]:
    """What a short run has left in a file, and whether the machine had other work meanwhile."""
    try:
        content = json.loads(place.read_text("utf-8"))
        return Timing(**content["timing"]), bool(content["busy"])
    except (OSError, ValueError, TypeError, KeyError):  # not measured, in vain, or by another version
        return None, False


async def measure(runs: TrainingRuns, config: Timed, data: str, vocabulary: int) -> Timing | None:
    """Do a short run with these settings and keep what it took, or that it took too long.

    It blocks nothing, and ends with the caller, or when a run begins, which should have the cores for itself.

    Args:
        data: what a run would learn from.
        vocabulary: as for ``known``.

    Returns:
        None when it did not come to its end.
    """
    steps, settings = _SHORT[config.kind], runs.settings
    pace = config.pace.model_copy(update={"steps": steps, "evaluate_every": steps, "checkpoint_seconds": 3600.0})
    # It also ends by itself, should this process die meanwhile.
    changes: dict[str, object] = {"pace": pace, "minutes": _PATIENCE / 60}
    busy = await asyncio.to_thread(hardware.load, 0.5) > _BUSY  # before the short run brings its own
    if config.kind == "scratch":
        changes["sample_at"] = (1e9,)  # one sample, whatever the loss
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place))
        folder.write_text(config.data_file, data)
        folder.write_json("config.json", config.model_copy(update=changes).model_dump(mode="json"))
        process = await asyncio.create_subprocess_exec(
            *command(folder, settings.accelerate_config),
            cwd=_ROOT,
            env=environment(cores(settings), config.kind),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ended = await _end_of(process, runs)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        found = of_run(folder, 1, after=_UNSETTLED[config.kind]) if ended == "done" else None
        compiling = sum(event["took"] or 0.0 for event in folder.events() if event["type"] == "compiled")
    if found is not None:
        found = replace(found, start=max(0.0, found.start - _SPARED * compiling))
    if found is not None or ended == "late":
        target = _place(settings, _settings(config, vocabulary))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        part.write_text(json.dumps({"timing": asdict(found) if found else None, "busy": busy}), "utf-8")
        part.replace(target)
    return found


async def _end_of(process: asyncio.subprocess.Process, runs: TrainingRuns) -> Literal["done", "late", "disturbed"]:
    waited = 0.0
    while waited < _PATIENCE:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await process.wait()
            return "done"
        except TimeoutError:
            waited += _LOOK_SECONDS
        if await asyncio.to_thread(_at_work, runs):
            return "disturbed"
    return "late"


def _at_work(runs: TrainingRuns) -> bool:
    return any(run.state == "running" for run in runs.all())


def of_run(folder: RunFolder, least: int, after: int = 1) -> Timing | None:
    """What a run's own events tell; None for one that was resumed or has said its speed less than ``least`` times.

    Args:
        after: the first steps, whose speed does not count.
    """
    events, process = list(folder.events()), folder.read_json("process.json")
    said = [event for event in events if event["type"] == "step"]
    rates = [event["tokens_per_second"] for event in said if event["step"] > after]
    if not process or len(rates) < least or any(event["type"] == "resumed" for event in events):
        return None
    config = folder.config()
    assert isinstance(config, ScratchConfig | FinetuneConfig)  # noqa: S101 - the others are not timed
    tokens = config.pace.batch * (config.row if isinstance(config, FinetuneConfig) else config.shape.context)
    step = tokens / _median(rates)
    looks: list[float] = []
    samples: list[float] = []
    before: Event | None = None
    for event in events:
        if event["type"] == "eval" and before is not None and before["type"] == "step":
            looks.append(event["time"] - before["time"])
        if event["type"] == "sample" and before is not None:
            samples.append(event["time"] - before["time"])
        before = event if event["type"] in ("step", "eval") else before
    look, sample = _median(looks), _median(samples)
    first = said[0]["time"]
    early = {event["type"] for event in events if event["time"] < first}  # a look before the first step counts as one
    begun = process["begun"] + step + look * ("eval" in early) + sample * ("sample" in early)
    return Timing(max(0.0, first - begun), step, look, sample)


def _median(values: Sequence[float]) -> float:
    """Of two the smaller: the first look or sample of a process takes longer, which belongs to its start."""
    return statistics.median_low(values) if values else 0.0


def _settings(config: Timed, vocabulary: int) -> dict[str, object]:
    """What the time depends on."""
    if isinstance(config, ScratchConfig):
        size = vocabulary if config.tokenizer == "char" else config.vocabulary
        shape = config.shape.model_dump()
        return {"kind": "scratch", **shape, "batch": config.pace.batch, "size": size, "compiled": config.compiled}
    rank = 0 if config.method == "full" else config.rank
    own = {"base": config.base, "method": config.method, "rank": rank, "row": config.row}
    return {"kind": "finetune", **own, "batch": config.pace.batch}


def _place(settings: Settings, asked: dict[str, object]) -> Path:
    """The file of a measurement: by the settings and by what makes this machine fast or slow."""
    machine = [hardware.processor(), cores(settings), hardware.has_nvidia_gpu(), settings.accelerate_config]
    key = hashlib.sha256(json.dumps([asked, machine]).encode()).hexdigest()[:16]
    return settings.runs_dir / "speed" / f"{key}.json"
