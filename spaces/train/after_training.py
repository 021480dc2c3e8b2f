"""What can be done with a run's model once it is there: the same controls in every tab that trains."""

from __future__ import annotations

from typing import Any

import gradio as gr
from publish_handlers import MODEL, PublishHandlers, choices, on_space
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
    words, works = page.words, PublishHandlers(handlers.find)
    offered = choices()
    words(gr.Markdown, keys={"value": "after.title"})
    what = words(
        gr.Radio,
        keys={"label": "after.what", "choices": [(f"after.what_{name}", name) for name in offered]},
        value=MODEL,
        visible=len(offered) > 1,
        elem_id=f"{prefix}-what",
    )
    merged = words(
        gr.Checkbox, keys={"label": "after.merged"}, value=False, visible=mergeable, elem_id=f"{prefix}-merged"
    )
    with gr.Row():
        download = words(gr.Button, keys={"value": "after.download"}, elem_id=f"{prefix}-download", min_width=260)
        push = words(gr.Button, keys={"value": "after.push"}, elem_id=f"{prefix}-push", min_width=260)
        stop = words(gr.Button, keys={"value": "after.stop_push"}, elem_id=f"{prefix}-push-stop", min_width=160)
    if on_space():  # elsewhere the hub has nothing to come back to, and gradio does not start
        gr.LoginButton(elem_id=f"{prefix}-login")
    file = words(gr.File, keys={"label": "after.file"}, interactive=False, visible=False, elem_id=f"{prefix}-file")
    told = gr.HTML("", elem_id=f"{prefix}-pushed")
    inputs = [page.lang, page.owner, run, what, merged]
    download.click(guarded(works.download), inputs, file, api_visibility="private")
    push.click(guarded(works.push), inputs, told, api_visibility="private")
    stop.click(guarded(works.stop), page.lang, None, queue=False, api_visibility="private")
    run.change(
        lambda: (gr.update(value=None, visible=False), ""), None, [file, told], queue=False, api_visibility="private"
    )
