"""What every tab of the train space does with its runs: as in visitor_runs.py, on the page's runs."""

from __future__ import annotations

import asyncio

from train_page import TrainPage

from common.training import timing
from common.training.runs import Run
from common.ui.visitor_runs import VisitorRuns


class RunHandlers(VisitorRuns):
    """Handlers on the visitor's runs of one kind."""

    def __init__(self, page: TrainPage) -> None:
        super().__init__(page.runs)
        self._page = page

    async def find(self, owner: str, run_id: str | None) -> Run:
        """One of the visitor's runs. Raises NoSuchRun."""
        return await self._find(owner, run_id)

    async def _measured(self, config: timing.Timed, data: str, vocabulary: int = 0) -> None:
        """Have a short run measure how fast these settings train here, when that is wanted (timing.py)."""
        async with self._page.measuring:
            if await asyncio.to_thread(timing.wanted, self._runs, config, vocabulary):
                await timing.measure(self._runs, config, data, vocabulary)
