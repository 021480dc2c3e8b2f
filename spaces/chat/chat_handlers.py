"""What the Chat tab does: answer, branch, keep, import, and show what the model really sees. The layout is chat_tab.py.

A visitor's conversations arrive from their browser with every event and go back there; the server keeps none.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from chat_page import ChatPage, check_length, sampling_settings

from common import errors
from common.config import settings
from common.text.conversation import Conversation, Shelf, loads, shelf_from_json
from common.text.engine import (
    Finished,
    GenerationRequest,
    Message,
    PromptRead,
    SamplingSettings,
    TextEngine,
    TokenBundle,
)
from common.ui.components import (
    chips_html,
    figures_html,
    from_safe_markdown,
    meter_html,
    safe_markdown,
    token_chip,
)
from common.ui.i18n import number, text
from common.ui.page import language_of_visit
from common.ui.streams import StopSignals

_IMPORT_BYTES = 2_000_000
_MESSAGES_EXAMPLE = '[{"role": "user", "content": "…"}]'


class ChatTab:
    """The handlers of the tab. ``self.shown`` lists the components that ``_show`` fills, in its order."""

    def __init__(self, page: ChatPage) -> None:
        self._models, self._own = page.models, page.own
        self._stops = StopSignals()

    # -- what the screen shows of a shelf -----------------------------------------------------------------------

    def _show(self, lang: str, shelf: Shelf) -> tuple[Any, ...]:
        """Updates for: shelf store, chatbot, conversations, branches, earlier turns, system prompt."""
        talk = shelf.current
        shelf.current_id = talk.id
        names = [(c.title or text(lang, "chat.untitled"), c.id) for c in reversed(shelf.conversations)]
        ends = talk.ends()
        branches = [
            (text(lang, "chat.branch_n", n=n, text=_short(talk.turns[end].content)), end)
            for n, end in enumerate(ends, 1)
        ]
        here = talk.path()
        turns = [
            (text(lang, "chat.turn_n", n=n, text=_short(turn.content)), turn.id)
            for n, turn in enumerate((t for t in here if t.role == "assistant"), 1)
        ]
        return (
            shelf.to_json(),
            _bubbles(talk),
            gr.update(choices=names, value=talk.id),
            gr.update(choices=branches, value=talk.leaf if talk.leaf in ends else None, visible=len(ends) > 1),
            gr.update(choices=turns, value=None, visible=len(turns) > 1),
            talk.system if talk.turns else gr.skip(),
        )

    # -- generating ---------------------------------------------------------------------------------------------

    async def send(
        self,
        lang: str,
        stored: Any,
        message: str,
        system: str,
        temperature: Any,
        top_p: Any,
        longest: Any,
        seed: Any,
        penalty: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Add the visitor's message and stream the answer."""
        shelf, sampling = self._asked(stored, message, system, temperature, top_p, longest, seed, penalty)
        async for update in self._answer(lang, shelf, sampling, request.session_hash):
            yield ("", *update)

    def _asked(
        self,
        stored: Any,
        message: str,
        system: str,
        temperature: Any,
        top_p: Any,
        longest: Any,
        seed: Any,
        penalty: Any,
    ) -> tuple[Shelf, SamplingSettings]:
        """The shelf with the visitor's message in it, and how to answer it. Raises what the checks raise."""
        check_length(message)
        sampling = sampling_settings(temperature, top_p, longest, seed, repetition_penalty=penalty)
        shelf = shelf_from_json(stored)
        shelf.current.system = _checked_system(system)
        shelf.current.add("user", message.strip())
        return shelf, sampling

    async def again(
        self,
        lang: str,
        stored: Any,
        system: str,
        temperature: Any,
        top_p: Any,
        longest: Any,
        seed: Any,
        penalty: Any,
        event: gr.RetryData,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Another answer to the same question, as a new branch."""
        sampling = sampling_settings(temperature, top_p, longest, seed, repetition_penalty=penalty)
        shelf = shelf_from_json(stored)
        shelf.current.system = _checked_system(system)
        path = shelf.current.path()
        place = min(int(event.index) if isinstance(event.index, int) else len(path) - 1, len(path) - 1)
        question = next((turn for turn in reversed(path[: place + 1]) if turn.role == "user"), None)
        if question is None:
            raise errors.EmptyPrompt()
        shelf.current.go_to(question.id)
        async for update in self._answer(lang, shelf, sampling, request.session_hash):
            yield ("", *update)

    async def edit(
        self,
        lang: str,
        stored: Any,
        system: str,
        temperature: Any,
        top_p: Any,
        longest: Any,
        seed: Any,
        penalty: Any,
        event: gr.EditData,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Ask an earlier question differently: a new branch from there."""
        sampling = sampling_settings(temperature, top_p, longest, seed, repetition_penalty=penalty)
        shelf = shelf_from_json(stored)
        shelf.current.system = _checked_system(system)
        path = shelf.current.path()
        place = event.index if isinstance(event.index, int) else event.index[0]
        if not 0 <= place < len(path):
            raise errors.InvalidInput(
                field="turn", allowed=errors.Phrase("whole_between", minimum=0, maximum=len(path) - 1)
            )
        message = check_length(from_safe_markdown(str(event.value)))
        shelf.current.go_to(path[place].parent)
        shelf.current.add("user", message.strip())
        async for update in self._answer(lang, shelf, sampling, request.session_hash):
            yield ("", *update)

    async def _answer(
        self, lang: str, shelf: Shelf, sampling: SamplingSettings, session: str | None
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Stream an answer to the current path: (shelf, chatbot, …, figures, meter) updates.

        While tokens arrive only the chat and the figures change; everything else is written once, at the end.
        """
        engine = await self._engine(session)
        talk = shelf.current
        messages = talk.messages()
        talk.add("assistant", "")
        answer, used_seed, prompt_tokens, arrived, first = "", 0, 0, 0, 0.0
        # What will be said has its room: a page that gets shorter moves what is on the screen, Stop among it.
        yield (*self._show(lang, shelf), _unseen(_figures(lang, 1.0, 0.0, 0, 0)), _unseen(_context(lang, 0, 1)))
        finished: Finished | None = None
        limit = (await engine.info()).context
        request = GenerationRequest(messages=messages, sampling=sampling)
        try:
            async with contextlib.aclosing(self._stops.watch(session, engine.stream(request))) as events:
                async for event in events:
                    if isinstance(event, PromptRead):
                        used_seed, prompt_tokens = event.seed, event.tokens
                    elif isinstance(event, TokenBundle):
                        answer += "".join(token.text for token in event.tokens if not token.special)
                        arrived += len(event.tokens)
                        first = first or event.seconds
                        talk.replace_last(answer)
                        speed = (arrived - 1) / (event.seconds - first) if event.seconds > first else 0.0
                        figures = _figures(lang, speed, first, arrived, used_seed)
                        yield (gr.skip(), _bubbles(talk), *_skip(4), figures, gr.skip())
                    else:
                        finished = event
        except errors.DemystifyError:
            if not answer:  # the question stays, ready to be asked again
                talk.drop_last()
            yield (*self._show(lang, shelf), "", "")
            raise
        how = "chat.stopped" if finished is None else "chat.cut" if finished.reason == "length" else "chat.done"
        if finished is not None:
            first, speed = finished.first_token, finished.tokens_per_second
            figures = _figures(lang, speed, first, arrived, used_seed, text(lang, how))
        else:
            figures = _figures(lang, 0.0, first, arrived, used_seed, text(lang, how))
        yield (*self._show(lang, shelf), figures, _context(lang, prompt_tokens + arrived, limit))

    async def _engine(self, session: str | None) -> TextEngine:
        """The model that this page talks with: the visitor's own, if its address named one."""
        own = await self._own.engine(session) if self._own else None
        return own or self._models.engine()

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's running answer; what has come stays."""
        self._stops.stop(request.session_hash)

    # -- the shelf ----------------------------------------------------------------------------------------------

    def restore(self, lang: str, stored: Any, request: gr.Request) -> tuple[Any, ...]:
        """Show what this browser kept, when the page opens."""
        return self._show(language_of_visit(request), shelf_from_json(stored))

    def relabel(self, lang: str, stored: Any) -> tuple[Any, ...]:
        """The three lists in another language; what was typed stays."""
        return self._show(lang, shelf_from_json(stored))[2:5]

    def new(self, lang: str, stored: Any) -> tuple[Any, ...]:
        """Start an empty conversation."""
        shelf = shelf_from_json(stored)
        system = shelf.current.system
        shelf.start_new().system = system
        return (*self._show(lang, shelf), "", "")

    def delete(self, lang: str, stored: Any) -> tuple[Any, ...]:
        """Remove the conversation on screen."""
        shelf = shelf_from_json(stored)
        shelf.remove_current()
        return (*self._show(lang, shelf), "", "")

    def choose(self, lang: str, stored: Any, which: str) -> tuple[Any, ...]:
        """Show another conversation."""
        shelf = shelf_from_json(stored)
        shelf.current_id = str(which)
        return (*self._show(lang, shelf), "", "")

    def branch(self, lang: str, stored: Any, turn: int | None) -> tuple[Any, ...]:
        """Show the branch that ends at a turn, or go on from an earlier one."""
        shelf = shelf_from_json(stored)
        shelf.current.go_to(turn)
        return (*self._show(lang, shelf), "", "")

    def undo(self, lang: str, stored: Any) -> tuple[Any, ...]:
        """Step back before the last question and put it into the box; the branch stays."""
        shelf = shelf_from_json(stored)
        question = next((turn for turn in reversed(shelf.current.path()) if turn.role == "user"), None)
        if question is None:
            return (gr.skip(), *_skip(6))
        shelf.current.go_to(question.parent)
        return (question.content, *self._show(lang, shelf))

    def import_(self, lang: str, stored: Any, upload: str | None) -> tuple[Any, ...]:
        """Add a conversation from a file."""
        if upload is None:
            raise errors.InvalidFile(reason=errors.Phrase("none_chosen"))
        path = Path(upload)
        if path.stat().st_size > _IMPORT_BYTES:
            raise errors.InvalidFile(reason=errors.Phrase("too_long"))
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as problem:
            raise errors.InvalidFile(reason=errors.Phrase("not_text")) from problem
        shelf = shelf_from_json(stored)
        shelf.conversations = [c for c in shelf.conversations if c.turns]
        shelf.put(loads(content))
        return (*self._show(lang, shelf), "", "")

    # -- inside views -------------------------------------------------------------------------------------------

    async def sees(self, lang: str, wanted: bool, stored: Any, system: str, request: gr.Request | None = None) -> str:
        """The templated prompt as coloured tokens with ids."""
        if not wanted:
            return ""
        talk = shelf_from_json(stored).current
        talk.system = _checked_system(system)
        messages = talk.messages()
        if not talk.path():
            return chips_html([], empty=text(lang, "chat.no_view"))
        closed = messages[-1].role == "assistant"
        engine = await self._engine(request.session_hash if request else None)
        tokens = await engine.tokenize(GenerationRequest(messages=messages, continue_last=closed))
        chips = [token_chip(token, show_id=True, kind="prompt") for token in tokens]
        hint = f'<p class="quiet">{text(lang, "chat.sees_hint")}</p>'
        return hint + chips_html(chips, clickable=False)

    async def api(
        self,
        messages: list[dict[str, str]],
        temperature: float = 0.7,
        top_p: float = 0.95,
        max_new_tokens: int = 200,
        seed: int | None = None,
        repetition_penalty: float = 1.1,
    ) -> AsyncIterator[str]:
        """Send a conversation, get the answer so far again and again until it is complete.

        Args:
            messages: [{"role": "system" | "user" | "assistant", "content": "…"}, …], the last one from the user.
            temperature: 0 (always the likeliest token) to 2.
            top_p: 0.05 to 1.
            max_new_tokens: longest answer in tokens.
            seed: same seed, same answer; empty for a new one.
            repetition_penalty: 1 (off) to 2.
        """
        sampling = sampling_settings(temperature, top_p, max_new_tokens, seed, repetition_penalty=repetition_penalty)
        talk = _read_messages(messages)
        answer = ""
        async with contextlib.aclosing(
            self._models.engine().stream(GenerationRequest(messages=talk, sampling=sampling))
        ) as events:
            async for event in events:
                if isinstance(event, TokenBundle):
                    answer += "".join(token.text for token in event.tokens if not token.special)
                    yield answer


def _bubbles(talk: Conversation) -> list[dict[str, Any]]:
    return [{"role": turn.role, "content": safe_markdown(turn.content) or "…"} for turn in talk.path()]


def _short(content: str) -> str:
    words = " ".join(content.split())
    return words if len(words) <= 40 else words[:39] + "…"


def _skip(count: int) -> list[Any]:
    return [gr.skip()] * count


def _checked_system(system: str | None) -> str:
    limit = settings().max_prompt_chars
    if len(system or "") > limit:
        raise errors.InvalidInput(field="system", allowed=errors.Phrase("letters_at_most", limit=limit))
    return (system or "").strip()


def _read_messages(rows: Any) -> tuple[Message, ...]:
    """Messages from the API. Raises InvalidInput, EmptyPrompt."""
    if not isinstance(rows, list) or not rows:
        raise errors.EmptyPrompt()
    messages: list[Message] = []
    for row in rows:
        good = isinstance(row, dict) and row.get("role") in ("system", "user", "assistant")
        if not good or not isinstance(row.get("content"), str):
            raise errors.InvalidInput(field="messages", allowed=errors.Phrase("list_like", example=_MESSAGES_EXAMPLE))
        messages.append(Message(row["role"], row["content"]))
    check_length(messages[-1].content)
    return tuple(messages)


def _figures(lang: str, speed: float, first: float, length: int, seed: int, how: str = "") -> str:
    """The key figures of an answer."""
    rows = [
        (f"{number(lang, first, 2)} s", text(lang, "chat.first")),
        (number(lang, length), text(lang, "chat.length") + (f" · {how}" if how else "")),
    ]
    if speed:
        rows.insert(0, (number(lang, speed, 1), text(lang, "chat.speed")))
    rows.append((str(seed), text(lang, "chat.used_seed")))
    return figures_html(rows)


def _unseen(html: str) -> str:
    return f'<div class="idle">{html}</div>'


def _context(lang: str, used: int, limit: int) -> str:
    if not limit:
        return meter_html(0, text(lang, "chat.context_unknown", used=number(lang, used)))
    label = text(lang, "chat.context", used=number(lang, used), limit=number(lang, limit))
    return meter_html(used / limit, label)
