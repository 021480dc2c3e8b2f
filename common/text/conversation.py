"""Conversations in which nothing is lost: a tree of turns, of which one path is on screen.

Editing a question, asking for another answer or going on from an earlier turn starts a new branch; the old one stays.
Also the JSON form in which conversations are kept in the browser, exported and imported; what comes back from there
is checked, since anybody can write it. Knows nothing about models or pages.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, cast

from common import errors
from common.errors import Phrase
from common.text.engine import Message, Role

FORMAT = "demystify-conversation"
MAX_TURNS = 400
MAX_CHARS = 400_000
MAX_CONVERSATIONS = 30


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; ``parent`` is the turn before it, None for the first."""

    id: int
    parent: int | None
    role: Role
    content: str


@dataclass(slots=True)
class Conversation:
    """A tree of turns and the turn one is at (``leaf``; None before the first)."""

    id: str = field(default_factory=lambda: secrets.token_hex(6))
    system: str = ""
    turns: list[Turn] = field(default_factory=list)
    leaf: int | None = None

    def path(self) -> list[Turn]:
        """The turns from the first to the leaf."""
        path: list[Turn] = []
        at = self.leaf
        while at is not None:
            path.append(self.turns[at])
            at = self.turns[at].parent
        return path[::-1]

    def messages(self) -> tuple[Message, ...]:
        """The path as a chat template takes it, the system prompt first when there is one."""
        system = (Message("system", self.system),) if self.system else ()
        return system + tuple(Message(turn.role, turn.content) for turn in self.path())

    def add(self, role: Role, content: str) -> int:
        """Append a turn after the leaf and move there. Raises InvalidInput when the conversation is full."""
        if len(self.turns) >= MAX_TURNS:
            raise errors.InvalidInput(field="conversation", allowed=Phrase("turns_at_most", limit=MAX_TURNS))
        self.turns.append(Turn(len(self.turns), self.leaf, role, content))
        self.leaf = len(self.turns) - 1
        return self.leaf

    def replace_last(self, content: str) -> None:
        """Set the text of the leaf (an answer that is still growing)."""
        if self.leaf is not None:
            old = self.turns[self.leaf]
            self.turns[self.leaf] = Turn(old.id, old.parent, old.role, content)

    def drop_last(self) -> None:
        """Take the newest turn away and step back to its parent (an answer that never came)."""
        gone = self.turns.pop()
        if self.leaf == gone.id:
            self.leaf = gone.parent

    def go_to(self, turn: int | None) -> None:
        """Make ``turn`` the leaf; what is added next starts a branch there."""
        if turn is not None and not 0 <= turn < len(self.turns):
            raise errors.InvalidInput(
                field="turn", allowed=Phrase("whole_between", minimum=0, maximum=len(self.turns) - 1)
            )
        self.leaf = turn

    def ends(self) -> list[int]:
        """The last turn of every branch, oldest first."""
        parents = {turn.parent for turn in self.turns}
        return [turn.id for turn in self.turns if turn.id not in parents]

    def end_below(self, turn: int) -> int:
        """The newest end that can be reached from ``turn``."""
        for end in reversed(self.ends()):
            at: int | None = end
            while at is not None and at != turn:
                at = self.turns[at].parent
            if at == turn:
                return end
        return turn

    @property
    def title(self) -> str:
        """The beginning of the first question."""
        first = next((turn.content for turn in self.turns if turn.role == "user"), "")
        words = " ".join(first.split())
        return words if len(words) <= 42 else words[:41] + "…"

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "format": FORMAT,
            "version": 1,
            "id": self.id,
            "system": self.system,
            "leaf": self.leaf,
            "turns": [{"parent": turn.parent, "role": turn.role, "content": turn.content} for turn in self.turns],
        }


def from_json(values: Any) -> Conversation:
    """Read what ``to_json`` wrote, or anybody who says so.

    Raises:
        InvalidFile: not our format, a turn that comes before its parent, or too large.
    """
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise errors.InvalidFile(reason=Phrase("no_conversation"))
    rows, leaf = values.get("turns"), values.get("leaf")
    if not isinstance(rows, list) or len(rows) > MAX_TURNS:
        raise errors.InvalidFile(reason=Phrase("too_many_turns", limit=MAX_TURNS))
    turns: list[Turn] = []
    for index, row in enumerate(rows):
        turns.append(_turn(index, row))
    system, name = values.get("system", ""), values.get("id", "")
    if not isinstance(system, str) or not isinstance(name, str) or len(name) > 40:
        raise errors.InvalidFile(reason=Phrase("wrong_type"))
    if sum(len(turn.content) for turn in turns) + len(system) > MAX_CHARS:
        raise errors.InvalidFile(reason=Phrase("too_long"))
    if not (leaf is None or (type(leaf) is int and 0 <= leaf < len(turns))):
        raise errors.InvalidFile(reason=Phrase("turn_missing"))
    return Conversation(id=name or secrets.token_hex(6), system=system, turns=turns, leaf=leaf)


def _turn(index: int, row: Any) -> Turn:
    if not isinstance(row, dict):
        raise errors.InvalidFile(reason=Phrase("turn_malformed"))
    parent, role, content = row.get("parent"), row.get("role"), row.get("content")
    if role not in ("user", "assistant") or not isinstance(content, str):
        raise errors.InvalidFile(reason=Phrase("turn_malformed"))
    if not (parent is None or (type(parent) is int and 0 <= parent < index)):
        raise errors.InvalidFile(reason=Phrase("turn_before_parent"))
    return Turn(index, parent, cast(Role, role), content)


def loads(text: str) -> Conversation:
    """Read an exported file. Raises InvalidFile."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise errors.InvalidFile(reason=Phrase("not_json")) from problem
    return from_json(values)


@dataclass(slots=True)
class Shelf:
    """All conversations of one browser; there is always a current one."""

    conversations: list[Conversation] = field(default_factory=lambda: [Conversation()])
    current_id: str = ""

    @property
    def current(self) -> Conversation:
        """The conversation on screen."""
        return next((c for c in self.conversations if c.id == self.current_id), self.conversations[-1])

    def start_new(self) -> Conversation:
        """Put an empty conversation on top; the oldest one leaves a full shelf only if it is empty.

        Raises:
            InvalidInput: the shelf is full.
        """
        self.conversations = [c for c in self.conversations if c.turns]
        return self.put(Conversation())

    def put(self, conversation: Conversation) -> Conversation:
        """Add a conversation and make it the current one. Raises InvalidInput when the shelf is full."""
        if len(self.conversations) >= MAX_CONVERSATIONS:
            raise errors.InvalidInput(
                field="conversations", allowed=Phrase("conversations_at_most", limit=MAX_CONVERSATIONS)
            )
        if any(c.id == conversation.id for c in self.conversations):
            conversation.id = secrets.token_hex(6)
        self.conversations.append(conversation)
        self.current_id = conversation.id
        return conversation

    def remove_current(self) -> None:
        """Take the current conversation off the shelf."""
        gone = self.current.id
        self.conversations = [c for c in self.conversations if c.id != gone] or [Conversation()]
        self.current_id = self.conversations[-1].id

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"current": self.current_id, "conversations": [c.to_json() for c in self.conversations]}


def shelf_from_json(values: Any) -> Shelf:
    """The shelf a browser kept; an empty one for a first visit. Raises InvalidFile."""
    if not isinstance(values, dict) or not values.get("conversations"):
        return Shelf()
    rows = values["conversations"]
    if not isinstance(rows, list) or len(rows) > MAX_CONVERSATIONS:
        raise errors.InvalidFile(reason=Phrase("too_long"))
    return Shelf([from_json(row) for row in rows], str(values.get("current", "")))
