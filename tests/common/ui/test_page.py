"""What a page asks the server for when its language changes: one request for all its parts."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from common.errors import InvalidInput
from common.ui.errors import guarded
from common.ui.page import Parts, page_frame

VISIT: Any = SimpleNamespace(session_hash="abc")


def _updates(parts: Parts, lang: str, *values: Any) -> Any:
    return asyncio.run(parts.updates(VISIT, lang, *values))


def test_every_part_gets_its_own_values_and_the_outputs_keep_their_order() -> None:
    async def two(lang: str, number: int, other: int) -> tuple[str, str]:
        return f"{lang} {number}", f"{other}"

    def who(lang: str, request: gr.Request) -> str:
        return f"{lang} {request.session_hash}"

    parts: list[Any] = [(two, ["a", "b"], ["x", "y"]), (who, [], ["z"]), (lambda lang, c: c, ["c"], ["w"])]
    gathered = Parts(parts)
    assert gathered.inputs == ["a", "b", "c"] and gathered.outputs == ["x", "y", "z", "w"]
    assert _updates(gathered, "de", 1, 2, 3) == ["de 1", "2", "de abc", 3]


def test_gradio_wants_a_single_value_bare() -> None:
    assert _updates(Parts([(lambda lang: lang, [], ["x"])]), "fr") == "fr"


def test_a_part_that_fails_says_so_and_the_others_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", said.append)

    def fails(lang: str, value: str) -> str:
        raise InvalidInput(field="seed", allowed="a number")

    gathered = Parts([(guarded(fails), ["a"], ["x", "y"]), (lambda lang: lang, [], ["z"])])
    skipped = gr.skip()
    assert _updates(gathered, "en", "?") == [skipped, skipped, "en"]
    assert len(said) == 1 and "a number" in said[0]


def test_what_comes_in_steps_cannot_follow_the_language() -> None:
    async def steps(lang: str) -> Any:
        yield lang

    with page_frame("chat") as page, pytest.raises(TypeError):
        page.on_language(guarded(steps), [], [])


def test_a_change_of_the_language_is_two_requests_however_many_parts_there_are() -> None:
    """The texts, which come at once, and everything that is drawn anew."""

    def listeners(count: int, on_visit: bool = False) -> tuple[int, int]:
        with page_frame("chat") as page:
            for _ in range(count):
                page.on_language(lambda lang: lang, [], [gr.HTML()], on_visit=on_visit)
        told = [event.targets for event in page.demo.fns.values()]
        changes = sum((page.lang._id, "change") in targets for targets in told)
        return changes, sum((page.demo._id, "load") in targets for targets in told)

    assert listeners(0) == (1, 1)
    assert listeners(1) == listeners(20) == (2, 1)
    assert listeners(20, on_visit=True) == (2, 2)
