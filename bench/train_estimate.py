"""The time that a training run is said to take, beside the time that it takes, for three presets of the train space.

    python -m bench.train_estimate [--minutes 2]

The app measures a short real run of the same settings first (``common/training/timing.py``); its rival is the guess
that it shows until then, which knows the model's floating-point operations and the number of cores alone.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.tables import machine, report
from common import catalog, hardware
from common.config import Settings
from common.text.convert import convert_apart
from common.training import timing
from common.training.config import FinetuneConfig, Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.instructions import to_jsonl
from common.training.launch import command, cores, environment
from common.training.personas import persona_examples
from common.training.runs import TrainingRuns
from common.training.samples import sample_text
from common.training.speed import (
    evaluate_every,
    finetune_steps,
    measured_finetune_flops,
    measured_flops,
    steps_within,
)


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset of a tab: its settings, the data of a run, and the vocabulary of its tokenizer (0: the model's)."""

    title: str
    config: timing.Timed
    data: str
    vocabulary: int = 0


def presets() -> list[Preset]:
    """From scratch: the two for a processor, on the tales. Fine-tune: a LoRA of the embedded model on the pirate."""
    tales = sample_text("story")
    compiled = hardware.cpp_compiler() is not None and not hardware.has_nvidia_gpu()
    small = ScratchConfig(name="small", shape=Shape(), pace=Pace(batch=16, learning_rate=3e-3), compiled=compiled)
    shape = Shape(layers=6, heads=6, width=192, context=128)
    large = small.model_copy(update={"name": "large", "shape": shape, "tokenizer": "bpe", "vocabulary": 1024})
    base = str(convert_apart(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))))
    lora = FinetuneConfig(name="lora", base=base, pace=Pace(batch=2, learning_rate=2e-3, weight_decay=0))
    return [
        Preset("From scratch, “3 minutes on a laptop”", small, tales, len(set(tales)) + 2),
        Preset("From scratch, “20 minutes on a laptop”", large, tales, 1024),
        Preset("Fine-tune, LoRA of SmolLM2 135M", lora, to_jsonl(persona_examples("pirate"))),
    ]


def guessed_steps(runs: TrainingRuns, preset: Preset, minutes: float) -> int:
    """What fits into the minutes by the first guess, before any run."""
    config, batch = preset.config, preset.config.pace.batch
    if isinstance(config, ScratchConfig):
        return steps_within(config.shape, preset.vocabulary, batch, minutes, measured_flops(runs))
    flops = measured_finetune_flops(runs, config.method, cores(runs.settings))
    parameters = catalog.find(catalog.EMBEDDED_CHAT_MODEL).parameters
    return finetune_steps(parameters, config.method, batch * config.row, minutes, flops)


def real_seconds(preset: Preset, steps: int, settings: Settings, place: Path) -> float:
    """A whole run of so many steps, as the tab would start it, from the start of its process to its end."""
    every = evaluate_every(steps) if isinstance(preset.config, ScratchConfig) else max(5, -(-steps // 3))
    pace = preset.config.pace.model_copy(update={"steps": steps, "evaluate_every": every})
    place.mkdir()
    folder = RunFolder(place)
    folder.write_text(preset.config.data_file, preset.data)
    folder.write_json("config.json", preset.config.model_copy(update={"pace": pace}).model_dump(mode="json"))
    begun = time.perf_counter()
    subprocess.run(command(folder), check=True, env=environment(cores(settings), preset.config.kind))
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="that each run is meant to take")
    minutes: float = parser.parse_args().minutes
    rows = []
    with tempfile.TemporaryDirectory() as place:
        runs = TrainingRuns(Settings(runs_dir=Path(place) / "runs"))
        for preset in presets():
            begun = time.perf_counter()
            found = asyncio.run(timing.measure(runs, preset.config, preset.data, preset.vocabulary))
            measuring = time.perf_counter() - begun
            if found is None:
                rows.append([preset.title, f"{measuring:.0f} s, in vain", "", "", "", ""])
                continue
            steps = found.steps(preset.config, minutes)
            said = found.seconds(preset.config, steps)
            # The guess says the same minutes for other steps: for ours it would say them in proportion.
            guessed = 60 * minutes * steps / guessed_steps(runs, preset, minutes)
            took = real_seconds(preset, steps, runs.settings, Path(place) / preset.config.name)
            rows.append(
                [
                    preset.title,
                    f"{measuring:.0f} s",
                    f"{steps:,}",
                    f"{took:.0f} s",
                    f"{said:.0f} s, **{100 * said / took - 100:+.0f} %**",
                    f"{guessed:.0f} s, {100 * guessed / took - 100:+.0f} %",
                ]
            )
    report(
        "train_estimate",
        "Training: the time said before, and the time it took",
        ("preset", "measuring it", "steps", "took", "said after measuring", "said by the first guess"),
        rows,
        [f"Runs meant to take {minutes:g} minutes, from the start of their process to its end. {machine()}."],
    )


if __name__ == "__main__":
    main()
