"""The Denoising player without a browser, on a real pipeline: all steps in the page, two runs, files, refusals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from denoise_handlers import DenoiseHandlers

VISITOR = gr.Request(session_hash="visitor")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> DenoiseHandlers:
    return DenoiseHandlers(models)


def _form(prompt: Any = "red apple", compare: Any = "none", **changed: Any) -> tuple[Any, ...]:
    values = {"steps": 4, "guidance": 4.0, "seed": 5, "scheduler": "own"}
    others = {"other_seed": 6, "other_guidance": 1.0, "other_scheduler": "euler_a"}
    run = {**values, **{name: value for name, value in changed.items() if name in values}}
    other = {**others, **{name: value for name, value in changed.items() if name in others}}
    return prompt, *run.values(), compare, *other.values()


def _played(handlers: DenoiseHandlers, *form: Any, lang: str = "en") -> tuple[str, Any]:
    async def run() -> list[Any]:
        return [update async for update in handlers.play(lang, *form, VISITOR)]

    updates = [update for update in asyncio.run(run()) if isinstance(update[0], str)]
    return updates[-1][0], updates[-1][1]


def test_every_step_is_in_the_page(handlers: DenoiseHandlers) -> None:
    html, shown = _played(handlers, *_form())
    assert shown.complete and len(shown.traces[0].steps) == 4
    strips = [
        Image.open(io.BytesIO(base64.b64decode(part)))
        for part in re.findall(r"background-image:url\(data:image/webp;base64,([^)]+)\)", html)
    ]
    assert [strip.size for strip in strips] == [(4 * 32, 32)] * 3  # noisy, noise, clean
    assert html.count("data-dot=") == html.count("data-at=") == 4
    assert "Step 4 of 4" in html
    assert json.loads(unescape(re.findall(r'data-trace="([^"]+)"', html)[0]))["complete"] is True


def test_the_last_frame_is_what_the_pipeline_draws(handlers: DenoiseHandlers, models: DiffusionModels) -> None:
    html, _ = _played(handlers, *_form(guidance=1.0))
    result = re.findall(r'<img src="data:image/png;base64,([^"]+)"', html)[-1]
    ours = np.asarray(Image.open(io.BytesIO(base64.b64decode(result)))).astype(int)
    import torch

    with models.engine().opened().in_use() as pipe:
        own = pipe(
            "red apple",
            num_inference_steps=4,
            guidance_scale=1.0,
            height=32,
            width=32,
            generator=torch.Generator().manual_seed(5),
        ).images[0]
    assert np.abs(ours - np.asarray(own).astype(int)).max() <= 2


@pytest.mark.parametrize(
    ("compare", "names"),
    [("seed", ("seed 5", "seed 6")), ("guidance", ("4.0", "1.0")), ("scheduler", ("DDIM", "Euler a"))],
)
def test_two_runs_stand_side_by_side(handlers: DenoiseHandlers, compare: str, names: tuple[str, str]) -> None:
    html, shown = _played(handlers, *_form(compare=compare))
    heads = re.findall(r"<h4>(.*?)</h4>", html)
    assert len(heads) == 2 and all(name in head for name, head in zip(names, heads, strict=True))
    first, second = (np.asarray(trace.image).astype(int) for trace in shown.traces)
    assert np.abs(first - second).max() > 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_follows_the_language_and_escapes(handlers: DenoiseHandlers, lang: str) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    html, shown = _played(handlers, *_form(hostile), lang=lang)
    assert hostile not in html and hostile in unescape(html)
    assert text(lang, "denoise.noise") in unescape(html)
    assert unescape(handlers.relabel("fr", shown)).count(text("fr", "denoise.noise")) == 2


def test_it_is_saved_as_animation_and_strip(handlers: DenoiseHandlers) -> None:
    _, shown = _played(handlers, *_form(compare="seed"))
    for save, kind, name in (
        (handlers.save_gif, "GIF", "denoising.gif"),
        (handlers.save_strip, "PNG", "denoising.png"),
    ):
        file = json.loads(asyncio.run(save("en", shown)))
        image = Image.open(io.BytesIO(base64.b64decode(file["content"])))
        assert (image.format, file["name"]) == (kind, name)
        assert getattr(image, "n_frames", 1) == (5 if kind == "GIF" else 1)


def test_nothing_drawn_is_said(handlers: DenoiseHandlers) -> None:
    for save in (handlers.save_gif, handlers.save_strip):
        with pytest.raises(errors.NothingDrawn):
            asyncio.run(save("en", None))


@pytest.mark.parametrize(
    "form",
    [_form(" "), _form(steps=0), _form(compare="all"), _form(compare="seed", other_seed=-1),
     _form(compare="guidance", other_guidance=99), _form(compare="scheduler", other_scheduler="x")],
)  # fmt: skip
def test_bad_input_is_said(handlers: DenoiseHandlers, form: tuple[Any, ...]) -> None:
    with pytest.raises((errors.EmptyPrompt, errors.InvalidInput)):
        _played(handlers, *form)


def test_stopping_keeps_the_steps_and_frees_the_place(handlers: DenoiseHandlers, models: DiffusionModels) -> None:
    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.play("en", *_form(steps=100, compare="scheduler"), VISITOR):
            seen.append(update)
            if isinstance(update[0], str):
                await handlers.stop("en", VISITOR)
        return seen

    shown = next(update[1] for update in reversed(asyncio.run(stop_soon())) if isinstance(update[0], str))
    assert not shown.complete and 0 < len(shown.traces[0].steps) < 100
    assert models.engine().active == 0
    assert json.loads(asyncio.run(handlers.save_gif("en", shown)))["content"]


def test_only_what_is_compared_is_asked_for(handlers: DenoiseHandlers) -> None:
    assert [update["visible"] for update in handlers.choose("en", "guidance")] == [False, True, False]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_hidden_picture_takes_its_steps_along_and_that_is_said(tiny_diffusion_hiding: Path, stopped: bool) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion_hiding)))
    handlers = DenoiseHandlers(models)

    async def run() -> list[Any]:
        seen = []
        async for update in handlers.play("en", *_form(steps=100 if stopped else 3), VISITOR):
            seen.append(update)
            if stopped and isinstance(update[0], str) and update[0]:  # there is a step
                await handlers.stop("en", VISITOR)
        return [update for update in seen if isinstance(update[0], str)]

    html, shown, _ = asyncio.run(run())[-1]
    assert shown.complete is not stopped
    assert text("en", "image.hidden") in unescape(html)
    assert shown.traces[0].hidden and not any(step.clean[0].any() for step in shown.traces[0].steps)
    models.close()
