"""Settings in PNG files and what can be saved of a run: round trips, other programs' files, hostile ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common import errors
from common.diffusion import metadata
from common.diffusion.request import Finished, ImageRequest, StepEvent
from common.diffusion.schedulers import NAMES
from common.diffusion.trace import Trace, chosen_steps, gif, strip

PICTURE = Image.new("RGB", (16, 16), "red")
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
REQUESTS = st.builds(
    ImageRequest,
    prompt=WORDS,
    negative_prompt=WORDS,
    steps=st.integers(1, 100),
    guidance_scale=st.floats(0, 30),
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([32, 64, 512]),
    scheduler=st.sampled_from(NAMES),
)


def _file(folder: Path, **written: str) -> Path:
    path = folder / "picture.png"
    path.write_bytes(metadata.png(PICTURE, written))
    return path


@given(request=REQUESTS)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(request: ImageRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("png") / "a.png"
    path.write_bytes(metadata.png(PICTURE, metadata.texts(request, "emoji", "DDIM")))
    assert metadata.read(path) == (request, "emoji")


def test_other_programs_can_read_it_and_we_can_read_theirs(tmp_path: Path) -> None:
    request = ImageRequest("a fox, red", "blue", 20, 7.5, 42, 64, "euler_a")
    ours = metadata.texts(request, "emoji-diffusion", "Euler a")["parameters"]
    assert ours == (
        "a fox, red\nNegative prompt: blue\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 42, Size: 64x64, Model: emoji-diffusion"
    )
    assert metadata.read(_file(tmp_path, parameters=ours)) == (request, "emoji-diffusion")
    theirs = (
        "two lines\nof prompt\nSteps: 9, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1, Size: 512x768, Model: x y"
    )
    found, model = metadata.read(_file(tmp_path, parameters=theirs))
    assert (found.prompt, found.steps, found.scheduler, model) == ("two lines\nof prompt", 9, "dpmpp_2m", "x y")
    assert found.size == 0, "it was not square"


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"Software": "something"},
        {"parameters": "no settings at all"},
        {"parameters": "a\nSteps: 2, Sampler: DDIM, CFG scale: 7, Seed: 1, Size: 64"},
        {"parameters": "a\nSteps: x, Sampler: DDIM, CFG scale: 7, Seed: 1, Size: 64x64"},
        {"demystify": "{"},
        {"demystify": "[1]"},
        {"demystify": json.dumps({"model": "m", "prompt": 7})},
        {"demystify": '{"model":"m","prompt":"","negative_prompt":"","steps":1,"guidance_scale":1,"seed":1,"size":64,'
         '"scheduler":"__class__"}'},
    ],
)  # fmt: skip
def test_foreign_texts_are_said(tmp_path: Path, written: dict[str, str]) -> None:
    with pytest.raises(errors.ForeignPicture):
        metadata.read(_file(tmp_path, **written))


def test_files_that_are_no_png_are_said(tmp_path: Path) -> None:
    jpeg = io.BytesIO()
    PICTURE.save(jpeg, "JPEG")
    whole = metadata.png(PICTURE, {})
    bomb = PngInfo()
    bomb.add_text("demystify", "x" * 2_000_000, zip=True)  # more text than a picture may carry
    packed = io.BytesIO()
    PICTURE.save(packed, "PNG", pnginfo=bomb)
    for content in (b"", b"nothing", jpeg.getvalue(), whole[:20], packed.getvalue()):
        path = tmp_path / "file.png"
        path.write_bytes(content)
        with pytest.raises(errors.ForeignPicture):
            metadata.read(path)


def test_a_picture_of_several_is_described_alone() -> None:
    alone = metadata.of_picture(ImageRequest("a", seed=5, images=3, trace=True), 2)
    assert (alone.seed, alone.images, alone.trace) == (7, 1, False)


def _trace(steps: int) -> Trace:
    events = []
    for step in range(1, steps + 1):
        shown = (np.full((8, 8, 3), 10 * step, np.uint8),)
        events.append(StepEvent(step, steps, 1000 - step, 0.5, shown, shown, shown))
    return Trace(ImageRequest("a"), tuple(events), Finished((PICTURE,), (False,), 1.0))


def test_an_animation_has_a_frame_for_each_step_and_the_result() -> None:
    with Image.open(io.BytesIO(gif([_trace(5), _trace(3)]))) as image:
        assert image.n_frames == 6
        one_run = Image.open(io.BytesIO(gif([_trace(5)])))
        assert image.height > one_run.height and image.width == one_run.width


def test_a_strip_has_three_rows_for_each_run() -> None:
    one, two = (Image.open(io.BytesIO(strip([_trace(12)] * number))) for number in (1, 2))
    assert two.height > 1.9 * one.height
    assert one.width > 10 * 128


@given(count=st.integers(1, 200))
def test_chosen_steps_are_spread_and_keep_both_ends(count: int) -> None:
    chosen = chosen_steps(count)
    assert chosen[0] == 0 and chosen[-1] == count - 1
    assert len(chosen) == min(count, 10) == len(set(chosen))
