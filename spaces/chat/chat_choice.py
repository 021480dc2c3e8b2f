"""Two answers in the Chat tab, to choose from: A or B goes on with the conversation, and the choice is kept.

The choices are pairs as the Align tab collects them (``common.training.pairs``), in the same place of the visitor's
browser; the server keeps none.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr
from chat_handlers import ChatTab
from chat_page import ChatPage

from common import errors
from common.text.conversation import Shelf, shelf_from_json
from common.text.engine import GenerationRequest, SamplingSettings
from common.text.side_by_side import side_by_side
from common.training.pairs import STORAGE_KEY, kept_pairs, to_jsonl, with_choice
from common.ui.errors import guarded
from common.ui.i18n import number, text

_SIDES = ("a", "b")
# The browser holds the choices, so the browser writes the file.
_SAVE = """(kept) => {
  if (!kept) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([kept], {type: 'application/jsonl'}));
  link.download = 'choices.jsonl';
  link.click();
  URL.revokeObjectURL(link.href);
}"""


@dataclass(frozen=True, slots=True)
class ChoiceParts:
    """The components: the switch, both answers with their buttons, and what was chosen so far.

    Attributes:
        wanted: whether two answers are to be written.
        part: what is shown while there are two.
        answers, better: the two texts, and the button under each.
        kept: all choices as JSON lines, in the browser.
        made: what is shown once there are some.
        count, save: how many there are, and the way to their file.
    """

    wanted: gr.Checkbox
    part: gr.Row
    answers: tuple[gr.Textbox, ...]
    better: tuple[gr.Button, ...]
    kept: gr.BrowserState
    made: gr.Row
    count: gr.HTML
    save: gr.Button

    @property
    def written(self) -> list[Any]:
        """What an answer, or two, changes of it."""
        return [self.part, *self.answers, *self.better]


class ChoiceTab(ChatTab):
    """The handlers of the Chat tab, with a second answer where it is wanted."""

    async def send_one_or_two(
        self,
        lang: str,
        wanted: bool,
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
        """``send``, or two answers to the message, which wait to be chosen from."""
        controls = (system, temperature, top_p, longest, seed, penalty)
        if not wanted:
            async for update in self.send(lang, stored, message, *controls, request):
                yield (*update, gr.update(visible=False), *[gr.skip()] * 4)
            return
        shelf, sampling = self._asked(stored, message, *controls)
        async for update in self._two(lang, shelf, sampling, request.session_hash):
            yield update

    async def _two(
        self, lang: str, shelf: Shelf, sampling: SamplingSettings, session: str | None
    ) -> AsyncIterator[tuple[Any, ...]]:
        engine = await self._engine(session)
        seed = secrets.randbelow(2**31 - 1) if sampling.seed is None else sampling.seed
        first, second = (
            GenerationRequest(messages=shelf.current.messages(), sampling=replace(sampling, seed=one))
            for one in (seed, (seed + 1) % 2**31)
        )
        closed = gr.update(interactive=False)
        yield ("", *self._show(lang, shelf), "", "", gr.update(visible=True), "", "", closed, closed)
        a = b = ""
        written = side_by_side((engine, first), (engine, second))
        try:
            async with contextlib.aclosing(self._stops.watch(session, written)) as both:
                async for a, b in both:
                    yield (*[gr.skip()] * 10, a, b, gr.skip(), gr.skip())
        except errors.DemystifyError:
            yield (*[gr.skip()] * 9, gr.update(visible=False), *[gr.skip()] * 4)
            raise
        opened = gr.update(interactive=True)
        yield (*[gr.skip()] * 10, a, b, opened, opened)

    def choose_answer(self, lang: str, stored: Any, kept: Any, first: bool, a: str, b: str) -> tuple[Any, ...]:
        """Go on with the preferred answer, and keep both; the other one is a branch.

        Raises:
            NothingToChoose: there are no two answers to a question.
        """
        shelf = shelf_from_json(stored)
        talk = shelf.current
        messages = talk.messages()
        if not messages or messages[-1].role != "user":
            raise errors.NothingToChoose()
        before = [(message.role, message.content) for message in messages[:-1]]
        pairs = with_choice(kept, messages[-1].content, (a, b), first, before)
        question = talk.leaf
        for answer in (b, a) if first else (a, b):
            talk.go_to(question)
            talk.add("assistant", answer.strip())
        lines = to_jsonl(pairs)
        hidden = [gr.update(visible=False), "", "", gr.skip(), gr.skip()]
        return (lines, *self.count(lang, lines), *self._show(lang, shelf), "", "", *hidden)

    def count(self, lang: str, kept: Any) -> tuple[str, Any]:
        """How many choices there are, and whether there is something to save."""
        pairs = kept_pairs(kept)
        words = text(lang, "chat.choices", count=number(lang, len(pairs))) if pairs else ""
        return f'<p class="quiet">{escape(words)}</p>' if words else "", gr.update(visible=bool(pairs))


def lay_out(page: ChatPage) -> ChoiceParts:
    """Lay out the switch and, hidden until there are two answers, what to choose from."""
    words = page.words
    kept = gr.BrowserState("", storage_key=STORAGE_KEY, secret="demystify")  # noqa: S106 - hides nothing
    wanted = words(gr.Checkbox, keys={"label": "chat.two"}, value=False, container=False, elem_id="chat-two")
    answers, better = [], []
    with gr.Row(visible=False, elem_id="chat-choice") as part:
        for side in _SIDES:
            with gr.Column(min_width=260):
                answers.append(
                    words(
                        gr.Textbox,
                        keys={"label": f"prefer.answer_{side}"},
                        lines=4,
                        max_lines=10,
                        interactive=False,
                        elem_id=f"chat-{side}",
                    )
                )
                better.append(words(gr.Button, keys={"value": f"prefer.better_{side}"}, elem_id=f"chat-better-{side}"))
    with gr.Row(visible=False) as made:
        count = gr.HTML("", elem_id="chat-choices", padding=False, min_width=260)
        save = words(
            gr.Button, keys={"value": "chat.save_choices"}, size="sm", min_width=260, elem_id="chat-save-choices"
        )
    return ChoiceParts(wanted, part, tuple(answers), tuple(better), kept, made, count, save)


def wire(page: ChatPage, tab: ChoiceTab, parts: ChoiceParts, store: Any, everything: list[Any]) -> list[Any]:
    """Connect the two buttons, the count and the file. Returns the events after which the conversation has changed."""
    lang = page.lang
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chosen = []
    for side, button in zip(_SIDES, parts.better, strict=True):
        handler = _choice(tab, side == "a")
        outputs = [parts.kept, parts.count, parts.made, *everything, *parts.written]
        chosen.append(button.click(guarded(handler), [lang, store, parts.kept, *parts.answers], outputs, **quiet))
    told = [parts.count, parts.made]
    parts.kept.change(guarded(tab.count), [lang, parts.kept], told, trigger_mode="always_last", **quiet)
    page.on_language(guarded(tab.count), [parts.kept], told, on_visit=True)
    parts.save.click(None, parts.kept, None, js=_SAVE, **quiet)
    return chosen


def _choice(tab: ChoiceTab, first: bool) -> Any:
    def choose(lang: str, stored: Any, kept: Any, a: str, b: str) -> tuple[Any, ...]:
        return tab.choose_answer(lang, stored, kept, first, a, b)

    return choose
