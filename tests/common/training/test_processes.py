"""A run in two processes is the same run: the losses of one process with the whole batch, and one end for both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from common.training import run as child
from common.training.config import Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.launch import command, environment
from common.training.samples import sample_text

SMALL = Shape(layers=1, heads=2, width=16, context=16)
_ROOT = Path(__file__).resolve().parents[3]


def _folder(place: Path, **pace: float) -> RunFolder:
    place.mkdir()
    folder = RunFolder(place)
    wanted = Pace.model_validate({"steps": 40, "batch": 8, "learning_rate": 5e-3, "evaluate_every": 20, **pace})
    folder.write_text("corpus.txt", sample_text("story")[:30_000])
    folder.write_json("config.json", ScratchConfig(name="two", shape=SMALL, pace=wanted).model_dump(mode="json"))
    return folder


def _in_two(*folders: RunFolder) -> subprocess.CompletedProcess[str]:
    """Runs in turn under torchrun with gloo, as on two machines without GPU."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*launch, "-m", "tests.common.training.in_turn", *(str(folder.path) for folder in folders)],
        check=False,
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def _losses(folder: RunFolder, kind: str = "step") -> dict[int, float]:
    return {event["step"]: event["loss"] for event in folder.events() if event["type"] == kind}


@pytest.mark.slow
def test_two_processes_have_the_curve_of_one_with_the_doubled_batch(tmp_path: Path) -> None:
    one, two = _folder(tmp_path / "one"), _folder(tmp_path / "two", checkpoint_seconds=0.2)
    stopped = _folder(tmp_path / "stopped", steps=100_000)
    (stopped.path / "stop").touch()  # only the first process counts; the other one must not wait for it for ever
    assert child.main(str(one.path)) == 0
    done = _in_two(two, stopped)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (two.state(), stopped.state()) == ("finished", "stopped")
    for kind in ("step", "eval"):
        alone, together = _losses(one, kind), _losses(two, kind)
        assert list(together) == list(alone)
        assert together == pytest.approx(alone, abs=2e-3)
    assert AutoModelForCausalLM.from_pretrained(two.model).num_parameters() > 1000


def test_a_config_of_accelerate_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run")
    started = command(folder, "configs/fsdp.yaml")
    assert started[1:3] == ["-m", "accelerate.commands.launch"]
    assert Path(started[started.index("--config_file") + 1]).is_file()
    assert environment(4)["OMP_NUM_THREADS"] == "4"
    assert int(environment(4, "scratch")["GOMP_SPINCOUNT"]) > int(environment(4, "style")["GOMP_SPINCOUNT"])


def test_the_fsdp_config_is_one_that_accelerate_takes() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(_ROOT / "configs" / "fsdp.yaml"))
    assert config.distributed_type == "FSDP"
    assert config.fsdp_config["fsdp_version"] == 2
