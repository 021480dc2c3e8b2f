"""A model with an LCM-LoRA: what it loads, the same picture by every way through it; and the embedded one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import LCMScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from common import catalog, errors
from common.catalog import Model
from common.config import Settings
from common.diffusion import guidance, noise, pictures, redraw, walk
from common.diffusion.engine import DiffusionEngine, Finished, ImageEvent, ImageRequest, StepEvent, check
from common.diffusion.guidance import GuidanceRequest, Guided
from common.diffusion.models import DiffusionModels, configured
from common.diffusion.noise import Noised, NoiseRequest
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.redraw import Redrawn, RedrawRequest
from common.recipes.diffusion import distill
from common.recipes.diffusion.consistency import Distillation
from tests.tiny_diffusion import build

REQUEST = ImageRequest("red fox", steps=4, guidance_scale=1.0, seed=5, size=32)
EMBEDDED = catalog.ROOT / "models" / "diffusion-emoji-lcm"
NAMES = ("red apple", "ghost", "sunflower", "panda", "blue circle", "grapes", "carrot", "pig face")


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model and a LoRA with some effect, as the catalogue would name them."""
    place = tmp_path_factory.mktemp("models")
    folder = build(place / "tiny", "v_prediction")
    made = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    lesson = Distillation(made, rank=4, skip=50)
    for weight in lesson.average:
        weight.data.normal_(std=0.1, generator=torch.Generator().manual_seed(weight.numel()))
    distill.save(lesson, place / "lora")
    return Model(
        "tiny-lcm",
        "Tiny",
        "image",
        "models",
        folder=str(folder),
        adapter=str(place / "lora"),
        size=32,
        steps=4,
        guidance=1.0,
        embedded=True,
    )


@pytest.fixture(scope="module")
def opened(entry: Model) -> Opened:
    return open_model(entry)


def test_the_lora_is_in_the_weights_and_leaves_the_model_itself_alone(entry: Model, opened: Opened) -> None:
    plain = open_model(replace(entry, id="tiny", adapter="", steps=20))
    assert isinstance(opened.pipe.scheduler, LCMScheduler) and not isinstance(plain.pipe.scheduler, LCMScheduler)
    assert opened.few_steps and "lcm" in opened.schedulers and "lcm" not in plain.schedulers
    names = [name for name, _ in opened.pipe.unet.named_parameters()]
    assert names == [name for name, _ in plain.pipe.unet.named_parameters()], "no layers beside the model's own"
    ours, theirs = opened.pipe.unet.state_dict(), plain.pipe.unet.state_dict()
    changed = {name for name in names if not torch.equal(ours[name], theirs[name])}
    assert any("attn1.to_q" in name for name in changed) and any("conv1" in name for name in changed)
    assert all(name.endswith("weight") for name in changed)


def _drawn(engine: DiffusionEngine, *requests: ImageRequest) -> list[list[ImageEvent]]:
    async def one(request: ImageRequest) -> list[ImageEvent]:
        return [event async for event in engine.draw(request)]

    async def all_() -> list[list[ImageEvent]]:
        return list(await asyncio.gather(*map(one, requests)))

    return asyncio.run(all_())


def test_same_seed_same_picture_in_any_company_with_a_preview_at_every_step(opened: Opened) -> None:
    engine = DiffusionEngine("tiny", lambda: opened)
    try:
        alone = _drawn(engine, REQUEST)[0]
        together = _drawn(engine, replace(REQUEST, seed=1), REQUEST)
        foreseen = [engine.expected(replace(REQUEST, steps=steps)) for steps in (4, 40)]
    finally:
        engine.close()
    assert [event.step for event in alone if isinstance(event, StepEvent)] == [1, 2, 3, 4]
    one, other, same = alone[-1], together[0][-1], together[1][-1]
    assert isinstance(one, Finished) and isinstance(other, Finished) and isinstance(same, Finished)
    assert same.together == 2
    assert _far(one.images[0], same.images[0]) <= 2
    assert _far(one.images[0], other.images[0]) > 20
    assert foreseen[0] is not None and foreseen[1] is not None and foreseen[1].seconds > 2 * foreseen[0].seconds


def test_the_opened_loop_draws_the_same_picture(opened: Opened) -> None:
    """LCM's scheduler adds noise between the steps: it has to be the same."""
    *_, last = guidance.run(opened, GuidanceRequest(REQUEST.prompt, REQUEST.steps, 1.0, REQUEST.seed))
    assert isinstance(last, Guided)
    assert _far(last.images[0].convert("RGB"), paint(opened, [REQUEST])[0].images[0]) <= 2


def test_image_to_image_is_that_of_diffusers(opened: Opened) -> None:
    picture = Image.new("RGB", (32, 32), "white")
    ImageDraw.Draw(picture).ellipse((4, 4, 28, 28), fill="#d92637")
    *steps, last = redraw.run(opened, RedrawRequest(picture, "red heart", 0.6, 4, 1.0, 11))
    assert isinstance(last, Redrawn) and len(steps) == 2
    with opened.in_use() as pipe, torch.inference_mode():
        theirs = StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False)
        theirs.set_progress_bar_config(disable=True)
        own = theirs(
            prompt="red heart",
            image=walk.to_latents(pipe, pictures.square(picture, 32)),
            strength=0.6,
            num_inference_steps=4,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(11),
        ).images[0]
    assert _far(last.result, own) <= 2


@pytest.mark.parametrize("kind", ["redraw", "noise"])
def test_without_guidance_a_model_that_needs_none_follows_the_prompt(opened: Opened, kind: str) -> None:
    """Turbo models have guidance 0 for "none", which for diffusers is the prediction with the prompt."""
    turbo = replace(opened, model=replace(opened.model, guidance=0.0))
    usual = replace(opened, model=replace(opened.model, guidance=7.5))
    picture = Image.new("RGB", (32, 32), "white")

    def result(model: Opened, prompt: str, scale: float) -> Image.Image:
        if kind == "redraw":
            *_, last = redraw.run(model, RedrawRequest(picture, prompt, 1.0, 2, scale, 11))
        else:
            *_, last = noise.run(model, NoiseRequest(picture, prompt, 1.0, 2, scale, 11))
        assert isinstance(last, Redrawn | Noised)
        return last.result.convert("RGB")

    assert _far(result(turbo, "red fox", 0.0), result(turbo, "red fox", 1.0)) == 0
    assert _far(result(turbo, "red fox", 0.0), result(turbo, "blue sky", 0.0)) > 0
    assert _far(result(usual, "red fox", 0.0), result(usual, "blue sky", 0.0)) == 0, "elsewhere 0 is without the prompt"


@pytest.mark.parametrize(("steps", "scheduler", "fits"), [(50, "own", True), (51, "own", False), (51, "ddim", True)])
def test_more_steps_than_were_distilled_are_refused(opened: Opened, steps: int, scheduler: str, fits: bool) -> None:
    asked = replace(REQUEST, steps=steps, scheduler=scheduler)
    if fits:
        check(opened, asked)
        return
    with pytest.raises(errors.InvalidInput) as caught:
        check(opened, asked)
    assert caught.value.params["field"] == "image_steps"
    with pytest.raises(errors.InvalidInput):
        next(redraw.run(opened, RedrawRequest(Image.new("RGB", (32, 32)), "a", steps=steps)))


def test_a_lora_that_cannot_be_read_is_said(entry: Model, tmp_path: Path) -> None:
    for content in (None, b"broken"):
        if content is not None:
            (tmp_path / distill.distill_card.FILE).write_bytes(content)
        with pytest.raises(errors.ModelUnavailable):
            open_model(replace(entry, adapter=str(tmp_path)))


def test_without_its_lora_the_entry_is_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = configured("emoji-diffusion-lcm")
    assert catalog.without_adapter(model).id == "emoji-diffusion"
    assert catalog.without_adapter(catalog.without_adapter(model)).id == "emoji-diffusion"
    (tmp_path / "models" / "diffusion-emoji").mkdir(parents=True)
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    models = DiffusionModels(Settings(offline=True))
    assert [one.id for one in models.usable()] == ["emoji-diffusion"]
    (tmp_path / "models" / "diffusion-emoji-lcm").mkdir()
    assert [one.id for one in models.usable()] == ["emoji-diffusion", "emoji-diffusion-lcm"]


def test_the_committed_lora_is_small_and_its_card_compares() -> None:
    assert (EMBEDDED / distill.distill_card.FILE).stat().st_size <= 4_000_000
    card = (EMBEDDED / "README.md").read_text("utf-8")
    for said in ("license: cc-by-4.0", "Twemoji", "without, DDIM, guidance 4 | 4 |", "**with the LoRA**, LCM | 4 |"):
        assert said in card


@pytest.mark.slow
def test_four_steps_draw_what_the_model_draws_in_many() -> None:
    """Of several names the picture of many steps that is nearest has the same name; the same seed gives the same."""
    many, few = open_model(configured("emoji-diffusion")), open_model(configured("emoji-diffusion-lcm"))
    asked = [ImageRequest(name, steps=20, guidance_scale=4.0, seed=3) for name in NAMES]
    wanted = [_small(done.images[0]) for done in paint(many, asked)]
    short = [replace(request, steps=4, guidance_scale=1.0, seed=8) for request in asked]
    found = [_small(done.images[0]) for done in paint(few, short)]
    nearest = [NAMES[int(np.argmin([np.abs(one - other).mean() for other in wanted]))] for one in found]
    assert nearest == list(NAMES)
    again = paint(few, short[:1])[0]
    assert np.abs(_small(again.images[0]) - found[0]).mean() < 2


def _small(picture: Any) -> NDArray[np.float64]:
    """As 16×16 colours: an emoji drawn twice differs in its outlines."""
    return np.asarray(picture.resize((16, 16), Image.Resampling.BOX), np.float64)


def _far(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one).astype(int) - np.asarray(other)).max())
