"""Who writes in the Summary tab: the page's model, the embedded one with our adapter, or a run of the visitor's own.

A run can be chosen by its owner alone, and is asked with the prompt that it has learned with.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import Any

import summary_adapter
from own_models import OwnModels

from common import catalog, errors
from common.errors import Phrase
from common.text.engine import TextEngine
from common.text.models import TextModels
from common.text.tasks.summarize import Task
from common.training.config import FinetuneConfig, Method
from common.training.runs import Run
from common.ui.fields import Choice

BASE, WITH = "base", "adapter"
_RUN = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ChoiceOrRun(Choice):
    """One of a few options, or the id of a run; whether there is such a run is not known here."""

    def check(self, value: Any) -> int | str:
        """The option or the id. Raises InvalidInput."""
        if isinstance(value, str) and _RUN.fullmatch(value):
            return value
        try:
            return Choice.check(self, value)
        except errors.InvalidInput:
            allowed = Phrase("or_own_run", options=", ".join(map(str, self.options)))
            raise errors.InvalidInput(field=self.name, allowed=allowed) from None


WRITER = ChoiceOrRun("writer", BASE, (BASE, WITH))


@dataclass(frozen=True, slots=True)
class Writer:
    """One who can write.

    Attributes:
        choice: BASE, WITH, or the id of a run.
        name: of the adapter or the run; empty for the page's model.
        base: what people call the model that the adapter or the run began with; empty for the page's model.
        method: how the run was trained; None for others.
        template: what a run is asked with, ``{text}`` in place of the text; empty for others.
        beside: title of the page's own model where that is not ``base``; empty otherwise.
    """

    choice: str = BASE
    name: str = ""
    base: str = ""
    method: Method | None = None
    template: str = ""
    beside: str = ""

    def asked(self, task: Task) -> Task:
        """The task in the words that the writer has learned with, for the text and for the summaries of its parts."""
        if not self.template:
            return task
        return replace(task, prompts=replace(task.prompts, summary=self.template, merge=self.template))


class Writers:
    """Who can write on one page.

    Args:
        models: the page's model.
        own: the runs of its visitors; None where there are none.
    """

    def __init__(self, models: TextModels, own: OwnModels | None) -> None:
        self._models, self._own = models, own

    async def runs(self, owner: Any) -> list[tuple[str, str]]:
        """(name, id) of the visitor's runs that have learned to summarize and have a model, the newest first."""
        found = await self._own.of(owner) if self._own else []
        return [(run.config.name, run.folder.id) for run in found if run.folder.has_model and _template(run)]

    async def find(self, choice: Any, owner: Any) -> Writer:
        """The one that is chosen. Raises InvalidInput, NoSuchRun, NotTrainedYet, NotForSummaries."""
        return (await self._find(choice, owner))[0]

    async def open(self, choice: Any, owner: Any) -> tuple[Writer, TextEngine]:
        """The one that is chosen, and its model. Raises what ``find`` does, ModelUnavailable, QueueFull."""
        writer, run = await self._find(choice, owner)
        if run is not None and self._own is not None:
            return writer, await self._own.open(run)
        return writer, await summary_adapter.engine() if writer.choice == WITH else self._models.engine()

    async def _find(self, choice: Any, owner: Any) -> tuple[Writer, Run | None]:
        chosen = str(WRITER.check(choice))
        if chosen == BASE:
            return Writer(), None
        if chosen == WITH:
            base = summary_adapter.base_title()
            return Writer(WITH, summary_adapter.ADAPTER.title, base, beside=await self._beside(base)), None
        if self._own is None:
            raise errors.NoSuchRun()
        run = await self._own.find(chosen, owner)
        if not _template(run):
            raise errors.NotForSummaries(name=run.config.name)
        if not run.folder.has_model:
            raise errors.NotTrainedYet()
        config = run.config
        assert isinstance(config, FinetuneConfig)  # noqa: S101 - others have no template
        beside = await self._beside(config.base_title)
        return Writer(chosen, config.name, config.base_title, config.method, config.summary_prompt, beside), run

    async def _beside(self, base: str) -> str:
        """Title of the page's model, unless it is ``base``; empty while nothing is known of it."""
        try:
            engine = await asyncio.to_thread(self._models.engine)
        except errors.DemystifyError:  # said in the status line
            return ""
        name = str(getattr(engine, "name", ""))
        title = next((model.title for model in catalog.entries() if model.id == name), name)
        return "" if title == base else title


def _template(run: Run) -> str:
    return run.config.summary_prompt if isinstance(run.config, FinetuneConfig) else ""
