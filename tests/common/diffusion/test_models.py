"""Models by name, what is known about them before they are loaded, prompts that are too long, previews."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

from common import catalog, errors, hardware
from common.config import Settings
from common.diffusion import estimate, opened, preview, small_decoder
from common.diffusion.models import DiffusionModels, configured
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.request import Finished, ImageEvent, ImageRequest, StepEvent
from common.diffusion.small_decoder import SmallDecoder
from tests.tiny_diffusion import build_tiny_decoder


def test_the_catalogue_says_what_a_page_needs_before_loading() -> None:
    for model in catalog.with_task("image"):
        assert model.size in opened.sizes(model.size)
        assert model.steps > 0 and model.guidance is not None
        assert model.embedded or model.memory_mb > 2e-6 * model.parameters, "weights of 16 bits are in memory"


def test_a_folder_is_a_model(tiny_diffusion: Path, tiny_opened: Opened) -> None:
    model = configured(str(tiny_diffusion))
    assert model.size == tiny_opened.native == 32
    assert tiny_opened.sizes == (16, 32, 48)


def test_names_of_nothing_are_said(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    for name in ("nonsense", str(tmp_path), str(tmp_path / "missing")):
        with pytest.raises(errors.UnknownModel, match="sd-turbo"):
            configured(name)


def test_without_the_hub_only_what_is_here_can_be_had(tiny_diffusion: Path) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    assert [model.id for model in models.usable()] == [tiny_diffusion.name]
    with pytest.raises(errors.UnknownModel):
        models.find("sd-turbo")
    with pytest.raises(errors.ModelUnavailable, match="cannot be reached"):
        open_model(configured("sd-turbo"))


def test_one_engine_for_everybody(tiny_diffusion: Path) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    assert models.engine() is models.engine(tiny_diffusion.name)
    models.close()


def test_weights_of_16_bits_are_read_where_there_are_no_others(tiny_diffusion: Path, tmp_path: Path) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(tiny_diffusion, safety_checker=None, dtype=torch.float16)
    pipe.save_pretrained(tmp_path / "half", variant="fp16")
    assert not (tmp_path / "half" / "unet" / "diffusion_pytorch_model.safetensors").exists()
    assert catalog.variant(tmp_path / "half") == "fp16" and catalog.variant(tiny_diffusion) is None
    half, whole = open_model(configured(str(tmp_path / "half"))), open_model(configured(str(tiny_diffusion)))
    request = ImageRequest("red apple", steps=2, size=32)
    ours, theirs = (np.asarray(paint(one, [request])[0].images[0]).astype(int) for one in (half, whole))
    assert np.abs(ours - theirs).mean() < 3
    pipe.save_pretrained(tmp_path / "half")  # beside them, files with plain names
    assert catalog.variant(tmp_path / "half") is None


def test_where_16_bits_are_slow_a_model_needs_twice_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    large, embedded = configured("sd-turbo"), configured("emoji-diffusion")
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    for halved in (True, False):
        monkeypatch.setattr(hardware, "cpu_has_bf16", lambda halved=halved: halved)
        assert opened.memory_mb(large) == large.memory_mb * (1 if halved else 2)
        assert opened.memory_mb(embedded) == embedded.memory_mb


@pytest.mark.parametrize("broken", ["unet/diffusion_pytorch_model.safetensors", "vae/config.json", "model_index.json"])
def test_broken_files_are_said(tiny_diffusion: Path, tmp_path: Path, broken: str) -> None:
    folder = shutil.copytree(tiny_diffusion, tmp_path / "broken")
    model = configured(str(folder))
    (folder / broken).write_bytes(b"broken")
    with pytest.raises(errors.ModelUnavailable):
        open_model(model)


def test_the_end_of_a_long_prompt_is_known(tiny_opened: Opened) -> None:
    assert tiny_opened.cut("fox") == ""
    assert tiny_opened.cut("a" * 22) == ""  # with start and end these are the 24 tokens it takes
    assert tiny_opened.cut("a" * 22 + "xyz") == "xyz"


def test_a_preview_looks_like_what_was_encoded() -> None:
    """With the embedded model: a red disc on white is a red disc on white, nearly as good as from the decoder."""
    model = open_model(configured("emoji-diffusion"))
    vae = model.pipe.vae
    down, across = np.mgrid[0:64, 0:64]
    picture = np.full((64, 64, 3), 250)
    picture[(down - 32) ** 2 + (across - 32) ** 2 < 400] = (220, 40, 50)
    with torch.no_grad():
        pixels = torch.from_numpy(picture / 127.5 - 1).permute(2, 0, 1)[None].float()
        latents = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
    shown = model.preview.pixels(latents)[0].astype(int)
    assert shown.shape == (64, 64, 3)
    assert np.abs(shown - picture).mean() < 12
    assert shown[32, 32, 0] - shown[32, 32, 1] > 80  # red in the middle
    assert shown[4, 4].min() > 200  # white in the corner


def test_a_model_without_a_map_gets_one_when_it_is_first_needed(tiny_diffusion: Path) -> None:
    model = open_model(configured(str(tiny_diffusion)))
    assert "preview" not in vars(model)
    first = model.preview
    assert first is model.preview and first.pixels(torch.zeros(1, 4, 16, 16))[0].shape == (32, 32, 3)


def test_previews_of_the_embedded_model_come_near_to_its_decoder(tmp_path: Path) -> None:
    """Nearer than a map fitted to shapes, most of all where there is noise; and they are the same from the file."""
    model = open_model(configured("emoji-diffusion"))
    vae = model.pipe.vae
    latents = torch.randn(4, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        decoded = vae.decode(latents / vae.config.scaling_factor).sample.clamp(-1, 1)
    wanted = ((decoded + 1) * 127.5).permute(0, 2, 3, 1).numpy()

    def error(shown: preview.Preview) -> float:
        return float(np.abs(np.stack(shown.pixels(latents)) - wanted).mean())

    assert error(model.preview) < 14 < 0.3 * error(preview.fit_to_shapes(vae, 16))
    assert isinstance(model.preview, SmallDecoder)
    model.preview.save(tmp_path)
    again = small_decoder.load(tmp_path)
    assert again is not None and error(again) == pytest.approx(error(model.preview), abs=0.1)


@pytest.fixture(scope="module")
def two_decoders(tiny_diffusion: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A model that has a tiny autoencoder beside its own, as those of the hub have."""
    folder = shutil.copytree(tiny_diffusion, tmp_path_factory.mktemp("two") / "two-decoders")
    build_tiny_decoder(folder / "tiny_vae")
    return open_model(configured(str(folder)))


def test_the_tiny_decoder_takes_the_place_of_the_full_one_unless_that_is_wanted(
    two_decoders: Opened, tiny_opened: Opened
) -> None:
    assert isinstance(two_decoders.pipe.vae, AutoencoderTiny) and isinstance(two_decoders.full, AutoencoderKL)
    request = ImageRequest("a", steps=1, size=32)
    quick, full = (paint(two_decoders, [replace(request, full_decoder=wanted)])[0] for wanted in (False, True))
    own = paint(tiny_opened, [request])[0]

    def far(one: Finished, other: Finished) -> int:
        return int(np.abs(np.asarray(one.images[0]).astype(int) - np.asarray(other.images[0])).max())

    assert far(full, own) <= 2, "the picture of the model without a tiny one"
    assert far(quick, own) > 2
    assert isinstance(two_decoders.pipe.vae, AutoencoderTiny), "the next picture is quick again"
    assert request.batch_key != replace(request, full_decoder=True).batch_key
    assert estimate.memory_gb(two_decoders, request) < estimate.memory_gb(
        two_decoders, replace(request, full_decoder=True)
    )


def test_on_a_gpu_the_full_decoder_stays_and_the_tiny_one_shows_the_steps(
    two_decoders: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "_prefers_tiny", lambda place: False)
    model = open_model(two_decoders.model)
    assert isinstance(model.pipe.vae, AutoencoderKL) and model.full is None
    assert isinstance(model.preview, preview.ByAutoencoder)


def test_the_tiny_decoder_shows_every_step(two_decoders: Opened) -> None:
    latents = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    shown = two_decoders.preview.pixels(latents)
    small = two_decoders.small
    with torch.no_grad():
        decoded = small.decode(latents.to(small.dtype)).sample.float().clamp(-1, 1)
    wanted = ((decoded + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert isinstance(two_decoders.preview, preview.ByAutoencoder)
    assert np.abs(np.stack(shown) - wanted).max() <= 1
    large = two_decoders.preview.pixels(torch.zeros(1, 4, 128, 128))
    assert large[0].shape == (128, 128, 3), "no larger than a preview is"


@pytest.mark.parametrize(("steps", "trace", "shown"), [(3, False, [1, 2, 2]), (1, False, [0]), (2, True, [1, 2])])
def test_the_last_preview_of_a_large_model_is_the_picture_itself(
    two_decoders: Opened, monkeypatch: pytest.MonkeyPatch, steps: int, trace: bool, shown: list[int]
) -> None:
    """It costs as much as the picture, which follows at once; a trace has it all the same."""
    monkeypatch.setattr("common.diffusion.paint.DECODED", 16)
    events: list[StepEvent] = []
    request = ImageRequest("a", steps=steps, size=32, trace=trace)
    paint(two_decoders, [request], lambda index, event: events.append(event))
    different: list[bytes] = []
    for event in events:
        different += [look for look in (pixels.tobytes() for pixels in event.clean) if look not in different]
        assert len(different) == shown[event.step - 1]
    assert [event.step for event in events] == list(range(1, steps + 1))


def test_a_model_draws_without_its_tiny_decoder(two_decoders: Opened) -> None:
    model = open_model(replace(two_decoders.model, decoder="missing"))
    assert isinstance(model.pipe.vae, AutoencoderKL) and model.small is None and model.full is None


@pytest.fixture
def two_models(tiny_diffusion: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiffusionModels]:
    """Two tiny models that count as large ones, "one" and "two", and "small", which counts as embedded."""
    folders = [shutil.copytree(tiny_diffusion, tmp_path / name) for name in ("one", "two", "small")]
    found = tuple(replace(configured(str(folder)), embedded=folder.name == "small") for folder in folders)
    models = DiffusionModels(Settings())
    monkeypatch.setattr(models, "usable", lambda: found)
    yield models
    models.close()


def _draw(models: DiffusionModels, name: str) -> Finished:
    async def last() -> ImageEvent:
        return [event async for event in models.engine(name).draw(ImageRequest("fox", steps=1, size=32))][-1]

    finished = asyncio.run(last())
    assert isinstance(finished, Finished)
    return finished


def test_a_large_model_makes_room_for_another_and_the_embedded_one_stays(two_models: DiffusionModels) -> None:
    _draw(two_models, "small")
    kept = two_models.engine("small")
    for name in ("one", "two", "one"):
        _draw(two_models, name)
        gone = weakref.ref(two_models.engine(name).opened().pipe.unet)
        two_models.engine({"one": "two", "two": "one"}[name])
        gc.collect()
        assert gone() is None, "its weights are let go"
    assert two_models.engine("small") is kept and kept.ready


def test_a_large_model_that_draws_is_not_taken_away(two_models: DiffusionModels) -> None:
    async def meanwhile() -> bool:
        drawing = two_models.engine("one")
        async with contextlib.aclosing(drawing.draw(ImageRequest("fox", steps=100, size=32))) as events:
            async for event in events:
                if isinstance(event, StepEvent):
                    two_models.engine("two")
                    break
            return two_models.engine("one") is drawing

    assert asyncio.run(meanwhile())


@pytest.mark.slow
def test_twenty_swaps_of_models_leak_nothing(two_models: DiffusionModels) -> None:
    """Neither memory nor a layer; what is counted as memory is coarse, since these models are small."""
    process = psutil.Process()
    used: list[float] = []
    layers: list[int] = []
    for number in range(20):
        _draw(two_models, ("one", "two")[number % 2])
        gc.collect()
        used.append(process.memory_info().rss / 1e6)
        layers.append(sum(issubclass(type(thing), torch.nn.Module) for thing in gc.get_objects()))
    assert used[-1] - used[5] < 60, used
    assert layers[-1] <= layers[0], layers
