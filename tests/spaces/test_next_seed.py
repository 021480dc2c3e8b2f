"""The next seed, and what a model does not read of a prompt, in the tabs of the diffusion space: how they are wired."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from common import errors
from common.config import LANGUAGES, Settings
from common.diffusion.models import DiffusionModels
from common.training.runs import TrainingRuns
from common.ui.i18n import number, text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

import next_seed
import prompt_note
from diffusion_page import PROMPT
from style_handlers import CAPTIONS

LAST = 2**32 - 1
TABS = ("image", "denoise", "guidance", "noise", "grid", "redraw", "style")


@pytest.fixture(scope="module")
def models(tiny_diffusion: Path) -> Iterator[DiffusionModels]:
    models = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    models.engine().opened()
    yield models
    models.close()


@pytest.fixture(scope="module")
def page(models: DiffusionModels, tmp_path_factory: pytest.TempPathFactory) -> gr.Blocks:
    """All tabs, as app.py puts them together."""
    import denoise_tab
    import grid_tab
    import guidance_tab
    import image_tab
    import noise_tab
    import redraw_tab
    import style_tab
    from diffusion_page import DiffusionPage

    from common.ui.page import page_frame
    from common.ui.visitor import visitor

    runs = TrainingRuns(Settings(runs_dir=tmp_path_factory.mktemp("runs")))
    with page_frame("diffusion") as frame:
        parts = (frame.demo, frame.words, frame.lang, frame.arrival, frame.redraws)
        page = DiffusionPage(*parts, models, runs, *visitor(frame.demo))
        for tab in (image_tab, denoise_tab, guidance_tab, noise_tab, grid_tab, redraw_tab, style_tab):
            tab.build(page)
    return frame.demo


def _ids(page: gr.Blocks) -> dict[str, int]:
    return {str(getattr(block, "elem_id", "")): number for number, block in page.blocks.items()}


def test_the_next_seed_is_one_further_and_begins_again_after_the_last() -> None:
    assert next_seed.advance("en", 7) == 8 and next_seed.advance("en", 7, 9) == [8, 10]
    assert next_seed.advance("en", LAST) == 0
    with pytest.raises(errors.InvalidInput):
        next_seed.advance("en", -1)


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_that_draws_has_the_button_and_draws_with_it(page: gr.Blocks, tab: str) -> None:
    ids, events = _ids(page), list(page.fns.values())
    (moves,) = [one for one in events if (ids[f"{tab}-again"], "click") in one.targets]
    (draws,) = [one for one in events if one.trigger_after == moves._id]
    go = "style-draw" if tab == "style" else f"{tab}-go"
    usual = [one for one in events if (ids[go], "click") in one.targets and one.outputs == draws.outputs]
    assert len(usual) == 1 and usual[0].inputs == draws.inputs and draws.trigger_only_on_success


def _said(models: DiffusionModels, lang: str, value: Any, **kind: Any) -> str:
    field, prompts = kind.get("field", PROMPT), kind.get("prompts", lambda value: [value])
    return asyncio.run(prompt_note._look(models, lang, field, value, prompts, ()))


def _notice(lang: str, key: str, **values: str) -> str:
    return f'<p class="notice">{text(lang, key, **values)}</p>'


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_not_read_is_said_once_the_model_is_there(models: DiffusionModels, lang: str) -> None:
    cold = DiffusionModels(models._config)
    assert _said(cold, lang, "a" * 40) == "" and cold.held() is None, "a look loads nothing"
    assert unescape(_said(models, lang, "a" * 22 + "xyz")) == _notice(lang, "image.cut", rest="xyz")
    assert "<b>" not in _said(models, lang, "a" * 22 + "<b>")
    assert _said(models, lang, "red apple") == ""
    full = unescape(_said(models, lang, "a " * 2500))
    assert _notice(lang, "image.full", limit=number(lang, 5000)) in full and "…" in full


def test_of_several_prompts_the_longest_rest_is_said(models: DiffusionModels) -> None:
    lines = "a red fox\n" + "b" * 22 + "xy\n" + "c" * 22 + "xyz"
    said = _said(models, "en", lines, field=CAPTIONS, prompts=str.splitlines)
    assert unescape(said) == _notice("en", "image.cut", rest="xyz")


def test_what_cannot_be_drawn_is_left_to_who_draws(models: DiffusionModels) -> None:
    def broken(value: str) -> list[str]:
        raise errors.InvalidInput(field="grid_values", allowed="")

    assert _said(models, "en", "a" * 40, prompts=broken) == ""
    assert _said(models, "en", "a" * 6000) == _notice("en", "image.full", limit="5,000")


@pytest.mark.parametrize("box", ["style-sampled", "style-captions", *(f"{tab}-prompt" for tab in TABS[1:])])
def test_the_box_of_every_prompt_is_watched(page: gr.Blocks, box: str) -> None:
    ids = _ids(page)
    place = ids[f"{box.removesuffix('-prompt')}-cut"]
    looks = [one for one in page.fns.values() if [block._id for block in one.outputs] == [place]]
    assert any((ids[box], "change") in one.targets for one in looks)
    assert any(one.trigger_after is not None for one in looks), "a drawing, which loads the model, asks again"
