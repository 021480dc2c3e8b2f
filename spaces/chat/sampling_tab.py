"""The Sampling lab tab: the softmax on the seminar's figure, on the live model, and over many texts at once."""

from __future__ import annotations

import gradio as gr
import sampling_live
import sampling_slide
import sampling_sweep
from chat_page import ChatPage

from common.ui.links import open_tab_of_address


def build(page: ChatPage) -> None:
    """Lay out the three parts, each in a tab of its own."""
    page.idea("sampling")
    parts = {"slide": sampling_slide, "live": sampling_live, "sweep": sampling_sweep}
    with gr.Tabs(elem_id="sampling-parts") as bar:
        for name, part in parts.items():
            with page.words(gr.Tab, keys={"label": f"sampling.part_{name}"}, id=name, elem_id=f"tab-sampling-{name}"):
                part.build(page)
    open_tab_of_address(page, bar, tuple(parts), inside="sampling")
