"""Conversations: nothing is lost, and nothing wrong comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common import errors
from common.text.conversation import MAX_CONVERSATIONS, Conversation, Shelf, from_json, loads, shelf_from_json
from common.text.engine import Message


class Talking(RuleBasedStateMachine):
    """Whatever a visitor does, every turn ever made can still be reached."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Conversation(system="Be brief.")
        self.said: list[str] = []

    @rule(content=st.text(max_size=10))
    def say(self, content: str) -> None:
        role = "assistant" if self.talk.path() and self.talk.path()[-1].role == "user" else "user"
        self.talk.add(role, content)  # type: ignore[arg-type]
        self.said.append(content)

    @precondition(lambda self: self.talk.turns)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        self.talk.go_to(data.draw(st.sampled_from([None, *range(len(self.talk.turns))])))

    @precondition(lambda self: self.talk.turns)
    @rule(data=st.data())
    def to_a_branch(self, data: st.DataObject) -> None:
        self.talk.go_to(data.draw(st.sampled_from(self.talk.ends())))

    @invariant()
    def every_turn_is_on_some_branch(self) -> None:
        here = self.talk.leaf
        seen: set[int] = set()
        for end in self.talk.ends():
            self.talk.go_to(end)
            seen |= {turn.id for turn in self.talk.path()}
        self.talk.go_to(here)
        assert seen == set(range(len(self.said)))
        assert [turn.content for turn in self.talk.turns] == self.said

    @invariant()
    def the_json_form_is_faithful(self) -> None:
        again = loads(json.dumps(self.talk.to_json()))
        assert again == self.talk


TestTalking = Talking.TestCase


def test_messages_begin_with_the_system_prompt() -> None:
    talk = Conversation(system="Be brief.")
    talk.add("user", "Hi")
    assert talk.messages() == (Message("system", "Be brief."), Message("user", "Hi"))


def test_an_answer_that_never_came_leaves_its_question() -> None:
    talk = Conversation()
    question = talk.add("user", "Hi")
    talk.add("assistant", "")
    talk.drop_last()
    assert talk.leaf == question and len(talk.turns) == 1


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {"format": "other"},
        {"format": "demystify-conversation", "turns": "x"},
        {"format": "demystify-conversation", "turns": [{"parent": 0, "role": "user", "content": "own parent"}]},
        {"format": "demystify-conversation", "turns": [{"parent": True, "role": "user", "content": ""}]},
        {"format": "demystify-conversation", "turns": [{"parent": None, "role": "system", "content": ""}]},
        {"format": "demystify-conversation", "turns": [{"parent": None, "role": "user", "content": 3}]},
        {"format": "demystify-conversation", "turns": [], "leaf": 0},
        {"format": "demystify-conversation", "turns": [], "system": 3},
        {"format": "demystify-conversation", "turns": [{"parent": None, "role": "user", "content": "x" * 500_000}]},
        {"format": "demystify-conversation", "turns": [{"parent": None, "role": "user", "content": ""}] * 500},
    ],
)
def test_what_is_no_conversation_is_refused(values: Any) -> None:
    with pytest.raises(errors.InvalidFile):
        from_json(values)


@given(st.text(max_size=50))
def test_any_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(errors.InvalidFile):
        loads(text)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(errors.InvalidFile):
        loads("[" * 200_000)


def test_the_shelf_always_has_a_current_conversation() -> None:
    shelf = Shelf()
    shelf.current.add("user", "one")
    first = shelf.current.id
    shelf.start_new().add("user", "two")
    assert [talk.title for talk in shelf.conversations] == ["one", "two"]
    shelf.remove_current()
    assert shelf.current.id == first
    shelf.remove_current()
    assert shelf.current.turns == []
    assert shelf_from_json(json.loads(json.dumps(shelf.to_json()))).current.turns == []


def test_a_full_shelf_says_so() -> None:
    shelf = Shelf()
    for number in range(MAX_CONVERSATIONS):
        shelf.current.add("user", str(number))
        if number < MAX_CONVERSATIONS - 1:
            shelf.start_new()
    with pytest.raises(errors.InvalidInput):
        shelf.start_new()
    assert len(shelf.conversations) == MAX_CONVERSATIONS


def test_an_imported_copy_gets_its_own_name() -> None:
    shelf = Shelf()
    shelf.current.add("user", "one")
    copy = from_json(shelf.current.to_json())
    shelf.put(copy)
    assert len({talk.id for talk in shelf.conversations}) == 2
