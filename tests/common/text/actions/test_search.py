"""The search in a visitor's documents as a tool: the best passage, or that there is none."""

from __future__ import annotations

import asyncio
import re

import pytest

from common.text.actions.calling import Call, call_schema, run_call
from common.text.actions.search import NAME, search_tool
from common.text.actions.tool import ToolFailed
from common.text.engines.json_pattern import json_pattern
from tests.common.text.retrieval.test_retrieval import index


def _search(query: str, *texts: str) -> str:
    found = index(*texts)
    list(found.embed())
    return asyncio.run(run_call(Call(NAME, {"query": query}), {NAME: search_tool(found)})).words


def test_the_best_passage_comes_with_its_document() -> None:
    assert (
        _search("when is it open", "The shop is open at nine.", "Bread is baked here.")
        == "The shop is open at nine. (D)"
    )


def test_a_long_passage_ends_at_a_word() -> None:
    found = _search("open", "open " + "word " * 200)
    assert found.endswith("word … (D)") and len(found) < 420


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ToolFailed) as problem:
        _search("zebras", "Apples are red.", "Bread is baked here.")
    assert problem.value.params["reason"].key == "nothing_found"


def test_its_examples_are_calls_that_the_schema_allows() -> None:
    tool = search_tool(index("A text."))
    pattern = json_pattern(call_schema({NAME: tool}))
    assert all(re.fullmatch(pattern, Call(NAME, dict(values)).to_json()) for _, values in tool.examples)
