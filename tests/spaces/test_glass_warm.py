"""The model to look inside is loaded when somebody comes to a tab that needs it, once, and tried again if it failed."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import glass_warm
import gradio as gr
import player_look
import pytest
from glass_warm import Warming

from common import errors
from common.translation.models import TranslationModels
from common.ui.page import page_frame


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The directions that were warmed, instead of warming them; the first attempt fails."""
    made: list[tuple[str, str]] = []

    def warm_up(models: Any, sentence: str, source: str, target: str) -> None:
        made.append((source, target))
        if len(made) == 1:
            raise errors.OutOfMemory(available=0.1)

    monkeypatch.setattr(glass_warm, "warm_up", warm_up)
    monkeypatch.setattr(glass_warm, "_LATER", 0.0)
    return made


def test_once_and_again_after_a_failure(begun: list[tuple[str, str]]) -> None:
    warming = Warming(TranslationModels())
    warming.begin()
    for thread in [one for one in threading.enumerate() if isinstance(one, threading.Timer)]:
        thread.join(10)
    assert not warming.ready.is_set() and begun == [("sk", "en")]
    warming.begin()
    warming.begin()
    assert warming.ready.wait(10)
    assert begun == [("sk", "en"), ("sk", "en"), ("en", "sk")]


def test_by_the_tab_and_by_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(Warming, "begin", lambda self: begun.append(True))
    with page_frame("translate") as page, gr.Tabs():
        with gr.Tab(id="player") as tab:
            gr.Markdown("")
        Warming(TranslationModels()).watch(page, "player", tab)
    for query, wanted in (({}, 0), ({"tab": "align"}, 0), ({"tab": "player"}, 1)):
        page.arrival.updates(SimpleNamespace(query_params=query, headers={}))  # type: ignore[arg-type]
        assert len(begun) == wanted
    chosen = [fn for fn in page.demo.fns.values() if any(event == "select" for _, event in fn.targets)]
    assert len(chosen) == 1 and chosen[0].fn is not None
    chosen[0].fn()
    assert len(begun) == 2


@pytest.mark.slow
def test_the_real_models_are_warm() -> None:
    models = TranslationModels()
    warming = Warming(models)
    warming.begin()
    assert warming.ready.wait(120)
    for source, target in (("sk", "en"), ("en", "sk")):
        assert id(models.glass(source, target).model) in player_look._warm
