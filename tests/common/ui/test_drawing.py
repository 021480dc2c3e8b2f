"""The diffusion model as a tool: a real picture with its settings inside, and calls that were edited into nonsense."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from common import errors
from common.config import Settings
from common.diffusion import metadata
from common.diffusion.models import DiffusionModels
from common.text.actions.calling import Call, call_schema, read_call, run_call
from common.text.actions.tool import Result, ToolFailed
from common.text.engines.json_pattern import json_pattern
from common.ui.drawing import draw_tool


@pytest.fixture
def tiny(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    yield models
    models.close()


def _draw(models: DiffusionModels, prompt: str) -> Result:
    tools = {"draw": draw_tool(models)}
    return asyncio.run(run_call(read_call(Call("draw", {"prompt": prompt}).to_json(), tools), tools))


def test_its_examples_are_calls_that_the_schema_allows() -> None:
    tool = draw_tool(DiffusionModels())
    for question, values in tool.examples:
        pattern = json_pattern(call_schema({tool.name: tool}, question))
        assert re.fullmatch(pattern, Call(tool.name, dict(values)).to_json())
        assert not re.fullmatch(pattern, Call(tool.name, {"prompt": "what nobody asked for"}).to_json())


@pytest.mark.parametrize("prompt", ["", "  ", "x" * 81, "two\nlines", "half a \ud83d"])
def test_a_prompt_that_cannot_be_drawn_is_said(prompt: str) -> None:
    with pytest.raises(ToolFailed, match="1 to 80 characters"):
        _draw(DiffusionModels(), prompt)


@pytest.mark.slow
def test_the_embedded_model_draws_what_it_was_asked_for(tmp_path: Path) -> None:
    models = DiffusionModels()
    try:
        result = _draw(models, "red apple")
    finally:
        models.close()
    assert result.words == "a picture of “red apple”" and result.shows == "red apple"
    file = tmp_path / "picture.png"
    file.write_bytes(result.picture)
    request, model = metadata.read(file)
    assert (request.prompt, request.steps, request.guidance_scale, request.seed) == ("red apple", 20, 4.0, 7)
    assert model == "emoji-diffusion"
    with Image.open(file) as picture:
        red, green, blue = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    assert red > max(green, blue)


def test_a_full_line_is_said_and_a_late_picture_leaves_it(
    tiny: DiffusionModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tiny.engine()
    engine._most = 1

    async def two() -> list[Result | BaseException]:
        tools = {"draw": draw_tool(tiny)}
        call = Call("draw", {"prompt": "fox"})
        return await asyncio.gather(run_call(call, tools), run_call(call, tools), return_exceptions=True)

    drawn, refused = sorted(asyncio.run(two()), key=lambda one: isinstance(one, Exception))
    assert isinstance(drawn, Result) and drawn.picture and isinstance(refused, errors.QueueFull)

    monkeypatch.setattr("common.ui.drawing._SECONDS", 0.05)
    with pytest.raises(ToolFailed, match=r"no result within 0\.05"):
        _draw(tiny, "fox")
    assert engine.active == 0
