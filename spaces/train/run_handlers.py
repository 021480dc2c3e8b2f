"""What every tab of the train space does with its runs: as in visitor_runs.py, and the file to take away."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from train_page import TrainPage

from common.training.export import export_apart, file_name
from common.ui.visitor_runs import VisitorRuns


class RunHandlers(VisitorRuns):
    """Handlers on the visitor's runs of one kind."""

    def __init__(self, page: TrainPage) -> None:
        super().__init__(page.runs)
        self._page = page

    async def download(self, lang: str, owner: str, run_id: str | None, merged: bool = False) -> AsyncIterator[Any]:
        """The run's model as a zip file. The page takes a copy of it, then it is deleted here."""
        run = await self._find(owner, run_id)
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / file_name(run.config.name)
            await export_apart(run.folder, target, bool(merged))
            yield gr.update(value=str(target), visible=True)
