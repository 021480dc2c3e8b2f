"""The visitor's own trained models: used by the run's owner alone. The address names one for its tab (``?run=…``).

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
from common.ui.errors import guarded
from common.ui.i18n import text
from common.ui.page import Page, language_of_visit
from common.ui.trained import TrainedModels, trained_models

CHAT, COMPLETION = "chat", "completion"  # the tabs that an address can name a run for


class OwnModels:
    """Which run each tab of an open page writes with: "chat" or "completion". Pages that named none are not in it."""

    def __init__(self, runs: TrainingRuns, trained: TrainedModels | None = None) -> None:
        self._runs, self._trained = runs, trained or trained_models()
        self._chosen: dict[tuple[str, str], Run] = {}

    async def meet(self, lang: str, owner: Any, request: gr.Request, tab: str = CHAT) -> str:
        """When a page opens: take the run of its address, if that is for this tab, and say so.

        Raises:
            NoRunOfLink, NotTrainedYet.
        """
        run_id = request.query_params.get("run")
        if not run_id or request.query_params.get("tab", CHAT) != tab:
            return ""
        try:
            run = await self.find(run_id, owner)
        except errors.NoSuchRun:
            raise errors.NoRunOfLink() from None
        await self.open(run)
        self._chosen[tab, request.session_hash or ""] = run
        return self.name(lang, request, tab)

    async def of(self, owner: Any) -> list[Run]:
        """A visitor's runs of all kinds, the newest first; none of somebody who has never trained anything."""
        return await asyncio.to_thread(self._runs.of, str(owner)) if owner else []

    async def find(self, run_id: str, owner: Any) -> Run:
        """One of the visitor's runs. Raises NoSuchRun: also when it is somebody else's."""
        return await asyncio.to_thread(self._runs.find, run_id, str(owner or "-"))

    async def open(self, run: Run) -> TextEngine:
        """The model of a run. Raises NotTrainedYet, QueueFull."""
        return await self._trained.engine(run)

    def name(self, lang: str, request: gr.Request, tab: str = CHAT) -> str:
        """The note above what the model writes, and the way back to the other model."""
        run = self._chosen.get((tab, request.session_hash or ""))
        if run is None:
            return ""
        words, back = (escape(text(lang, key, name=run.config.name)) for key in (f"{tab}.own_model", "chat.own_back"))
        return f'<p class="note">{words} <a href="?tab={tab}&amp;lang={escape(lang)}">{back}</a></p>'

    async def engine(self, session: str | None, tab: str = CHAT) -> TextEngine | None:
        """The model that a tab writes with, when it is its visitor's own. Raises NotTrainedYet: deleted meanwhile."""
        run = self._chosen.get((tab, session or ""))
        return None if run is None else await self.open(run)

    def forget(self, request: gr.Request) -> None:
        """The page was closed."""
        for tab in (CHAT, COMPLETION):
            self._chosen.pop((tab, request.session_hash or ""), None)


def lay_out_note(page: Page, own: OwnModels, owner: Any, tab: str) -> None:
    """The note on whose model writes in a tab, when the address names one of the visitor's."""
    note = gr.HTML("", elem_id=f"{tab}-own")

    async def meet(owner: Any, request: gr.Request) -> str:
        return await guarded(own.meet)(language_of_visit(request), owner, request, tab)

    def name(lang: str, request: gr.Request) -> str:
        return own.name(lang, request, tab)

    page.demo.load(meet, owner, note, api_visibility="private", show_progress="hidden")
    page.on_language(guarded(name), [], [note])
    page.demo.unload(own.forget)
