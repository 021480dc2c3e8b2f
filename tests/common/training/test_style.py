"""A style run on a tiny pipeline: real processes, stopped and gone on with; what it saves diffusers loads."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from common import errors
from common.config import Settings
from common.training.config import Pace, StyleConfig
from common.training.folder import RunFolder
from common.training.runs import Run, TrainingRuns
from common.training.style import FILE
from common.training.style_pictures import Example, from_jsonl, to_jsonl
from tests.tiny_diffusion import build_checked

EXAMPLES = [Example(f"thing {n}", Image.new("RGB", (32, 32), (40 * n, 20, 200))) for n in range(6)]


def _config(base: Path, **changed: object) -> StyleConfig:
    pace = Pace(steps=30, batch=2, learning_rate=0.003, weight_decay=0, evaluate_every=10, checkpoint_seconds=0.01)
    values = {"name": "blue", "owner": "me", "base": str(base), "base_title": "Tiny", "size": 32, "prompt": "thing 2",
              "rank": 2, "sample_steps": 2, "pace": pace} | changed  # fmt: skip
    return StyleConfig.model_validate(values)


def _wait(runs: TrainingRuns, run: Run, *until: str, seconds: float = 200) -> Run:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        runs.look()
        run = runs.find(run.folder.id)
        if run.state in until:
            return run
        time.sleep(0.2)
    raise AssertionError((run.state, (run.folder.path / "log.txt").read_text()[-2000:]))


@pytest.fixture(scope="module")
def finished(tiny_diffusion: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was stopped after its first checkpoint, and gone on with to its end."""
    runs = TrainingRuns(Settings(runs_dir=tmp_path_factory.mktemp("runs")))
    run = runs.create(_config(tiny_diffusion), to_jsonl(EXAMPLES))
    end = time.monotonic() + 90
    while not any(event["type"] == "checkpoint" for event in run.folder.events()) and time.monotonic() < end:
        runs.look()
        time.sleep(0.05)
    runs.stop(run.folder.id, run.config.owner)
    stopped = _wait(runs, run, "stopped", "finished", "failed")
    if stopped.state == "stopped":  # a quick machine is at the end before it looks
        assert stopped.folder.has_model
        runs.resume(run.folder.id, run.config.owner)
    return _wait(runs, run, "finished", "failed")


@pytest.mark.slow
def test_a_run_learns_draws_on_the_way_and_ends(finished: Run) -> None:
    assert finished.state == "finished", (finished.folder.path / "log.txt").read_text()[-2000:]
    events = list(finished.folder.events())
    looks = [event["loss"] for event in events if event["type"] == "eval"]
    assert looks[-1] < looks[0]
    samples = [event["file"] for event in events if event["type"] == "sample"]
    assert samples[0] == "sample-0.png" and len(set(samples)) == len(samples) >= 3
    assert all(Image.open(finished.folder.path / name).size == (32, 32) for name in samples)
    assert max(event["step"] for event in events if event["type"] == "step") == 30
    assert not finished.folder.checkpoints.exists()


@pytest.mark.slow
def test_diffusers_loads_what_was_saved_and_draws_otherwise(finished: Run, tiny_diffusion: Path) -> None:
    from diffusers import StableDiffusionPipeline

    file = finished.folder.model / FILE
    with safe_open(file, "pt") as opened:
        about = opened.metadata()
        shapes = {opened.get_slice(name).get_dtype() for name in opened.keys()}  # noqa: SIM118 - no mapping
    assert about["base_model"] == "Tiny" and "me" not in about.values() and shapes == {"F16"}
    pipe = StableDiffusionPipeline.from_pretrained(tiny_diffusion, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)

    def draw() -> bytes:
        seed = torch.Generator().manual_seed(0)
        return pipe("thing 2", num_inference_steps=2, height=32, width=32, generator=seed).images[0].tobytes()

    before = draw()
    pipe.load_lora_weights(str(file.parent), weight_name=FILE)
    assert draw() != before


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    from common.training.style import _open

    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}')
    with pytest.raises(errors.NotSupported, match="built in another way"):
        _open(_config(tmp_path))
    with pytest.raises(errors.ModelUnavailable):
        _open(_config(tmp_path / "nothing"))


@pytest.mark.parametrize("hides", [True, False])
def test_the_models_own_checker_judges_what_is_drawn_on_the_way(tmp_path: Path, hides: bool) -> None:
    from common.training.style import Sampler, _open

    config = _config(build_checked(tmp_path / "checked", hides))
    pipe = _open(config)
    run = tmp_path / "run"
    run.mkdir()
    event = Sampler(RunFolder(run), config, pipe, pipe.unet)(pipe.unet, 0.1)
    assert event == ({"file": "sample-0.png", "hidden": True} if hides else {"file": "sample-0.png"})
    assert (Image.open(run / "sample-0.png").getbbox() is None) is hides, "black is hidden"


def test_pictures_survive_the_way_and_are_counted() -> None:
    back = from_jsonl(to_jsonl(EXAMPLES))
    assert [(one.prompt, one.picture.tobytes()) for one in back] == [
        (one.prompt, one.picture.tobytes()) for one in EXAMPLES
    ]
    for count in (4, 21):
        with pytest.raises(errors.NumberOfPictures, match=str(count)):
            to_jsonl((EXAMPLES * 4)[:count])
