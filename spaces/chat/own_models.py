"""The visitor's own trained models: used by the run's owner alone. In the Chat tab the address names one (``?run=…``).

Who the owner is stands in the browser's store for the site, where the train space has put it.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

import gradio as gr

from common import errors
from common.text.engine import TextEngine
from common.training.runs import Run, TrainingRuns
from common.ui.i18n import text
from common.ui.trained import TrainedModels, trained_models


class OwnModels:
    """Which run each open page talks with. Pages that named none are not in it."""

    def __init__(self, runs: TrainingRuns, trained: TrainedModels | None = None) -> None:
        self._runs, self._trained = runs, trained or trained_models()
        self._chosen: dict[str, Run] = {}

    async def meet(self, lang: str, owner: Any, request: gr.Request) -> str:
        """When a page opens: take the run of its address, and say so. Raises NoRunOfLink, NotTrainedYet."""
        run_id = request.query_params.get("run")
        if not run_id:
            return ""
        try:
            run = await self.find(run_id, owner)
        except errors.NoSuchRun:
            raise errors.NoRunOfLink() from None
        await self.open(run)
        self._chosen[request.session_hash or ""] = run
        return self.name(lang, request)

    async def of(self, owner: Any) -> list[Run]:
        """A visitor's runs of all kinds, the newest first; none of somebody who has never trained anything."""
        return await asyncio.to_thread(self._runs.of, str(owner)) if owner else []

    async def find(self, run_id: str, owner: Any) -> Run:
        """One of the visitor's runs. Raises NoSuchRun: also when it is somebody else's."""
        return await asyncio.to_thread(self._runs.find, run_id, str(owner or "-"))

    async def open(self, run: Run) -> TextEngine:
        """The model of a run. Raises NotTrainedYet, QueueFull."""
        return await self._trained.engine(run)

    def name(self, lang: str, request: gr.Request) -> str:
        """The note above the conversation, and the way back to the other model."""
        run = self._chosen.get(request.session_hash or "")
        if run is None:
            return ""
        words, back = (escape(text(lang, key, name=run.config.name)) for key in ("chat.own_model", "chat.own_back"))
        return f'<p class="note">{words} <a href="?tab=chat&amp;lang={escape(lang)}">{back}</a></p>'

    async def engine(self, session: str | None) -> TextEngine | None:
        """The model that a page talks with, when it is its visitor's own. Raises NotTrainedYet: deleted meanwhile."""
        run = self._chosen.get(session or "")
        return None if run is None else await self.open(run)

    def forget(self, request: gr.Request) -> None:
        """The page was closed."""
        self._chosen.pop(request.session_hash or "", None)
