"""The Forward-noise tab without a browser, on a real pipeline: both ways in the page, own pictures, refusals."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

import picture_input
from noise_handlers import NoiseHandlers

VISITOR = gr.Request(session_hash="visitor")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> NoiseHandlers:
    return NoiseHandlers(models)


def _form(which: Any = "apple", own: Any = None, prompt: Any = "red apple", **changed: Any) -> tuple[Any, ...]:
    return own, which, prompt, *{"share": 50, "steps": 4, "scale": 2.0, "seed": 3, **changed}.values()


def _run(handlers: NoiseHandlers, *form: Any, lang: str = "en") -> tuple[str, Any]:
    async def collect() -> list[Any]:
        return [update async for update in handlers.run(lang, *form, VISITOR)]

    _, html, shown = asyncio.run(collect())[-1]
    return html, shown


def test_both_ways_the_schedule_and_the_pixels_are_in_the_page(handlers: NoiseHandlers) -> None:
    html, shown = _run(handlers, *_form())
    assert [step.back for step in shown.steps] == [False, False, True, True]
    assert html.count("data-at=") == 4 and html.count(">In, timestep") == html.count(">Back, timestep") == 2
    assert html.count("data-dot=") == 3 * 4, "three curves with a dot for each step"
    # original, through the autoencoder, what came back; and noise on pixels at two levels
    assert html.count("<img") == 3 + 2
    ratios = [float(part) for part in re.findall(r">t = \d+: (-?[\d.]+) dB<", html)]
    assert len(ratios) == 2 and ratios[0] > ratios[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_follows_the_language(handlers: NoiseHandlers, lang: str) -> None:
    html, shown = _run(handlers, *_form(prompt="", steps=1), lang=lang)
    assert text(lang, "noise.schedule") in unescape(html)
    assert text("fr", "noise.schedule") in unescape(asyncio.run(handlers.player("fr", shown)))


def test_an_own_picture_is_taken_shown_and_used(handlers: NoiseHandlers, tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    Image.new("RGB", (50, 40), (10, 200, 30)).save(path)
    which, own, shown = asyncio.run(picture_input.take("en", str(path)))
    assert which == "mine" and own.size == (50, 40) and "<img" in shown and not path.exists()
    _, result = _run(handlers, *_form("mine", own, steps=1))
    assert result.finished.original.getpixel((16, 16)) == (10, 200, 30)
    assert picture_input.show("en", "mine", None) == ""
    assert picture_input.show("en", "house", own) != picture_input.show("en", "mine", own)


def test_stopping_shows_what_has_come(handlers: NoiseHandlers, models: DiffusionModels) -> None:
    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.run("en", *_form(steps=100, share=100), VISITOR):
            seen.append(update)
            if "meter" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    _, html, shown = asyncio.run(stop_soon())[-1]
    assert shown.finished is None and 0 < len(shown.steps) < 200 and "<img" not in html
    assert models.engine().active == 0


@pytest.mark.parametrize(
    "form",
    [_form("mine"), _form("tree"), _form(share=0), _form(share=7.5), _form(steps=0), _form(scale=31), _form(seed=-1),
     _form(prompt="x" * 5001)],
)  # fmt: skip
def test_bad_input_is_said(handlers: NoiseHandlers, form: tuple[Any, ...]) -> None:
    with pytest.raises((errors.UnusablePicture, errors.InvalidInput)):
        _run(handlers, *form)
