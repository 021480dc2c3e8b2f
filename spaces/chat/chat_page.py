"""What the tabs of the chat space share: the text model, the sampling inputs, the status line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html import escape
from typing import Any

from library import Library
from own_models import OwnModels

from common import catalog, errors
from common.config import settings
from common.text.actions.tool import Tool
from common.text.engine import SamplingSettings
from common.text.models import TextModels
from common.ui.fields import Number
from common.ui.i18n import error_text, number, text
from common.ui.page import Page

TEMPERATURE = Number("temperature", 0.5, 0.0, 2.0, 0.05)
TOP_P = Number("top_p", 0.9, 0.05, 1.0, 0.01)
TOP_K = Number("top_k", 0, 0, 200)
MIN_P = Number("min_p", 0.0, 0.0, 1.0, 0.01)
MAX_NEW_TOKENS = Number("max_new_tokens", 150, 1, settings().max_new_tokens)
# A model this small falls into loops without a penalty; more than 1.1 makes it wander off.
REPETITION_PENALTY = Number("repetition_penalty", 1.05, 1.0, 2.0, 0.05)
SEED = Number("seed", None, 0, 2**31 - 1, optional=True)


@dataclass(frozen=True, slots=True)
class ChatPage(Page):
    """A page with a text model behind it.

    Attributes:
        models: the text model.
        own: the visitors' own models, where the train space is beside it or has left its runs.
        owner: who the visitor is (``common.ui.visitor``), kept in their browser; empty without ``own``.
        opened: the tab that is being built; its ``select`` is when somebody opens it.
        in_hub: the other spaces are pages beside it.
        tools: what other spaces beside it lend to Actions.
        libraries: the documents that visitors have handed in, by session.
    """

    models: TextModels
    own: OwnModels | None = None
    owner: Any = None
    opened: Any = None
    in_hub: bool = False
    tools: tuple[Tool, ...] = ()
    libraries: dict[str, Library] = field(default_factory=dict)


def sampling_settings(
    temperature: Any,
    top_p: Any,
    max_new_tokens: Any,
    seed: Any,
    top_k: Any = 0,
    repetition_penalty: Any = 1.0,
    min_p: Any = 0.0,
) -> SamplingSettings:
    """What the controls say, checked. Raises InvalidInput."""
    chosen = SEED.check(seed)
    return SamplingSettings(
        temperature=TEMPERATURE.real(temperature),
        top_p=TOP_P.real(top_p),
        top_k=TOP_K.whole(top_k),
        min_p=MIN_P.real(min_p),
        max_new_tokens=MAX_NEW_TOKENS.whole(max_new_tokens),
        seed=None if chosen is None else int(chosen),
        repetition_penalty=REPETITION_PENALTY.real(repetition_penalty),
    )


def check_length(value: str) -> str:
    """A visitor's text, not empty and not longer than the setting allows. Raises EmptyPrompt, InvalidInput."""
    if not value or not value.strip():
        raise errors.EmptyPrompt()
    limit = settings().max_prompt_chars
    if len(value) > limit:
        raise errors.InvalidInput(field="text", allowed=errors.Phrase("letters_at_most", limit=limit))
    return value


async def status_html(lang: str, models: TextModels) -> tuple[str, bool]:
    """The status line (which model, on what, how busy) and whether the model is ready. Never waits for it."""
    try:
        engine = await asyncio.to_thread(models.engine)
        if not getattr(engine, "running", True):
            return _waiting(text(lang, "common.loading", title=_title(getattr(engine, "name", ""))))
        info = await engine.info()
    except errors.DemystifyError as problem:
        return _waiting(error_text(lang, problem))
    places = {"cpu": "common.place_cpu", **dict.fromkeys(("cuda", "mps", "zerogpu"), "common.place_gpu")}
    where = text(lang, places.get(info.device, "common.place_remote"), place=info.device)
    parts = [f'<span class="dot">●</span> <b>{escape(_title(info.model))}</b> {escape(where)} · {escape(info.engine)}']
    active = getattr(engine, "active", 0)
    busy = escape(text(lang, "common.texts_running", n=number(lang, active)))
    # Its room stays: a line more would move the whole page under a visitor's finger.
    parts.append(busy if active > 0 else f'<i class="idle">{busy}</i>')
    if models.fetching:
        parts.append(escape(text(lang, "common.fetching", title=models.fetching)))
    return '<div class="status">' + "".join(f"<span>{part}</span>" for part in parts) + "</div>", not models.fetching


def _title(name: str) -> str:
    """A model's name for people; what the catalogue does not know is called as it is."""
    return next((model.title for model in catalog.entries() if model.id == name), name)


def _waiting(sentence: str) -> tuple[str, bool]:
    return f'<div class="status"><span><span class="dot waiting">●</span> {escape(sentence)}</span></div>', False
