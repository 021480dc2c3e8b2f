"""Two answers in the Chat tab: the preferred one goes on, the other is a branch, both are kept for the Align tab."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from chat_choice import ChoiceTab

from common.config import LANGUAGES
from common.text.conversation import Conversation, Shelf, shelf_from_json
from common.text.engines.process import ProcessEngine
from common.training.pairs import Pair, from_jsonl
from common.ui.errors import guarded
from common.ui.i18n import text

CONTROLS = ("Be brief.", 0.9, 0.95, 12, 7, 1.0)
REQUEST: Any = SimpleNamespace(session_hash="one")


@pytest.fixture
def tab(engine: ProcessEngine) -> ChoiceTab:
    page: Any = SimpleNamespace(models=SimpleNamespace(engine=lambda: engine), own=None)
    return ChoiceTab(page)


def _send(tab: ChoiceTab, wanted: bool, stored: Any, message: str) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        handler = guarded(tab.send_one_or_two)("en", wanted, stored, message, *CONTROLS, REQUEST)
        return [update async for update in handler]

    return asyncio.run(collect())


def _asked() -> Conversation:
    talk = Conversation(system="Be brief.")
    for role, content in (("user", "Hi"), ("assistant", "Hello"), ("user", "And now?")):
        talk.add(role, content)  # type: ignore[arg-type]
    return talk


@pytest.mark.slow
def test_two_answers_are_written_at_once_and_one_goes_on(tab: ChoiceTab) -> None:
    updates = _send(tab, True, None, "Who are you?")
    first, last = updates[0], updates[-1]
    assert {len(update) for update in updates} == {14}
    assert first[9]["visible"] and not first[12]["interactive"] and last[12]["interactive"] and last[13]["interactive"]
    a, b = last[10:12]
    assert a.strip() and b.strip() and a != b
    assert [turn.role for turn in shelf_from_json(first[1]).current.path()] == ["user"]  # no answer before the choice
    kept, count, save, stored, *_ = guarded(tab.choose_answer)("en", first[1], "", False, a, b)
    before = (("system", "Be brief."),)
    assert from_jsonl(kept) == [Pair("Who are you?", b.strip(), a.strip(), before)]
    assert text("en", "chat.choices", count="1") in count and save["visible"]
    assert shelf_from_json(stored).current.path()[-1].content == b.strip()
    assert len(shelf_from_json(stored).current.ends()) == 2
    single = _send(tab, False, stored, "And what else?")
    assert len(single[-1]) == 14 and single[-1][9]["visible"] is False
    assert len(shelf_from_json(single[-1][1]).current.path()) == 4


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_said_before_is_kept_with_the_choice(tab: ChoiceTab, lang: str) -> None:
    stored = Shelf([_asked()]).to_json()
    kept, *_ = guarded(tab.choose_answer)(lang, stored, "", True, "Yes", "No")
    (pair,) = from_jsonl(kept)
    assert pair == Pair("And now?", "Yes", "No", (("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")))
    again, *_ = guarded(tab.choose_answer)(lang, stored, kept, False, "Yes", "No")
    assert [one.chosen for one in from_jsonl(again)] == ["Yes", "No"]
    assert tab.count(lang, "") == ("", gr.update(visible=False))


@pytest.mark.parametrize(("a", "b"), [("", ""), ("same", "same"), ("one", " ")])
def test_there_must_be_two_answers(tab: ChoiceTab, a: str, b: str) -> None:
    with pytest.raises(gr.Error, match="two different answers"):
        guarded(tab.choose_answer)("en", Shelf([_asked()]).to_json(), "", True, a, b)
    with pytest.raises(gr.Error, match="two different answers"):
        guarded(tab.choose_answer)("en", None, "", True, "a", "b")
