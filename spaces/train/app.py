"""The train space: a language model of one's own, from text to words. ``python app.py`` starts it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

_HERE = Path(__file__).resolve().parent
# `common` stands two folders up in the project, and beside this file once deployed as a Space.
for _place in (_HERE, _HERE.parents[1]):
    if (_place / "common").is_dir() and str(_place) not in sys.path:
        sys.path.insert(0, str(_place))
if str(_HERE) not in sys.path:
    sys.path.insert(0, str(_HERE))

if TYPE_CHECKING:
    import gradio as gr

    from common.training.runs import TrainingRuns


def build(runs: TrainingRuns, in_hub: bool = False) -> gr.Blocks:
    """The page; ``in_hub`` adds the way back to the front page."""
    from dataclasses import replace

    import board_tab
    import cost_tab
    import finetune_tab
    import gradio as gr
    import lifecycle_tab
    import prefer_tab
    import scratch_tab
    import sizes_tab
    from train_page import TrainPage, status_html

    from common.ui.links import open_tab_of_address
    from common.ui.page import page_frame
    from common.ui.visitor import visitor

    async def status(lang: str) -> tuple[str, bool]:
        return await status_html(lang, runs)

    tabs = {
        "scratch": scratch_tab,
        "finetune": finetune_tab,
        "prefer": prefer_tab,
        "scoreboard": board_tab,
        "lifecycle": lifecycle_tab,
        "cost": cost_tab,
        "sizes": sizes_tab,
    }
    with page_frame("train", status, in_hub) as frame:
        owner, known = visitor(frame.demo)
        page = TrainPage(
            frame.demo,
            frame.words,
            frame.lang,
            frame.arrival,
            frame.redraws,
            runs,
            owner,
            known,
            in_hub=in_hub,
            tabs=tuple(tabs),
        )
        with gr.Tabs(overflow_behavior="wrap") as bar:  # all of them to be seen, on a phone too
            for name, tab in tabs.items():
                with page.words(gr.Tab, keys={"label": f"{name}.tab"}, id=name, elem_id=f"tab-{name}") as opened:
                    tab.build(replace(page, opened=opened))
        open_tab_of_address(page, bar, tuple(tabs))
    return page.demo


def main() -> None:
    """Serve the space alone."""
    from common.ui.serve import read_options

    read_options("The train space of demystify.")
    from common.training.runs import TrainingRuns

    runs = TrainingRuns()
    runs.start()
    from common.ui.quick import import_gradio
    from common.ui.serve import serve

    import_gradio()
    serve(build(runs))


if __name__ == "__main__":
    main()
