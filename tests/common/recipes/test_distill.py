"""Latent consistency distillation on a tiny model: each part against diffusers' own, stopping, resuming, the file."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline

from common.recipes.diffusion import distill, distill_card
from common.recipes.diffusion.consistency import STUDENT, TARGET, Distillation
from common.recipes.diffusion.distill import Pace
from common.recipes.diffusion.distill_card import Score, Way
from common.recipes.diffusion.loop import Report
from common.recipes.diffusion.measure import GUIDANCE
from common.recipes.diffusion.pictures import Pictures
from tests.tiny_diffusion import build

NAMES = ["red circle", "blue square", "fox"]
LATENTS = torch.randn(3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
SHOWN = Pictures(torch.zeros(3, 3, 64, 64, dtype=torch.uint8), NAMES, [[], ["blue"], ["animal"]])
LATE, EARLY = torch.tensor([900, 500, 30]), torch.tensor([880, 480, 10])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("models") / "tiny", "v_prediction")


@pytest.fixture
def pipe(folder: Path) -> Any:
    return StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)


@pytest.fixture
def lesson(pipe: Any) -> Distillation:
    torch.manual_seed(0)
    return Distillation(pipe, rank=4, skip=20)


def _trained(lesson: Distillation) -> Distillation:
    """With adapters that do something."""
    for weight in [*lesson.weights, *lesson.average]:
        weight.data.normal_(std=0.1, generator=torch.Generator().manual_seed(weight.numel()))
    return lesson


def test_the_teachers_step_is_that_of_ddim_with_guidance(pipe: Any, folder: Path) -> None:
    plain: Any = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    lesson = _trained(Distillation(pipe, rank=4, skip=20))
    said, nothing = (lesson._read(prompts) for prompts in (NAMES, [""] * 3))
    with torch.no_grad():
        ours = lesson._teacher_step(LATENTS, LATE, EARLY, said, nothing)
    scheduler = DDIMScheduler.from_config(plain.scheduler.config)
    scheduler.set_timesteps(50)  # its steps go over 20 timesteps
    for row in range(3):
        here, late = LATENTS[row : row + 1], LATE[row]
        with torch.no_grad():
            without, given = (
                plain.unet(here, late, encoder_hidden_states=vectors[row : row + 1]).sample
                for vectors in (nothing, said)
            )
            theirs = scheduler.step(without + GUIDANCE * (given - without), late, here).prev_sample
        torch.testing.assert_close(ours[row : row + 1], theirs, atol=1e-4, rtol=1e-4)


def test_the_finished_picture_is_that_of_lcms_scheduler(lesson: Distillation, pipe: Any) -> None:
    """So what is learned is what is drawn with; at timestep 0 it is the latent itself, whatever the model says."""
    _trained(lesson)
    lesson.unet.set_adapter(STUDENT)
    said = lesson._read(NAMES)
    scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    scheduler.set_timesteps(4)
    at = scheduler.timesteps[1]
    with torch.no_grad():
        ours = lesson._picture(LATENTS, at.expand(3), said)
        theirs = scheduler.step(pipe.unet(LATENTS, at, encoder_hidden_states=said).sample, at, LATENTS).denoised
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(lesson._picture(LATENTS, torch.zeros(3, dtype=torch.long), said), LATENTS)


def test_only_the_student_learns_and_the_target_follows_it(lesson: Distillation) -> None:
    before = [weight.clone() for weight in lesson.average]
    base = {name: weight.clone() for name, weight in lesson.unet.named_parameters() if "lora" not in name}
    loss = lesson.loss(LATENTS, NAMES, torch.Generator().manual_seed(1))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss > 0 and lesson.weights
    learning = {name for name, weight in lesson.unet.named_parameters() if weight.grad is not None}
    assert learning == {name for name, _ in lesson.unet.named_parameters() if f".{STUDENT}." in name}
    assert any("conv1" in name for name in learning) and any("to_q" in name for name in learning)
    for weight in lesson.weights:
        weight.data += 1.0
    lesson.follow(10**6)
    for ours, theirs, old in zip(lesson.average, lesson.weights, before, strict=True):
        torch.testing.assert_close(ours, 0.95 * old + 0.05 * theirs)
    for name, weight in lesson.unet.named_parameters():
        assert "lora" in name or torch.equal(weight, base[name])


def test_student_target_and_teacher_begin_as_the_same_model(lesson: Distillation) -> None:
    said, at = lesson._read(NAMES), torch.tensor([700, 400, 100])
    found = []
    with torch.no_grad():
        for adapter in (STUDENT, TARGET):
            lesson.unet.set_adapter(adapter)
            found.append(lesson._picture(LATENTS, at, said))
        lesson.unet.disable_adapters()
        found.append(lesson._picture(LATENTS, at, said))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def _train(folder: Path, work: Path, *steps: int) -> tuple[Report, Distillation]:
    """Train up to each of these steps, every time with a fresh model, as another call of the command would."""
    work.mkdir()
    for last in steps:
        torch.manual_seed(0)
        made = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
        lesson = Distillation(made, rank=2, skip=20)
        minutes = 0.0 if last == steps[-1] else 1e-9  # stops after one step
        report = distill.train(lesson, LATENTS, SHOWN, Pace(steps[-1], 2, 1e-2, minutes), work)
        assert report.steps == last
    return report, lesson


def test_a_run_in_two_parts_ends_where_one_in_one_does(folder: Path, tmp_path: Path) -> None:
    _, whole = _train(folder, tmp_path / "one", 3)
    report, parts = _train(folder, tmp_path / "two", 1, 3)
    assert report.steps == 3 and report.loss > 0
    assert any(weight.abs().max() > 0 for name, weight in parts.unet.named_parameters() if "lora_B" in name)
    for ours, theirs in zip([*whole.weights, *whole.average], [*parts.weights, *parts.average], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_sigterm_keeps_everything(lesson: Distillation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, before = lesson.loss, signal.getsignal(signal.SIGTERM)

    def interrupted(*arguments: Any) -> torch.Tensor:
        os.kill(os.getpid(), signal.SIGTERM)
        return usual(*arguments)

    monkeypatch.setattr(lesson, "loss", interrupted)
    with pytest.raises(SystemExit, match="after 1 steps"):
        distill.train(lesson, LATENTS, SHOWN, Pace(5, 2, 1e-3), tmp_path)
    assert torch.load(tmp_path / "distill.pt", weights_only=True)["steps"] == 1
    assert not list(tmp_path.glob("*.part")) and signal.getsignal(signal.SIGTERM) == before


def test_diffusers_reads_the_file_as_the_target(lesson: Distillation, folder: Path, tmp_path: Path) -> None:
    _trained(lesson)
    distill.save(lesson, tmp_path)
    lesson.unet.set_adapter(TARGET)
    said, at = lesson._read(NAMES), torch.tensor([700, 400, 100])
    made: Any = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    plain = made.unet(LATENTS, at, encoder_hidden_states=said).sample
    distill_card.adapt(made, tmp_path)
    with torch.no_grad():
        wanted = lesson.unet(LATENTS, at, encoder_hidden_states=said).sample
        found = made.unet(LATENTS, at, encoder_hidden_states=said).sample
    torch.testing.assert_close(found, wanted, atol=5e-3, rtol=1e-2)
    assert (found - plain).abs().max() > 0.05
    assert isinstance(made.scheduler, LCMScheduler) and [file.name for file in tmp_path.iterdir()] == [
        distill_card.FILE
    ]


@pytest.mark.parametrize(("right", "said"), [(0.4, "fewer than"), (0.5, "as many as"), (0.6, "more than")])
def test_the_card_says_whether_few_steps_are_worse(
    lesson: Distillation, tmp_path: Path, right: float, said: str
) -> None:
    distill.save(lesson, tmp_path)
    values = {Way(False, 4, GUIDANCE): 0.5, Way(False, 30, GUIDANCE): 0.98, Way(False, 1, 1.0): 0.2}
    values |= {Way(True, 4, 1.0): right, Way(True, 1, 1.0): 0.3}
    scores = [Score(way, 200, nearest, 1.0, 9.0, 5.0) for way, nearest in values.items()]
    distill_card.write(tmp_path, Report(7, 120.0, 0.1), "Huber loss.", scores, [Path("emoji-twitter.parquet")], SHOWN)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert f"{right:.1%} are right, {said} the model itself" in card
    assert "In a single step 30.0% are right, and 20.0% by the model itself without guidance" in card
    assert "in 30 steps it has 98.0%" in card and "needs no LoRA" not in card
    for part in ("license: cc-by-4.0", "guidance 4 | 30 | 60 | 98.0%", f"LCM | 4 | 4 | {right:.1%}", "7 steps, 2 min"):
        assert part in card


@pytest.mark.parametrize("missing", ["data", "model"])
def test_what_is_not_there_is_said(missing: str, tmp_path: Path) -> None:
    data = tmp_path / "emoji-twitter.parquet"
    if missing == "model":
        data.touch()
    with pytest.raises(SystemExit, match="There is no"):
        distill.main(["--data", str(data), "--model", str(tmp_path), "--out", str(tmp_path / "out")])
