"""From a question to a call and back: the prompt, the schema of all calls, the reading of a call, the answer's prompt.

A model this small picks the right tool far more often from examples than from a description. The examples most like the
question stand last, next to it. Knows no engine.

Source: Schick et al. 2023, *Toolformer* (arXiv:2302.04761); Liu et al. 2022, *What Makes Good In-Context Examples for
GPT-3?* (arXiv:2101.06804; similar examples).
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass

from common import errors
from common.errors import Phrase
from common.text.actions.tool import Toolbox, ToolFailed
from common.text.actions.toolbox import TOOLS
from common.text.engine import GenerationRequest, SamplingSettings

LONGEST_CALL = 2_000  # characters
_TOKENS = 90
_SECONDS = 10.0  # for any tool; the tools' own limits are shorter


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name and its arguments."""

    name: str
    arguments: dict[str, str]

    def to_json(self) -> str:
        """On one line, without white space."""
        values = {"name": self.name, "arguments": self.arguments}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def call_request(question: str, constrained: bool, seed: int | None = None, temperature: float = 0.0,
                 complaint: str = "", tools: Toolbox = TOOLS) -> GenerationRequest:  # fmt: skip
    """What asks the model for a call.

    Args:
        question: the visitor's.
        constrained: hold the model to the schema.
        seed, temperature: see SamplingSettings.
        complaint: what was wrong with the call before, in English, if this is a second try.
        tools: those that may be called.
    """
    sampling = SamplingSettings(
        temperature=temperature,
        max_new_tokens=_TOKENS,
        seed=seed,
        stop=("\n",),
        json_schema=call_schema(tools) if constrained else None,
    )
    return GenerationRequest(prompt=call_prompt(question, complaint, tools), sampling=sampling)


def call_prompt(question: str, complaint: str = "", tools: Toolbox = TOOLS) -> str:
    """The examples, and the question after them."""
    asked = set(_words(question))
    examples = [(text, tool.name, dict(values)) for tool in tools.values() for text, values in tool.examples]
    ordered = sorted(examples, key=lambda example: len(asked & set(_words(example[0]))))
    shown = [f"Question: {text}\nCall: {Call(name, values).to_json()}\n" for text, name, values in ordered]
    head = "Each question is answered by one tool call: " + "; ".join(f"{t.name}: {t.purpose}" for t in tools.values())
    hint = f"The last call was wrong: {complaint}\n" if complaint else ""
    return "\n".join([f"{head}.\n", *shown, f"{hint}Question: {' '.join(question.split())}\nCall: "])


def answer_request(question: str, call: Call, result: str, seed: int | None = None) -> GenerationRequest:
    """What asks the model to say the result in a sentence."""
    prompt = (
        "Question: What is 12 times 34?\nResult of calculate: 408\nAnswer: 12 times 34 is 408.\n\n"
        "Question: How warm is it in Oslo today?\nResult of weather: 4 °C, cloudy in Oslo (invented)\n"
        "Answer: It is 4 °C and cloudy in Oslo (invented).\n\n"
        f"Question: {' '.join(question.split())}\nResult of {call.name}: {result}\nAnswer:"
    )
    sampling = SamplingSettings(temperature=0, max_new_tokens=60, seed=seed, stop=("\n",))
    return GenerationRequest(prompt=prompt, sampling=sampling)


def call_schema(tools: Toolbox = TOOLS) -> str:
    """The JSON schema of any call."""
    return json.dumps({"anyOf": [
        _closed({"name": {"const": tool.name}, "arguments": _closed(dict(tool.properties))}) for tool in tools.values()
    ]})  # fmt: skip


def read_call(text: str, tools: Toolbox = TOOLS) -> Call:
    """The call that a text is. Whether its arguments make sense is the tool's business. Raises ToolFailed."""
    if len(text) > LONGEST_CALL:
        raise ToolFailed(Phrase("call_too_long", limit=LONGEST_CALL))
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise ToolFailed(Phrase("call_no_json")) from None
    if not isinstance(values, dict) or set(values) != {"name", "arguments"}:
        raise ToolFailed(Phrase("call_parts"))
    tool = tools.get(values["name"]) if isinstance(values["name"], str) else None
    if tool is None:
        raise ToolFailed(Phrase("call_no_tool", known=", ".join(tools)))
    arguments = values["arguments"]
    if not isinstance(arguments, dict) or set(arguments) != set(tool.properties):
        raise ToolFailed(Phrase("call_arguments", tool=tool.name, names=", ".join(tool.properties)))
    if not all(isinstance(value, str) for value in arguments.values()):
        raise ToolFailed(Phrase("call_texts"))
    return Call(tool.name, arguments)


async def run_call(call: Call, tools: Toolbox = TOOLS) -> str:
    """The tool's result. Raises ToolFailed: its own reasons, or no result in time."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await tools[call.name].run(**call.arguments)
    except TimeoutError:
        raise ToolFailed(Phrase("tool_late", seconds=_SECONDS)) from None


def complaint_of(problem: errors.DemystifyError) -> str:
    """What was wrong, in English, for the model."""
    return str(problem.params["reason"]) if "reason" in problem.params else str(problem)


def _closed(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _words(text: str) -> list[str]:
    return ["#" if word.isdigit() else word for word in re.findall(r"\w+|[°+*/]", text.casefold())]
