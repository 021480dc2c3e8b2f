"""Calls: what is read as one, what the schema lets through, and what the model is shown."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from common.text.actions.calling import Call, call_prompt, call_request, call_schema, complaint_of, read_call, run_call
from common.text.actions.tool import Tool, ToolFailed
from common.text.actions.toolbox import TOOLS
from common.text.engine import TextEngine, TokenBundle
from common.text.engines.json_pattern import json_pattern

SUM = Call("calculate", {"expression": "17*3"})


def test_a_call_is_read_as_it_was_written_and_done() -> None:
    assert read_call(SUM.to_json()) == SUM
    assert asyncio.run(run_call(SUM)) == "51"
    assert asyncio.run(run_call(Call("convert_unit", {"value": "5", "from_unit": "km", "to_unit": "m"}))).endswith(
        "5000 m"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("calculate(17*3)", "call_no_json"),
        ("[" * 1500, "call_no_json"),
        ("x" * 3000, "call_too_long"),
        ("[]", "call_parts"),
        ('{"name":"calculate"}', "call_parts"),
        ('{"name":"shell","arguments":{}}', "call_no_tool"),
        ('{"name":["calculate"],"arguments":{}}', "call_no_tool"),
        ('{"name":"calculate","arguments":{"code":"1"}}', "call_arguments"),
        ('{"name":"weather","arguments":{"city":"Bern","url":"http://x"}}', "call_arguments"),
        ('{"name":"weather","arguments":{"city":3}}', "call_texts"),
    ],
)
def test_what_is_no_call_gets_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ToolFailed) as problem:
        read_call(text)
    assert problem.value.params["reason"].key == reason


def test_the_schema_lets_calls_through_and_nothing_else() -> None:
    pattern = json_pattern(call_schema())
    for name, arguments in {
        "calculate": {"expression": "(1+2)*3.5"},
        "convert_unit": {"value": "-3.5", "from_unit": "°C", "to_unit": "°F"},
        "time_in": {"place": "São Paulo"},
        "weather": {"city": "Bern"},
    }.items():
        assert re.fullmatch(pattern, Call(name, arguments).to_json())
    assert not re.fullmatch(pattern, Call("calculate", {"expression": "os.system()"}).to_json())
    assert not re.fullmatch(pattern, Call("shell", {"command": "ls"}).to_json())


def test_the_prompt_ends_with_the_question_after_its_nearest_example() -> None:
    prompt = call_prompt("How many kilometres\nare 26 miles?", "it is not JSON")
    assert prompt.endswith("Question: How many kilometres are 26 miles?\nCall: ")
    assert "How many kilometres are 10 miles?" in prompt.split("\n\n")[-2]
    assert "The last call was wrong: it is not JSON" in prompt
    assert all(name in prompt for name in TOOLS)


def test_a_toolbox_of_ones_own_is_prompted_allowed_and_run() -> None:
    async def greet(name: str) -> str:
        return f"Hello {name}"

    tools = {"greet": Tool("greet", "say hello", {"name": {"type": "string", "pattern": "^[A-Z]{1,5}$"}}, greet,
                           (("Greet BOB.", {"name": "BOB"}),))}  # fmt: skip
    assert "greet: say hello" in call_prompt("Greet ANN.", tools=tools) and "weather" not in call_prompt(
        "Hi", tools=tools
    )
    call = Call("greet", {"name": "ANN"})
    assert re.fullmatch(json_pattern(call_schema(tools)), call.to_json())
    assert not re.fullmatch(json_pattern(call_schema(tools)), SUM.to_json())
    assert read_call(call.to_json(), tools) == call
    assert asyncio.run(run_call(call, tools)) == "Hello ANN"
    with pytest.raises(ToolFailed, match="greet"):
        read_call(SUM.to_json(), tools)


def test_every_example_is_a_call_that_the_schema_allows() -> None:
    pattern = json_pattern(call_schema())
    examples = [Call(tool.name, dict(values)) for tool in TOOLS.values() for _, values in tool.examples]
    assert len(examples) >= 14
    assert all(re.fullmatch(pattern, call.to_json()) for call in examples)


def test_a_complaint_is_the_reason_alone() -> None:
    with pytest.raises(ToolFailed) as problem:
        read_call("no")
    assert complaint_of(problem.value) == "it is not JSON"


@pytest.mark.slow
def test_the_embedded_model_always_writes_a_call(engine: TextEngine) -> None:
    async def write(seed: int) -> str:
        events = engine.stream(call_request('Tell me a joke about {curly} "things".', True, seed, 1.5))
        bundles = [event async for event in events if isinstance(event, TokenBundle)]
        return "".join(token.text for bundle in bundles for token in bundle.tokens if not token.special)

    async def several() -> list[str]:
        return await asyncio.gather(*map(write, range(5)))

    for text in asyncio.run(several()):
        assert read_call(text).to_json() == text
        assert json.loads(text)["name"] in TOOLS
