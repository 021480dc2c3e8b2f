"""What can be done with a run's model once it is there: the same controls in every tab that trains."""

from __future__ import annotations

from typing import Any

import gradio as gr
from run_handlers import RunHandlers
from train_page import TrainPage

from common.ui.errors import guarded


def build(page: TrainPage, handlers: RunHandlers, run: Any, prefix: str, mergeable: bool = False) -> None:
    """Lay out and wire the controls.

    Args:
        run: the list in which a run is chosen.
        prefix: of the elements' ids.
        mergeable: the result may be an adapter, which can be added to its base.
    """
    words = page.words
    words(gr.Markdown, keys={"value": "after.title"})
    merged = words(
        gr.Checkbox, keys={"label": "after.merged"}, value=False, visible=mergeable, elem_id=f"{prefix}-merged"
    )
    download = words(gr.Button, keys={"value": "after.download"}, elem_id=f"{prefix}-download")
    file = words(gr.File, keys={"label": "after.file"}, interactive=False, visible=False, elem_id=f"{prefix}-file")
    download.click(guarded(handlers.download), [page.lang, page.owner, run, merged], file, api_visibility="private")
    run.change(lambda: gr.update(value=None, visible=False), None, file, queue=False, api_visibility="private")
