"""Errors read well without the UI and travel between processes; the code words them only through the tables."""

from __future__ import annotations

import ast
import io
import pickle
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import errors
from common.errors import PHRASES, DemystifyError, Phrase
from common.text.engines.frames import read_frame, write_frame

ROOT = Path(__file__).resolve().parents[2]
# A recipe speaks to the one who runs it in a terminal, not to a visitor.
CODE = [
    path
    for folder in ("common", "spaces")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "recipes" not in path.parts
]
# The parameters of errors that are words; all others are names, numbers, addresses and commands.
WORDED = {"reason", "what", "allowed"}
EXAMPLES = [
    errors.EmptyPrompt(),
    errors.PromptTooLong(tokens=9000, limit=8191),
    errors.ModelUnavailable(model="m", reason=Phrase("hub_unreachable")),
    errors.RemoteServerError(
        address="http://a:1", reason=Phrase("server_failed_saying", status=503, message="loading {x}")
    ),
    errors.InvalidInput(field="temperature", allowed=Phrase("number_between", minimum=0, maximum=2.5)),
    errors.InvalidInput(field="columns", allowed="≤ 3"),
]


def _kinds(kind: type[DemystifyError] = DemystifyError) -> Iterator[type[DemystifyError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_a_log_reads_a_whole_sentence() -> None:
    assert str(EXAMPLES[2]) == (
        "The model m cannot be loaded (the model hub cannot be reached): "
        "check the connection, or choose the built-in model."
    )
    assert "it failed with status 503: loading {x})" in str(EXAMPLES[3])
    assert str(EXAMPLES[4]).endswith("Allowed: a number from 0 to 2.5.")


@pytest.mark.parametrize("problem", EXAMPLES, ids=str)
def test_an_error_survives_the_pipe_and_the_pickle(problem: DemystifyError) -> None:
    pipe = io.BytesIO()
    write_frame(pipe, {"kind": "error", "id": 1, **problem.to_json()})
    pipe.seek(0)
    frame = read_frame(pipe)
    assert frame is not None
    for arrived in (errors.from_json(frame[0]), pickle.loads(pickle.dumps(problem))):
        assert type(arrived) is type(problem)
        assert str(arrived) == str(problem)
        assert arrived.to_json() == problem.to_json()


def _calls(names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """The calls of these names anywhere in the code, each with where it is."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _name(call: ast.Call) -> str:
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _strings(node: ast.AST) -> Iterator[str]:
    """The literal strings in an expression, those inside a Phrase or naming what is taken from elsewhere left out."""
    if isinstance(node, ast.Subscript) or (isinstance(node, ast.Call) and _name(node) == "Phrase"):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


def test_words_in_errors_are_phrases() -> None:
    """What is written out as text would stay English on every page; signs and numbers need no translation."""
    calls = list(_calls({kind.__name__ for kind in _kinds()}))
    assert len(calls) > 40, "the errors are raised under other names now: this test sees nothing"
    loose = [
        (place, text)
        for place, call in calls
        for keyword in call.keywords
        if keyword.arg in WORDED
        for text in _strings(keyword.value)
        if re.search(r"[^\W\d_]{2}", text)
    ]
    assert not loose, "give these a key in common.errors.PHRASES and the translations"


def test_every_phrase_in_the_code_is_in_the_table_with_its_parameters() -> None:
    used: set[str] = set()
    for place, call in _calls({"Phrase"}):
        keys = list(_strings(call.args[0]))
        if any(keyword.arg is None for keyword in call.keywords):  # from_json puts any of them together again
            continue
        assert keys, f"{place}: the key must be written out, or nothing can check it"
        for key in keys:
            assert key in PHRASES, f"{place}: {key}"
            assert {keyword.arg for keyword in call.keywords} == _placeholders(PHRASES[key]), f"{place}: {key}"
        used.update(keys)
    assert used == set(PHRASES), "no code says these"
