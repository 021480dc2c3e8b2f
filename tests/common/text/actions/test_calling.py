"""Calls: what is read as one, what the schema lets through, and what the model is shown."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.tool_calls import requests
from common import errors
from common.diffusion.models import DiffusionModels
from common.text.actions.calling import (
    Call,
    answer_request,
    call_request,
    call_schema,
    complaint_of,
    read_call,
    run_call,
)
from common.text.actions.nearest import MANY, nearest
from common.text.actions.search import search_tool
from common.text.actions.tool import Result, Tool, ToolFailed
from common.text.actions.toolbox import TOOLS
from common.text.engine import Message, TextEngine, TokenBundle
from common.text.engines.json_pattern import json_pattern
from common.translation.models import TranslationModels
from common.ui.drawing import draw_tool
from common.ui.translating import translate_tool
from tests.common.text.retrieval.test_retrieval import index

SUM = Call("calculate", {"expression": "17*3"})


def test_a_call_is_read_as_it_was_written_and_done() -> None:
    assert read_call(SUM.to_json()) == SUM
    assert asyncio.run(run_call(SUM)) == Result("51")
    metres = Call("convert_unit", {"value": "5", "from_unit": "km", "to_unit": "m"})
    assert asyncio.run(run_call(metres)).words.endswith("5000 m")


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


def test_the_prompt_ends_with_the_question_after_its_nearest_examples() -> None:
    wanted = call_request("How many kilometres\nare 26 miles?", True, complaint="it is not JSON")
    assert wanted.prompt is not None and wanted.prompt.endswith("Question: How many kilometres are 26 miles?\nCall:\n")
    assert "How many kilometres are 10 miles?" in wanted.prompt.split("\n\n")[-2]
    assert "The last call was wrong: it is not JSON" in wanted.prompt
    assert wanted.prompt.count("\nCall:\n") == MANY + 1
    # Only what the examples call is offered.
    assert "convert_unit: " in wanted.prompt and "weather: " not in wanted.prompt
    assert "weather" not in (wanted.sampling.json_schema or "")


def test_what_is_copied_can_only_be_words_of_the_question() -> None:
    pattern = json_pattern(call_schema(question='Is it hot in "New York", or in São Paulo?'))
    for city, allowed in {"New York": True, "São Paulo": True, "in": True, "York or": False, "Paris": False}.items():
        assert bool(re.fullmatch(pattern, Call("weather", {"city": city}).to_json())) == allowed
    pattern = json_pattern(call_schema(question="Are -3.5 °C warm?"))
    units = {"from_unit": "°C", "to_unit": "°F"}
    assert re.fullmatch(pattern, Call("convert_unit", {"value": "-3.5", **units}).to_json())
    assert not re.fullmatch(pattern, Call("convert_unit", {"value": "3", **units}).to_json())
    # Nothing to copy: the argument's own pattern holds.
    assert re.fullmatch(json_pattern(call_schema(question="?")), Call("weather", {"city": "Bern"}).to_json())


def test_a_formula_in_the_question_is_the_expression() -> None:
    pattern = json_pattern(call_schema(question="What is 17.5 * (3 + 4)?"))
    for expression, allowed in {"17.5 * (3 + 4)": True, "17.5*3+4": False, "17.5": False}.items():
        assert bool(re.fullmatch(pattern, Call("calculate", {"expression": expression}).to_json())) == allowed
    spoken = json_pattern(call_schema(question="Divide 90 by 6."))
    assert re.fullmatch(spoken, Call("calculate", {"expression": "90/6"}).to_json())


@pytest.mark.parametrize(
    ("question", "value", "source", "target"),
    [
        ("How many centimetres are 12 inches?", "12", "in", "cm"),
        ("How far is 3 in in cm?", "3", "in", "cm"),
        ("What are 70 degrees Fahrenheit in Celsius?", "70", "°F", "°C"),
        ("It's 20 °C outside: what is that in °F?", "20", "°C", "°F"),
        ("How many m/s are 36 km/h?", "36", "km/h", "m/s"),
        ("Turn 50 miles per hour into km/h.", "50", "mph", "km/h"),
        *((asked, *given.values()) for asked, given in TOOLS["convert_unit"].examples),
    ],
)
def test_units_that_a_question_names_leave_no_others(question: str, value: str, source: str, target: str) -> None:
    pattern = json_pattern(call_schema(question=question))

    def allowed(source: str, target: str) -> bool:
        call = Call("convert_unit", {"value": value, "from_unit": source, "to_unit": target})
        return re.fullmatch(pattern, call.to_json()) is not None

    assert allowed(source, target) and not allowed(target, source)
    assert not allowed("K", target) and not allowed(source, "K")


def test_units_that_a_question_does_not_name_are_the_models_choice() -> None:
    pattern = json_pattern(call_schema(question="How warm are 3 °C for Americans?"))
    for target in ("°F", "K"):
        call = Call("convert_unit", {"value": "3", "from_unit": "°C", "to_unit": target})
        assert re.fullmatch(pattern, call.to_json())


def test_the_longest_question_still_makes_a_schema() -> None:
    assert json_pattern(call_schema(question="a b " * 75))


class Meaning:
    """Vectors along one axis per first letter, as a model's would be along meanings."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([np.eye(384, dtype=np.float32)[ord(text[:1].lower() or "a") % 384] for text in texts])


def test_examples_are_near_by_words_and_by_meaning() -> None:
    assert nearest("Divide 80 by 5.", TOOLS)[-1].question == "Divide 90 by 6."
    meant = nearest("Zebra", {"one": _tool("one", "zoo"), "two": _tool("two", "apple")}, cast(Any, Meaning()))
    assert [example.tool for example in meant] == ["two", "one"]


def test_without_its_model_the_words_alone_count() -> None:
    class Missing:
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise errors.MissingPart(package="openvino", command="pip install openvino")

    assert nearest("Divide 80 by 5.", TOOLS, cast(Any, Missing())) == nearest("Divide 80 by 5.", TOOLS)


def _tool(name: str, example: str) -> Tool:
    async def nothing() -> str:
        return ""

    return Tool(name, "test", {}, nothing, ((example, {}),))


def test_without_a_tool_the_model_answers_by_itself() -> None:
    call = read_call('{"name":"no_tool","arguments":{}}')
    wanted = answer_request("Why?", call, asyncio.run(run_call(call)).words)
    assert wanted.messages == (Message("user", "Why?"),) and wanted.prompt is None
    assert answer_request("Why?", SUM, "51").messages is None


def test_no_request_of_the_measurement_is_an_example() -> None:
    lent = (translate_tool(TranslationModels()), draw_tool(DiffusionModels()), search_tool(index("A text.")))
    tools = {**TOOLS, **{tool.name: tool for tool in lent}}
    shown = {example for tool in tools.values() for example, _ in tool.examples}
    asked = requests()
    assert len(asked) == 114 and not shown & {request.question for request in asked}
    assert {request.call.name for request in asked} == set(tools)
    pattern = json_pattern(call_schema(tools))
    assert all(re.fullmatch(pattern, request.call.to_json()) for request in asked)


def test_a_toolbox_of_ones_own_is_prompted_allowed_and_run() -> None:
    async def greet(name: str) -> str:
        return f"Hello {name}"

    tools = {"greet": Tool("greet", "say hello", {"name": {"type": "string", "pattern": "^[A-Z]{1,5}$"}}, greet,
                           (("Greet BOB.", {"name": "BOB"}),))}  # fmt: skip
    prompt = call_request("Greet ANN.", False, tools=tools).prompt or ""
    assert "greet: say hello" in prompt and "weather" not in prompt
    call = Call("greet", {"name": "ANN"})
    assert re.fullmatch(json_pattern(call_schema(tools)), call.to_json())
    assert not re.fullmatch(json_pattern(call_schema(tools)), SUM.to_json())
    assert read_call(call.to_json(), tools) == call
    assert asyncio.run(run_call(call, tools)) == Result("Hello ANN")
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
