"""The diffusion space: pictures out of noise, and every step on the way. ``python app.py`` starts it."""

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

    from common.diffusion.models import DiffusionModels
    from common.training.runs import TrainingRuns


def build(models: DiffusionModels, in_hub: bool = False, runs: TrainingRuns | None = None) -> gr.Blocks:
    """The page; ``in_hub`` adds the way back to the front page, ``runs`` are those of the other spaces, too."""
    import denoise_tab
    import gradio as gr
    import grid_tab
    import guidance_tab
    import image_tab
    import map_tab
    import noise_tab
    import redraw_tab
    import style_tab
    from diffusion_page import DiffusionPage, status_html

    from common.training.runs import TrainingRuns
    from common.ui.links import open_tab_of_address
    from common.ui.page import page_frame
    from common.ui.visitor import visitor

    async def status(lang: str) -> tuple[str, bool]:
        return await status_html(lang, models)

    tabs = {
        "image": image_tab,
        "denoise": denoise_tab,
        "guidance": guidance_tab,
        "noise": noise_tab,
        "grid": grid_tab,
        "redraw": redraw_tab,
        "teach": style_tab,
        "map": map_tab,
    }
    with page_frame("diffusion", status, in_hub) as frame:
        owner, known = visitor(frame.demo)
        page = DiffusionPage(
            frame.demo,
            frame.words,
            frame.lang,
            frame.arrival,
            frame.redraws,
            models,
            runs or TrainingRuns(),
            owner,
            known,
            in_hub,
        )
        with gr.Tabs(overflow_behavior="wrap") as bar:  # all of them to be seen, on a phone too
            for name, tab in tabs.items():
                with page.words(gr.Tab, keys={"label": f"{name}.tab"}, id=name, elem_id=f"tab-{name}"):
                    tab.build(page)
        open_tab_of_address(page, bar, tuple(tabs))
    return page.demo


def main() -> None:
    """Serve the space alone."""
    from common.ui.serve import read_options

    read_options("The diffusion space of demystify.")
    from common.diffusion.models import DiffusionModels

    models = DiffusionModels()
    models.start()
    from common.training.runs import TrainingRuns

    runs = TrainingRuns()
    runs.start()
    from common.ui.quick import import_gradio
    from common.ui.serve import serve

    import_gradio()
    serve(build(models, runs=runs))


if __name__ == "__main__":
    main()
