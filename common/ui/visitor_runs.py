"""What every tab does with a visitor's runs: list, choose, stop, go on, delete. How they look is in run_look.py."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import gradio as gr

from common.training.config import AnyConfig
from common.training.runs import Run, TrainingRuns
from common.ui.fields import Text
from common.ui.i18n import text
from common.ui.roles import presenter_asks
from common.ui.run_look import list_choices

NAME = Text("run_name", "", 60)


class VisitorRuns:
    """Handlers on the visitor's runs of one kind."""

    kind: ClassVar[str]

    def __init__(self, runs: TrainingRuns) -> None:
        self._runs = runs

    async def runs_of(self, lang: str, owner: str, chosen: str | None) -> tuple[Any, Any]:
        """The list of the visitor's runs, the newest chosen when none is; and the clock that watches it."""
        update = await self._chosen(lang, owner, chosen)
        return update, gr.Timer(active=bool(update["value"]))

    async def stop(self, lang: str, owner: str, run_id: str | None) -> Any:
        """Ask the run to end; its model is kept."""
        await asyncio.to_thread(self._runs.stop, run_id or "", owner)
        return gr.Timer(active=True)

    async def resume(self, lang: str, owner: str, run_id: str | None) -> Any:
        """Put a run that ended early into the line again."""
        await asyncio.to_thread(self._runs.resume, run_id or "", owner, presenter_asks())
        return gr.Timer(active=True)

    async def delete(self, lang: str, owner: str, run_id: str | None) -> Any:
        """Remove the run and all that it made."""
        await asyncio.to_thread(self._runs.delete, run_id or "", owner)
        return await self._chosen(lang, owner, None)

    async def _create(self, config: AnyConfig, data: str) -> Run:
        """Put a run of the visitor's into the line. Raises what TrainingRuns.create does."""
        return await asyncio.to_thread(self._runs.create, config, data, presenter_asks())

    def _own(self, owner: str) -> list[Run]:
        """The visitor's runs of this kind, the newest first."""
        return [run for run in self._runs.of(owner) if run.config.kind == self.kind]

    async def _find(self, owner: str, run_id: str | None) -> Run:
        """One of the visitor's runs. Raises NoSuchRun."""
        return await asyncio.to_thread(self._runs.find, run_id or "", owner)

    async def _chosen(self, lang: str, owner: str, run_id: str | None) -> Any:
        own = await asyncio.to_thread(self._own, owner) if owner else []
        ids = [run.folder.id for run in own]
        value = run_id if run_id in ids else (ids[0] if ids else None)
        return gr.update(choices=list_choices(lang, own), value=value)

    def _name(self, owner: str, wanted: str, title: str) -> str:
        """The name given; without one, the title with the next free number. Raises InvalidInput."""
        if given := NAME.check(wanted).strip():
            return given
        taken = {run.config.name for run in self._runs.of(owner)}
        return next(name for number in range(1, 10_000) if (name := f"{title[:50]} {number}") not in taken)


class WatchedRuns(VisitorRuns, ABC):
    """For tabs that show one run at a time."""

    async def watch(self, lang: str, owner: str, run_id: str | None) -> tuple[Any, ...]:
        """The chosen run as it stands: state, curves, what was made on the way; whether to look again; the list."""
        own = await asyncio.to_thread(self._own, owner)
        choices = gr.update(choices=list_choices(lang, own))
        shown = next((run for run in own if run.folder.id == run_id), None)
        if shown is None:
            return f'<p class="quiet">{text(lang, "scratch.no_run")}</p>', "", "", gr.Timer(active=False), choices
        drawn = await asyncio.to_thread(self._draw, lang, shown)
        return *drawn, gr.Timer(active=shown.state in ("waiting", "running")), choices

    @abstractmethod
    def _draw(self, lang: str, run: Run) -> tuple[str, str, str]:
        """State, curves, and what was made on the way, of a run."""
