"""Image to image without a browser, on a real pipeline: with and without a mask, what is sent as one, refusals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
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

from mask_input import mask_html, painted, read_mask
from picture_input import example
from redraw_handlers import RedrawHandlers

VISITOR = gr.Request(session_hash="visitor")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> RedrawHandlers:
    return RedrawHandlers(models)


def _sent(size: tuple[int, int] = (128, 128), box: tuple[int, ...] = (0, 64, 128, 128)) -> str:
    """A mask as the page sends it: white on nothing."""
    image = Image.new("RGBA", size)
    if box:
        image.paste("white", box)  # type: ignore[arg-type]
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _form(which: Any = "apple", own: Any = None, mask: Any = "", **changed: Any) -> tuple[Any, ...]:
    rest = {"prompt": "heart", "strength": 60, "steps": 5, "scale": 2.0, "seed": 3, **changed}
    return own, mask, which, *rest.values()


def _drawn(handlers: RedrawHandlers, *form: Any, lang: str = "en") -> tuple[str, Any]:
    async def run() -> list[Any]:
        return [update async for update in handlers.draw(lang, *form, VISITOR)]

    _, html, shown = asyncio.run(run())[-1]
    return html, shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_before_start_steps_and_after_are_in_the_page(handlers: RedrawHandlers, lang: str) -> None:
    html, shown = _drawn(handlers, *_form(), lang=lang)
    assert len(shown.steps) == 3 and html.count("data-at=") == 3 and html.count("<img") == 3
    assert text(lang, "redraw.result") in unescape(html)
    player, place = asyncio.run(handlers.relabel("fr", shown, "apple", None, _sent()))
    assert text("fr", "redraw.result") in player and text("fr", "redraw.mask_top") in unescape(place)
    assert _sent() in place, "what was painted is still there"


def test_only_the_painted_half_changes_and_the_work_can_go_on(handlers: RedrawHandlers) -> None:
    _, shown = _drawn(handlers, *_form(mask=_sent(), strength=100))
    before, after = (np.asarray(image) for image in (shown.finished.original, shown.finished.result))
    assert (before[:16] == after[:16]).all() and (before[16:] != after[16:]).any()
    file = json.loads(handlers.save("en", shown))
    saved = Image.open(io.BytesIO(base64.b64decode(file["content"])))
    assert (np.asarray(saved) == after).all()
    which, own, place, mask = handlers.go_on("en", shown)
    assert (which, mask) == ("mine", "") and own is shown.finished.result and 'data-mask=""' in place
    assert _drawn(handlers, *_form(which, own))[1].finished is not None


def test_nothing_drawn_is_said(handlers: RedrawHandlers) -> None:
    for handler in (handlers.save, handlers.go_on):
        with pytest.raises(errors.NothingDrawn):
            handler("en", None)


def test_what_is_sent_as_a_mask_is_checked() -> None:
    mask = read_mask(_sent())
    assert mask is not None and mask.mode == "L" and np.asarray(mask).mean() == 127.5
    assert read_mask("") is None and read_mask(_sent(box=())) is None
    with pytest.raises(errors.UnusableMask, match="64 × 32 pixels, and 128 × 128 are needed"):
        read_mask(_sent((64, 32), (0, 0, 9, 9)))
    for wrong in ("data:image/svg+xml;base64,AAAA", "data:image/png;base64,%%", "data:image/png;base64,AAAA", 7):
        with pytest.raises(errors.UnusableMask, match="damaged"):
            read_mask(wrong)


def test_what_is_painted_is_kept_up_to_a_length() -> None:
    assert painted("en", gr.EventData(None, {"mask": "data:x"})) == "data:x"
    assert painted("en", gr.EventData(None, {"mask": "x" * 100_001})) == ""
    assert painted("en", gr.EventData(None, {})) == ""
    assert '"><script>' not in mask_html("en", example("apple"), '"><script>')
    assert mask_html("en", None) == ""


def test_stopping_shows_the_steps_that_have_come(handlers: RedrawHandlers, models: DiffusionModels) -> None:
    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.draw("en", *_form(steps=100, strength=100), VISITOR):
            seen.append(update)
            if "meter" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    _, html, shown = asyncio.run(stop_soon())[-1]
    assert shown.finished is None and 0 < len(shown.steps) < 100 and html.count("<img") == 1
    assert models.engine().active == 0


@pytest.mark.parametrize("mask", ["", _sent()])
def test_what_is_hidden_is_said_with_and_without_a_mask(tiny_diffusion_hiding: Path, mask: str) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion_hiding)))
    handlers = RedrawHandlers(models)
    html, shown = _drawn(handlers, *_form(mask=mask, steps=2, strength=100))
    assert text("en", "image.hidden") in unescape(html)
    assert shown.finished.result.getbbox() is None and not shown.steps[-1].guess.any()

    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.draw("en", *_form(mask=mask, steps=100, strength=100), VISITOR):
            seen.append(update)
            if "meter" in update[0]:
                await handlers.stop("en", VISITOR)
        return seen

    _, html, shown = asyncio.run(stop_soon())[-1]
    models.close()
    assert shown.finished is None and text("en", "image.hidden") in unescape(html) and not shown.steps[-1].guess.any()


@pytest.mark.parametrize(
    "form",
    [_form("mine"), _form("tree"), _form(prompt=" "), _form(strength=0), _form(strength=101), _form(steps=0),
     _form(mask="no mask")],
)  # fmt: skip
def test_bad_input_is_said(handlers: RedrawHandlers, form: tuple[Any, ...]) -> None:
    with pytest.raises((errors.UnusablePicture, errors.UnusableMask, errors.InvalidInput, errors.EmptyPrompt)):
        _drawn(handlers, *form)
