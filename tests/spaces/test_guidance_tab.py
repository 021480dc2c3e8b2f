"""The Guidance tab without a browser, on a real pipeline: all steps in the page, stopping, languages, refusals."""

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

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text
from tests.tiny_diffusion import add_checker

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from guidance_handlers import GuidanceHandlers

VISITOR = gr.Request(session_hash="visitor")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> GuidanceHandlers:
    return GuidanceHandlers(models)


def _opened(handlers: GuidanceHandlers, *form: Any, lang: str = "en") -> tuple[str, Any]:
    async def run() -> list[Any]:
        return [update async for update in handlers.open(lang, *form, VISITOR)]

    _, html, shown = asyncio.run(run())[-1]
    return html, shown


def test_every_step_of_everything_is_in_the_page(handlers: GuidanceHandlers) -> None:
    html, shown = _opened(handlers, "red apple", 3, 4.0, 5)
    assert shown.finished is not None and len(shown.steps) == 3
    # two predictions, their difference, the guided one; five scales; two words
    assert html.count('class="frame"') == 4 + 5 + 2
    assert html.count('<div class="end"><img') == 5
    assert re.findall(r'<section data-steps="(\d)"', html) == ["3", "3", "3"]
    assert "without + 4 × (with − without)" in html and "“apple”" in html
    scales = re.findall(r'aria-label="guidance (\d+)"', html)
    assert scales == ["0", "1", "4", "7", "20"], "from none to too much"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_follows_the_language_and_escapes(handlers: GuidanceHandlers, lang: str) -> None:
    html, shown = _opened(handlers, "<b>x", 2, 1.0, 5, lang=lang)
    assert "<b>x" not in html and "<b" in unescape(html)
    assert text(lang, "guidance.looks") in unescape(html)
    assert text("fr", "guidance.looks") in unescape(asyncio.run(handlers.player("fr", shown)))


def test_stopping_shows_the_steps_that_have_come(handlers: GuidanceHandlers, models: DiffusionModels) -> None:
    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.open("en", "red apple", 100, 4.0, 5, VISITOR):
            seen.append(update)
            if "Step" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    _, html, shown = asyncio.run(stop_soon())[-1]
    assert shown.finished is None and 0 < len(shown.steps) < 100
    assert html.count('class="frame"') == 11 and "<img" not in html
    assert models.engine().active == 0


@pytest.mark.parametrize(
    "form", [(" ", 3, 4.0, 5), ("x", 0, 4.0, 5), ("x", 3, 31, 5), ("x", 3, 4.0, -1), ("x", 3, 4.0, 2**32)]
)
def test_bad_input_is_said(handlers: GuidanceHandlers, form: tuple[Any, ...]) -> None:
    with pytest.raises((errors.EmptyPrompt, errors.InvalidInput)):
        _opened(handlers, *form)


def test_hidden_pictures_take_the_steps_along_and_that_is_said(tiny_diffusion: Path) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    add_checker(models.engine().opened().pipe, hides=True)
    handlers = GuidanceHandlers(models)
    html, shown = _opened(handlers, "red apple", 2, 4.0, 5)
    assert text("en", "image.hidden") in unescape(html)
    assert shown.finished.hidden and not any(step.guided[0].any() for step in shown.steps)
    assert text("de", "image.hidden") in unescape(asyncio.run(handlers.player("de", shown)))
    models.close()
