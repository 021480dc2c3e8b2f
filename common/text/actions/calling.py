"""From a question to a call and back: the prompt, the schema of all calls, the reading of a call, the answer's prompt.

A model this small picks the right tool far more often from examples than from a description (``nearest.py`` chooses
them), and is offered the tools of these examples only. Knows no engine.

Source: Schick et al. 2023, *Toolformer* (arXiv:2302.04761).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from common import errors
from common.errors import Phrase
from common.text.actions.nearest import Example, nearest
from common.text.actions.tool import Result, Tool, Toolbox, ToolFailed
from common.text.actions.toolbox import NO_TOOL, TOOLS
from common.text.engine import GenerationRequest, Message, SamplingSettings

LONGEST_CALL = 2_000  # characters
_TOKENS = 90


@dataclass(frozen=True, slots=True)
class Call:
    """A tool's name and its arguments."""

    name: str
    arguments: dict[str, str]

    def to_json(self) -> str:
        """On one line, without white space."""
        values = {"name": self.name, "arguments": self.arguments}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def call_request(
    question: str,
    constrained: bool,
    seed: int | None = None,
    temperature: float = 0.0,
    complaint: str = "",
    tools: Toolbox = TOOLS,
    examples: Sequence[Example] = (),
) -> GenerationRequest:
    """What asks the model for a call.

    Args:
        question: the visitor's.
        constrained: hold the model to the schema.
        seed, temperature: see SamplingSettings.
        complaint: what was wrong with the call before, in English, if this is a second try.
        tools: those that may be called.
        examples: what the prompt shows, the nearest last; chosen by their words if there are none.
    """
    shown = examples or nearest(question, tools)
    offered = {example.tool: tools[example.tool] for example in reversed(shown)}
    sampling = SamplingSettings(
        temperature=temperature,
        max_new_tokens=_TOKENS,
        seed=seed,
        stop=("\n",),
        json_schema=call_schema(offered, question) if constrained else None,
    )
    return GenerationRequest(prompt=call_prompt(question, shown, complaint, offered), sampling=sampling)


def call_prompt(question: str, examples: Sequence[Example], complaint: str = "", tools: Toolbox = TOOLS) -> str:
    """The tools, the examples, and the question after them.

    A call stands on a line of its own: after a space the tokens would be others than those in the examples.
    """
    shown = [f"Question: {one.question}\nCall:\n{Call(one.tool, dict(one.arguments)).to_json()}\n" for one in examples]
    head = "Each question is answered by one tool call: " + "; ".join(f"{t.name}: {t.purpose}" for t in tools.values())
    hint = f"The last call was wrong: {complaint}\n" if complaint else ""
    return "\n".join([f"{head}.\n", *shown, f"{hint}Question: {' '.join(question.split())}\nCall:\n"])


def answer_request(
    question: str, call: Call, result: str, seed: int | None = None, tools: Toolbox = TOOLS
) -> GenerationRequest:
    """What asks the model to say the result in a sentence, or to answer by itself when no tool was called."""
    if call.name == NO_TOOL:
        own = SamplingSettings(temperature=0, max_new_tokens=120, seed=seed, repetition_penalty=1.1)
        return GenerationRequest(messages=(Message("user", question),), sampling=own)
    shown = ""
    if example := tools[call.name].answered:
        asked, given, said = example
        shown = f"Question: {asked}\nResult of {call.name}: {given}\nAnswer: {said}\n\n"
    prompt = (
        "Question: What is 12 times 34?\nResult of calculate: 408\nAnswer: 12 times 34 is 408.\n\n"
        "Question: How warm is it in Oslo today?\nResult of weather: 4 °C, cloudy in Oslo (invented)\n"
        "Answer: It is 4 °C and cloudy in Oslo (invented).\n\n"
        f"{shown}Question: {' '.join(question.split())}\nResult of {call.name}: {result}\nAnswer:"
    )
    sampling = SamplingSettings(temperature=0, max_new_tokens=60, seed=seed, stop=("\n",))
    return GenerationRequest(prompt=prompt, sampling=sampling)


def call_schema(tools: Toolbox = TOOLS, question: str = "") -> str:
    """The JSON schema of any call; with a question, what is copied or quoted can only be words of it."""
    return json.dumps({"anyOf": [
        _closed({"name": {"const": tool.name}, "arguments": _closed(_arguments(tool, question))})
        for tool in tools.values()
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


async def run_call(call: Call, tools: Toolbox = TOOLS) -> Result:
    """The tool's result. Raises ToolFailed: its own reasons, or no result in time."""
    tool = tools[call.name]
    try:
        async with asyncio.timeout(tool.seconds):
            found = await tool.run(**call.arguments)
    except TimeoutError:
        raise ToolFailed(Phrase("tool_late", seconds=tool.seconds)) from None
    return found if isinstance(found, Result) else Result(found)


def complaint_of(problem: errors.DemystifyError) -> str:
    """What was wrong, in English, for the model."""
    return str(problem.params["reason"]) if "reason" in problem.params else str(problem)


def _closed(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _arguments(tool: Tool, question: str) -> dict[str, object]:
    found: dict[str, object] = dict(tool.properties)
    for name, most in tool.copied.items():
        if allowed := _passages(question, most, str(tool.properties[name]["pattern"])):
            found[name] = {"enum": allowed}
    for name, options in tool.named.items():
        if here := [option for option, pattern in options.items() if re.search(pattern, question, re.IGNORECASE)]:
            found[name] = {"enum": here}
    for name, pattern in tool.quoted.items():
        quote = re.search(pattern, question)
        if quote and re.fullmatch(str(tool.properties[name]["pattern"]), quote[0]):
            found[name] = {"const": quote[0]}
    return found


def _passages(question: str, most: int, pattern: str) -> list[str]:
    """Words of the question in a row, up to so many, if the pattern of the argument allows them."""
    found: dict[str, None] = {}
    words = question.split()
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + most) + 1):
            passage = " ".join(words[start:end]).strip(" .,!?:;()'“”‘’\"")
            if re.fullmatch(pattern, passage):
                found[passage] = None
    return list(found)
