"""Every kind of run, killed with SIGKILL at chance moments and gone on with: its curve is that of a run left alone."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from common.training import run as child
from common.training.config import FinetuneConfig, Pace, PreferenceConfig, RunConfig, ScratchConfig, Shape, StyleConfig
from common.training.folder import RunFolder
from common.training.instructions import pair
from common.training.instructions import to_jsonl as examples_jsonl
from common.training.pairs import Pair
from common.training.pairs import to_jsonl as pairs_jsonl
from common.training.progress import last_checkpoint
from common.training.samples import sample_text
from common.training.style_pictures import Example
from common.training.style_pictures import to_jsonl as pictures_jsonl

SHAPE = Shape(layers=1, heads=2, width=16, context=16)
PACE = Pace(steps=120, batch=2, learning_rate=2e-3, evaluate_every=40, checkpoint_seconds=0.1)
EXAMPLES = [pair(f"What is {number} and {number}?", f"It is {2 * number}, said the owl.") for number in range(40)]
PAIRS = [Pair(f"Where is number {number}?", "In the forest, of course.", "I do not know.") for number in range(12)]
PICTURES = [Example(f"thing {n}", Image.new("RGB", (32, 32), (40 * n, 20, 200))) for n in range(6)]

Places = dict[str, Path]
Made = tuple[RunConfig, str]


def _scratch(places: Places) -> Made:
    return ScratchConfig(name="mine", shape=SHAPE, pace=PACE), sample_text("story")[:30_000]


def _lora(places: Places) -> Made:
    return FinetuneConfig(name="mine", base=str(places["llama"]), row=64, pace=PACE), examples_jsonl(EXAMPLES)


def _full(places: Places) -> Made:
    config, data = _lora(places)
    return config.model_copy(update={"method": "full"}), data


def _preference(places: Places) -> Made:
    return PreferenceConfig(name="mine", base=str(places["llama"]), row=64, pace=PACE), pairs_jsonl(PAIRS)


def _style(places: Places) -> Made:
    base = str(places["diffusion"])
    config = StyleConfig(name="mine", base=base, size=32, rank=2, prompt="thing 2", sample_steps=2, pace=PACE)
    return config, pictures_jsonl(PICTURES)


def _folder(place: Path, made: Made) -> RunFolder:
    place.mkdir()
    config, data = made
    folder = RunFolder(place)
    folder.write_json("config.json", config.model_dump(mode="json"))
    folder.write_text(config.data_file, data)
    return folder


def _curve(folder: RunFolder, kind: str) -> list[tuple[int, float]]:
    return [(event["step"], event["loss"]) for event in folder.events() if event["type"] == kind]


def _weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    (file,) = folder.model.glob("*.safetensors")
    return {name: value.float() for name, value in load_file(file).items()}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Where the runs' processes come from: each begins with what a run imports, which is loaded once for all of them.

    That a run is started as a command is what other tests see to.
    """
    found = multiprocessing.get_context("forkserver")
    kinds = ("scratch", "finetune", "preference", "style")
    found.set_forkserver_preload([*(f"common.training.{kind}" for kind in kinds), __name__])
    first = found.Process(target=int)
    first.start()
    first.join()  # all is loaded
    return found


def _do(path: str, threads: int) -> None:
    """A run's process."""
    with (Path(path) / "log.txt").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    torch.set_num_threads(threads)
    raise SystemExit(child.main(path))


def _kill_at(processes: ForkServerContext, folder: RunFolder, step: int, with_checkpoint: bool = True) -> None:
    """Start the run in a process of its own, and kill that when it has come to a step."""
    process = processes.Process(target=_do, args=(str(folder.path), torch.get_num_threads()))
    process.start()
    deadline = time.monotonic() + 120
    while process.is_alive() and time.monotonic() < deadline:
        reached = max((at for at, _ in _curve(folder, "step")), default=0)
        if reached >= step and (not with_checkpoint or last_checkpoint(folder) is not None):
            break
        time.sleep(0.01)
    process.kill()
    process.join(30)
    assert folder.state() == "interrupted", (folder.path / "log.txt").read_text()[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("make", "times"),
    [(_scratch, 3), (_lora, 1), (_full, 1), (_preference, 1), (_style, 1)],
    ids=["scratch", "lora", "full", "preference", "style"],
)
def test_killed_at_any_moment_and_resumed_the_curve_is_the_same(
    tmp_path: Path,
    tiny_llama: Path,
    tiny_diffusion: Path,
    processes: ForkServerContext,
    make: Callable[[Places], Made],
    times: int,
) -> None:
    made = make({"llama": tiny_llama, "diffusion": tiny_diffusion})
    whole, killed = _folder(tmp_path / "whole", made), _folder(tmp_path / "killed", made)
    assert child.main(str(whole.path)) == 0
    chance = random.Random(make.__name__)
    for moment in sorted(chance.sample(range(10, 80), times)):
        _kill_at(processes, killed, moment)
    assert child.main(str(killed.path)) == 0
    assert killed.state() == "finished"
    assert any(event["type"] == "resumed" for event in killed.events())
    for kind in ("step", "eval"):
        expected, found = _curve(whole, kind), _curve(killed, kind)
        assert [step for step, _ in found] == [step for step, _ in expected]
        # One thread or several add up in another order: the last digits differ, wrong data or another chance do more.
        assert found == [(step, pytest.approx(loss, abs=5e-4)) for step, loss in expected]
    weights = _weights(killed)
    for name, expected_weight in _weights(whole).items():
        torch.testing.assert_close(weights[name], expected_weight, atol=2e-3, rtol=2e-2)


@pytest.mark.slow
def test_killed_before_its_first_checkpoint_a_run_begins_anew(tmp_path: Path, processes: ForkServerContext) -> None:
    config, data = _scratch({})
    slow = PACE.model_copy(update={"checkpoint_seconds": 600.0})
    folder = _folder(tmp_path / "run", (config.model_copy(update={"pace": slow}), data))
    _kill_at(processes, folder, 50, with_checkpoint=False)
    assert child.main(str(folder.path)) == 0
    for kind, steps in (("step", [1, *range(10, 121, 10)]), ("eval", [40, 80, 120, 120])):
        assert [step for step, _ in _curve(folder, kind)] == steps
