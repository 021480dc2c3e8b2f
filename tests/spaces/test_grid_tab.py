"""The Two-knob grid without a browser, on a real pipeline: a full table, saving, stopping, what may be written."""

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
import pytest
from PIL import Image

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.grid import KNOBS
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from grid_form import USUAL, check_pair, read_axis
from grid_handlers import GridHandlers

VISITOR = gr.Request(session_hash="visitor")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture
def handlers(models: DiffusionModels) -> GridHandlers:
    return GridHandlers(models)


def _form(across: str = "guidance", x: str = "1 3", down: str = "seed", y: str = "5 9", **changed: Any) -> list[Any]:
    rest = {"prompt": "red apple", "steps": 2, "guidance": 2.0, "seed": 5, **changed}
    return [rest["prompt"], across, x, down, y, rest["steps"], rest["guidance"], rest["seed"]]


def _drawn(handlers: GridHandlers, form: list[Any], lang: str = "en") -> tuple[str, str, Any]:
    async def run() -> list[Any]:
        return [update async for update in handlers.draw(lang, *form, VISITOR)]

    progress, html, shown = asyncio.run(run())[-1]
    return progress, html, shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_table_is_full_and_named(handlers: GridHandlers, lang: str) -> None:
    progress, html, shown = _drawn(handlers, _form(prompt="<i>red apple"), lang)
    assert html.count("<img") == 4 and "empty" not in html and "meter" not in progress
    heads = [unescape(head) for head in re.findall(r'<th scope="\w+">(.*?)</th>', html)]
    name = text(lang, "grid.short_guidance")
    assert heads[:2] == [f"{name} 1", f"{name} 3"] and len(heads) == 4
    assert "<i>" not in html and text("fr", "grid.short_seed") in handlers.relabel("fr", shown)


def test_words_and_schedulers_make_a_grid_that_can_be_saved(handlers: GridHandlers) -> None:
    _, html, shown = _drawn(handlers, _form("word", "apple, pear; fig", "scheduler", "DDIM, Euler a"))
    assert html.count("<img") == 6 and "“fig”" in html and "Euler a" in html
    file = json.loads(asyncio.run(handlers.save("en", shown)))
    board = Image.open(io.BytesIO(base64.b64decode(file["content"])))
    assert file["name"] == "two-knobs.png" and board.width > 3 * 128 and board.height > 2 * 128
    with pytest.raises(errors.NothingDrawn):
        asyncio.run(handlers.save("en", None))


def test_stopping_keeps_the_pictures_that_have_come(handlers: GridHandlers, models: DiffusionModels) -> None:
    async def stop_soon() -> list[Any]:
        seen = []
        async for update in handlers.draw("en", *_form(x="1 2 3 4 5 6", down="steps", y="20 30 40 50 60"), VISITOR):
            seen.append(update)
            if "<img" in str(update[1]):
                await handlers.stop("en", VISITOR)
        return seen

    progress, html, shown = asyncio.run(stop_soon())[-1]
    assert 0 < html.count("<img") < 30 and shown.stopped
    assert text("en", "grid.stopped") in progress and models.engine().active == 0
    assert json.loads(asyncio.run(handlers.save("en", shown)))["content"]


def test_hidden_pictures_are_said_and_other_seeds_are_at_hand(
    handlers: GridHandlers, tiny_diffusion_hiding: Path
) -> None:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion_hiding)))
    progress, _, shown = _drawn(GridHandlers(models), _form())
    models.close()
    assert text("en", "image.hidden") in unescape(progress) and all(one.hidden for one in shown.drawn)
    assert handlers.next_seeds("en", "guidance", "1 3", "seed", "5 9", 4) == ("1 3", "10 14", 4)
    assert handlers.next_seeds("en", "seed", "0 4294967295", "steps", "2", 4) == ("0 4294967295", "2", 4)
    assert handlers.next_seeds("en", "word", "apple, fig", "steps", "2", 4294967295) == ("apple, fig", "2", 0)
    with pytest.raises(errors.InvalidInput):
        handlers.next_seeds("en", "guidance", "1 3", "seed", "five", 4)


def test_the_prompts_are_those_of_all_pictures(handlers: GridHandlers) -> None:
    assert handlers.prompts("red  apple", "word", "apple, fig", "steps", "1 2") == ["red apple", "red fig"] * 2


@pytest.mark.parametrize("knob", KNOBS)
def test_what_a_knob_begins_with_can_be_read(handlers: GridHandlers, knob: str) -> None:
    axis = read_axis(knob, handlers.usual("en", knob))
    assert axis.knob == knob and 2 < len(axis.values) <= 8 and USUAL[knob]


def test_values_are_read_as_people_write_them() -> None:
    assert read_axis("guidance", "1,5; 2, 4 4").values == (1.5, 2.0, 4.0)
    assert read_axis("seed", "0 4294967295").values == (0, 4294967295)
    assert read_axis("scheduler", "Euler A, ddim").values == ("euler_a", "ddim")


@pytest.mark.parametrize(
    "form",
    [
        _form(prompt=" "),
        _form(x=""),
        _form(x="1 2 3 4 5 6 7 8 9"),
        _form(x="one"),
        _form(x="31"),
        _form("steps", "0"),
        _form("seed", "1.5"),
        _form("scheduler", "best"),
        _form("word", "pear, fig"),
        _form("seed", "1"),
        _form("size", "1"),
        _form(x="1 2 3 4 5 6 7 8", y="1 2 3 4 5"),
    ],
)
def test_bad_input_is_said(handlers: GridHandlers, form: list[Any]) -> None:
    with pytest.raises((errors.EmptyPrompt, errors.InvalidInput)):
        _drawn(handlers, form)


def test_too_many_pictures_are_refused_by_number() -> None:
    with pytest.raises(errors.InvalidInput, match="36 pictures at most"):
        check_pair(read_axis("guidance", "1 2 3 4 5 6 7 8"), read_axis("seed", "1 2 3 4 5"))
