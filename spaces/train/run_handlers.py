"""What every tab of the train space does with its runs: as in visitor_runs.py, on the page's runs."""

from __future__ import annotations

from train_page import TrainPage

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
