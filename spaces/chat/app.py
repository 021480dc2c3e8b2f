"""The chat space: talk to a language model, complete a prompt, see sampling and tokens. ``python app.py`` starts it."""

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

    from common.text.actions.tool import Tool
    from common.text.models import TextModels


def build(models: TextModels, in_hub: bool = False, tools: tuple[Tool, ...] = ()) -> gr.Blocks:
    """The page, on a text model that may still be loading; ``in_hub`` adds the way back to the front page.

    The models that visitors have trained are here in the hub, and where the settings name the folder of the runs.

    Args:
        tools: what other spaces lend: the model may call them in Actions.
    """
    from dataclasses import replace

    import actions_tab
    import chat_tab
    import completion_tab
    import essay_tab
    import gallery_tab
    import gradio as gr
    import inside_tab
    import retrieval_tab
    import sampling_tab
    import summary_tab
    import tokens_tab
    from chat_page import ChatPage, status_html
    from own_models import OwnModels

    from common.catalog import continues
    from common.config import settings
    from common.training.runs import TrainingRuns
    from common.ui.links import open_tab_of_address
    from common.ui.page import page_frame
    from common.ui.visitor import known_visitor

    async def status(lang: str) -> tuple[str, bool]:
        return await status_html(lang, models)

    own = OwnModels(TrainingRuns()) if in_hub or "runs_dir" in settings().model_fields_set else None
    tabs = {
        "chat": chat_tab,
        "completion": completion_tab,
        "sampling": sampling_tab,
        "tokens": tokens_tab,
        "inside": inside_tab,
        "essay": essay_tab,
        "summary": summary_tab,
        "retrieval": retrieval_tab,
        "actions": actions_tab,
        "gallery": gallery_tab,
    }
    with page_frame("chat", status, in_hub) as frame:
        owner = gr.State("") if own is None else known_visitor()
        page = ChatPage(
            frame.demo,
            frame.words,
            frame.lang,
            frame.arrival,
            frame.redraws,
            models,
            own,
            owner,
            in_hub=in_hub,
            tools=tools,
        )
        first = "completion" if continues(Path(settings().model).expanduser()) else "chat"
        with gr.Tabs(selected=first, overflow_behavior="wrap") as bar:  # all of them to be seen, on a phone too
            for name, tab in tabs.items():
                with page.words(gr.Tab, keys={"label": f"{name}.tab"}, id=name, elem_id=f"tab-{name}") as opened:
                    tab.build(replace(page, opened=opened))
        open_tab_of_address(page, bar, tuple(tabs))
    return page.demo


def main() -> None:
    """Serve the space alone."""
    from common.ui.serve import read_options

    read_options("The chat space of demystify.")
    from common.text.models import TextModels

    models = TextModels()
    models.start()  # the model loads in its own process while gradio is imported here
    from common.ui.quick import import_gradio
    from common.ui.serve import serve

    import_gradio()
    serve(build(models))


if __name__ == "__main__":
    main()
