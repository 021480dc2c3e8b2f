"""What the tabs of the train space share: the runs, who is asking, the models that runs have made, the status line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

from common import hardware
from common.line import Line
from common.training.runs import TrainingRuns
from common.ui.i18n import text
from common.ui.page import Page
from common.ui.trained import TrainedModels, trained_models

_MOST_IN_LINE = 16  # some ten seconds each: who comes later had better try again than wait


@lru_cache
def line() -> Line:
    """The line of all pages here for work in a process of its own, each of which loads a model.

    Two cores at least for each: on one they would take turns, with both models in memory.
    """
    return Line(max(1, hardware.cores() // 2), _MOST_IN_LINE)


@dataclass(frozen=True, slots=True)
class TrainPage(Page):
    """A page with training runs behind it.

    Attributes:
        owner: who the visitor is (visitor.py), kept in their browser.
        known: the event after which ``owner`` has its value.
        tabs: the ids of all its tabs.
        opened: the tab that is being built; its ``select`` is when somebody opens it.
        measuring: held while a short run measures how fast training is here, since two would disturb each other.
    """

    runs: TrainingRuns
    owner: Any
    known: Any
    trained: TrainedModels = field(default_factory=trained_models)
    in_hub: bool = False
    tabs: tuple[str, ...] = ()
    opened: Any = None
    measuring: asyncio.Lock = field(default_factory=asyncio.Lock)


async def status_html(lang: str, runs: TrainingRuns) -> tuple[str, bool]:
    """The status line: how many runs are at work, and how many wait."""
    found = await asyncio.to_thread(runs.all)
    working, waiting = (sum(run.state == state for run in found) for state in ("running", "waiting"))
    words = text(lang, "train.status", running=working, waiting=waiting)
    return f'<div class="status"><span><span class="dot">●</span> {escape(words)}</span></div>', True
