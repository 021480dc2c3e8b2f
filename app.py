"""The hub: a front page and every space that exists, as pages of one app. ``python app.py`` starts it."""

from __future__ import annotations

import importlib.util
import sys
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

_ROOT = Path(__file__).resolve().parent
if str(_ROOT) not in sys.path:
    sys.path.insert(0, str(_ROOT))

if TYPE_CHECKING:
    import gradio as gr

    from common.diffusion.models import DiffusionModels
    from common.text.models import TextModels
    from common.training.runs import TrainingRuns
    from common.translation.models import TranslationModels

SPACES = ("chat", "translate", "train", "diffusion")


def _load(name: str) -> ModuleType:
    """The space's ``app.py`` as a module; ``spaces`` cannot be a package, since ZeroGPU's package is called so."""
    spec = importlib.util.spec_from_file_location(f"{name}_space", _ROOT / "spaces" / name / "app.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"spaces/{name}/app.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def build(
    models: TextModels,
    translation: TranslationModels | None = None,
    runs: TrainingRuns | None = None,
    diffusion: DiffusionModels | None = None,
) -> gr.Blocks:
    """Front page and spaces; every page has its own address, such as ``/chat``."""
    import gradio as gr

    from common.diffusion.models import DiffusionModels
    from common.preflight.generations import Services
    from common.seminar.poll import Poll
    from common.training.runs import TrainingRuns
    from common.translation.models import TranslationModels
    from common.ui import join, poll_page, preflight, presenter, recorded
    from common.ui.drawing import draw_tool
    from common.ui.i18n import text
    from common.ui.page import page_frame
    from common.ui.translating import translate_tool

    runs = runs or TrainingRuns()
    translation = translation or TranslationModels()
    diffusion = diffusion or DiffusionModels()  # loads when somebody opens its page
    services = {"chat": models, "translate": translation, "train": runs, "diffusion": diffusion}

    async def status(lang: str) -> tuple[str, bool]:
        return await _status(lang, models)

    with page_frame("hub", status) as page:
        page.words(gr.HTML, keys={"value": _front}, elem_id="front")
    # The chat model, the translator, the diffusion models and the line of runs are one for all spaces.
    shared: dict[str, dict[str, object]] = {
        "translate": {"chat": models},
        "chat": {"tools": (translate_tool(translation), draw_tool(diffusion))},
        "diffusion": {"runs": runs},
    }
    for name in SPACES:
        space = _load(name).build(services[name], in_hub=True, **shared.get(name, {}))
        with page.demo.route(text(page.words.lang, f"hub.{name}"), f"/{name}"):
            space.render()
    poll = Poll()
    with page_frame("join", in_hub=True) as joining:
        join.build(joining)
    with page_frame("poll", in_hub=True) as guessing:
        poll_page.build(guessing, poll)
    with page_frame("presenter", in_hub=True) as presenting:
        presenter.build(presenting, poll, runs)
    with page_frame("preflight", in_hub=True) as checking:
        preflight.build(checking, Services(models, translation, runs, diffusion))
    with page_frame("recorded", in_hub=True) as playing:
        recorded.build(playing)
    extras = {"recorded": playing, "join": joining, "poll": guessing, "presenter": presenting, "preflight": checking}
    for name, extra in extras.items():
        with page.demo.route(text(page.words.lang, f"{name}.title"), f"/{name}"):
            extra.demo.render()  # type: ignore[no-untyped-call]  # gradio's
    return page.demo


async def _status(lang: str, models: TextModels) -> tuple[str, bool]:
    """The chat model's status line, and the memory that is left."""
    from chat_page import status_html  # of the chat space, which is loaded by now

    from common import hardware
    from common.ui.i18n import number, text

    line, ready = await status_html(lang, models)
    free = text(lang, "hub.memory", free=number(lang, hardware.free_memory_gb(), 1))
    return line.removesuffix("</div>") + f"<span>{escape(free)}</span></div>", ready


def _front(lang: str) -> str:
    """The talk, the demos by slide, and a door for every space."""
    from common.ui.agenda import agenda_html, slides_html
    from common.ui.i18n import text

    doors = "".join(
        f'<a href="{name}?lang={escape(lang)}"><h3>{escape(text(lang, f"hub.{name}"))}</h3>'
        f"<p>{escape(text(lang, f'hub.{name}_about'))}</p></a>"
        for name in SPACES
    )
    title = escape(text(lang, "agenda.spaces"))
    ways = "".join(
        f'<a href="{name}?lang={escape(lang)}">{escape(text(lang, f"hub.{name}"))}</a>'
        for name in ("join", "poll", "recorded", "presenter")
    )
    joining = f'<p class="joining">{ways}</p>'
    return (
        f"{joining}{agenda_html(lang)}{slides_html(lang)}"
        f'<nav aria-label="{escape(text(lang, "hub.choose"))}"><h2>{title}</h2>'
        f'<div class="doors">{doors}</div></nav>'
        f'<footer class="credits">{escape(text(lang, "hub.credits"))} '
        f'<a href="https://creativecommons.org/licenses/by-sa/2.0/" rel="license">CC BY-SA 2.0</a></footer>'
    )


def main() -> None:
    """Serve the hub."""
    from common.ui.serve import read_options

    read_options("The hub of demystify: all demos on one page.")
    from common.text.models import TextModels

    models = TextModels()
    models.start()  # the model loads in its own process while gradio is imported here
    from common.translation.models import TranslationModels

    translation = TranslationModels()
    translation.start()
    from common.training.runs import TrainingRuns

    runs = TrainingRuns()
    runs.start()
    from common.ui.quick import import_gradio
    from common.ui.serve import serve

    import_gradio()
    serve(build(models, translation, runs))


if __name__ == "__main__":
    main()
