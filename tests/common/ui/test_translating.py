"""The translator as a tool: real translations, and a call that was edited into nonsense."""

from __future__ import annotations

import asyncio
import re

import pytest

from common.text.actions.calling import Call, call_schema, read_call, run_call
from common.text.actions.tool import ToolFailed
from common.text.engines.json_pattern import json_pattern
from common.translation.models import TranslationModels
from common.translation.passage import translate_text
from common.ui.translating import translate_tool


def test_its_examples_are_calls_that_the_schema_allows() -> None:
    tool = translate_tool(TranslationModels())
    pattern = json_pattern(call_schema({tool.name: tool}))
    assert all(re.fullmatch(pattern, Call(tool.name, dict(values)).to_json()) for _, values in tool.examples)


def test_a_language_that_it_has_not_is_said() -> None:
    tool = translate_tool(TranslationModels())
    call = read_call(Call("translate", {"text": "hello", "language": "Klingon"}).to_json(), {tool.name: tool})
    with pytest.raises(ToolFailed, match="German, French"):
        asyncio.run(run_call(call, {tool.name: tool}))


@pytest.mark.slow
def test_it_says_what_the_translator_says() -> None:
    models = TranslationModels()
    model = models.find("en", "de")
    tool = translate_tool(models)

    async def both() -> tuple[str, str]:
        said = await run_call(Call("translate", {"text": "Good morning!", "language": "German"}), {tool.name: tool})
        steps = translate_text(models.engine(model), models.codec(model, "en", "de"), "Good morning!", "en")
        return said.words, [step.text async for step in steps][-1]

    said, own = asyncio.run(both())
    assert own and said == f"“{own}” (German)"
