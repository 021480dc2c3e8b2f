"""What the tabs of the train space share: the runs, who is asking, the models that runs have made, the status line."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from html import escape

from common import errors
from common.text.engine import TextEngine
from common.text.engines.process import ProcessEngine
from common.training.runs import Run, TrainingRuns
from common.ui.i18n import text
from common.ui.page import Page

_IDLE_SECONDS = 120.0
_MOST_OPEN = 2


class TrainedModels:
    """The models of finished runs, each in a process of its own that ends when nobody writes with it."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, ProcessEngine] = OrderedDict()

    async def engine(self, run: Run) -> TextEngine:
        """The run's model. Raises NotTrainedYet."""
        if not (run.folder.model / "config.json").exists():
            raise errors.NotTrainedYet()
        engine = self._open.pop(run.folder.id, None)
        if engine is None:
            options = {
                "name": run.config.name,
                "path": str(run.folder.model),
                "context": run.config.shape.context,
                "threads": 1,
                "max_active": 8,
            }
            module = "common.text.engines.transformers_worker"
            engine = ProcessEngine(module, options, run.config.name, idle_seconds=_IDLE_SECONDS)
        self._open[run.folder.id] = engine
        while len(self._open) > _MOST_OPEN:
            _, oldest = self._open.popitem(last=False)
            await oldest.close()
        return engine


@dataclass(frozen=True, slots=True)
class TrainPage(Page):
    """A page with training runs behind it; ``tabs`` are the ids of all its tabs."""

    runs: TrainingRuns
    trained: TrainedModels = field(default_factory=TrainedModels)
    in_hub: bool = False
    tabs: tuple[str, ...] = ()


def new_owner(known: object) -> str:
    """Who the visitor is: a random token, kept in their own browser. One that looks like no token is replaced."""
    fits = isinstance(known, str) and len(known) == 32 and known.isalnum()
    return str(known) if fits else secrets.token_hex(16)


async def status_html(lang: str, runs: TrainingRuns) -> tuple[str, bool]:
    """The status line: how many runs are at work, and how many wait."""
    found = await asyncio.to_thread(runs.all)
    working, waiting = (sum(run.state == state for run in found) for state in ("running", "waiting"))
    words = text(lang, "train.status", running=working, waiting=waiting)
    return f'<div class="status"><span><span class="dot">●</span> {escape(words)}</span></div>', True
