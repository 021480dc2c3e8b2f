"""The translate space: a translator, and its decoder shown step by step. ``python app.py`` starts it."""

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

    from common.text.models import TextModels
    from common.translation.models import TranslationModels


def build(models: TranslationModels, in_hub: bool = False, chat: TextModels | None = None) -> gr.Blocks:
    """The page; ``in_hub`` adds the way back to the front page.

    Args:
        chat: the chat model to compare with, where another space has one; otherwise it is loaded when first asked.
    """
    import align_tab
    import fails_tab
    import gradio as gr
    import player_tab
    import search_tab
    import translate_tab
    import versus_tab
    from glass_warm import Warming
    from translate_page import TranslatePage, status_html

    from common.text.models import TextModels
    from common.ui.links import open_tab_of_address
    from common.ui.page import page_frame

    async def status(lang: str) -> tuple[str, bool]:
        return await status_html(lang, models)

    tabs = {
        "translate": translate_tab,
        "player": player_tab,
        "align": align_tab,
        "search": search_tab,
        "fails": fails_tab,
        "versus": versus_tab,
    }
    with page_frame("translate", status, in_hub) as frame:
        page = TranslatePage(
            frame.demo, frame.words, frame.lang, frame.arrival, frame.redraws, models, chat or TextModels()
        )
        warming = Warming(models)
        with gr.Tabs(overflow_behavior="wrap") as bar:  # all of them to be seen, on a phone too
            for name, tab in tabs.items():
                with page.words(gr.Tab, keys={"label": f"{name}.tab"}, id=name, elem_id=f"tab-{name}") as place:
                    tab.build(page)
                if tab in (player_tab, align_tab, search_tab):
                    warming.watch(page, name, place)
        open_tab_of_address(page, bar, tuple(tabs))
    return page.demo


def main() -> None:
    """Serve the space alone."""
    from common.ui.serve import read_options

    read_options("The translate space of demystify.")
    from common.translation.models import TranslationModels

    models = TranslationModels()
    models.start(glass=True)
    from common.ui.quick import import_gradio
    from common.ui.serve import serve

    import_gradio()
    serve(build(models))


if __name__ == "__main__":
    main()
