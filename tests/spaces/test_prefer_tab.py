"""The Align tab's handlers: choices kept in the browser, runs that begin with the right model, and what goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import base_models
import gradio as gr
import pytest
from prefer_handlers import BASE, QUESTIONS, PreferTab, _row

from common.config import LANGUAGES, Settings
from common.training.config import FinetuneConfig, PreferenceConfig
from common.training.pairs import Pair, from_jsonl, kept_pairs, to_jsonl
from common.training.runs import Run, TrainingRuns
from common.ui.errors import guarded

OWNER = "a" * 32
KEPT = to_jsonl(Pair(f"Q{number}", f"<b>good {number}", "bad") for number in range(6))


class _Page:
    """What the handlers use of a page."""

    def __init__(self, runs: TrainingRuns) -> None:
        self.runs, self.trained, self.in_hub = runs, None, True


@pytest.fixture
def tab(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> PreferTab:
    async def folder(model_id: str) -> Path:
        return tiny_llama

    monkeypatch.setattr(base_models, "folder", folder)
    page: Any = _Page(TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=5)))
    return PreferTab(page)


def _ask(handler: Any, *inputs: Any) -> Any:
    return asyncio.run(guarded(handler)(*inputs))


def _start(tab: PreferTab, start: str = BASE, kept: str = KEPT, passes: Any = 5) -> Any:
    return _ask(tab.start, "en", OWNER, start, kept, passes, 0.0005, 0.1, "", "Who are you?")


def _tuned(tab: PreferTab, method: str) -> Run:
    config = FinetuneConfig(name=method, owner=OWNER, base="/base", base_title="Base", base_repo="x/base")
    run = tab._runs.create(config.model_copy(update={"method": method}), "{}")
    run.folder.model.mkdir()
    (run.folder.model / "adapter_config.json").write_text("{}")
    run.folder.write_json("result.json", {"state": "finished"})
    return run


@pytest.mark.parametrize("lang", LANGUAGES)
def test_choices_are_kept_and_drawn_with_the_preferred_one_first(tab: PreferTab, lang: str) -> None:
    kept, drawn, following, a, b = guarded(tab.choice("b"))(lang, "", QUESTIONS[0], "<i>long", "short")
    assert from_jsonl(kept) == [Pair(QUESTIONS[0], "short", "<i>long")]
    assert drawn.index("short") < drawn.index("&lt;i&gt;long") and "<i>" not in drawn
    assert following == QUESTIONS[1] and a == b == ""
    kept, *_ = guarded(tab.choice("a"))(lang, kept, "My own?", "yes", "no")
    assert from_jsonl(kept)[1] == Pair("My own?", "yes", "no")
    assert tab.look(lang, kept).count('class="panel"') == 2


@pytest.mark.parametrize(("a", "b"), [("", ""), ("same", "same"), ("one", " ")])
def test_there_must_be_two_answers_to_choose_from(tab: PreferTab, a: str, b: str) -> None:
    with pytest.raises(gr.Error, match="two different answers"):
        guarded(tab.choice("a"))("en", "", "Q", a, b)


@pytest.mark.parametrize("kept", [None, "{", "[]", '{"x": 1}', 7, '{"question": 1, "chosen": "a", "rejected": "b"}'])
def test_what_a_browser_kept_may_be_anything(kept: Any) -> None:
    assert kept_pairs(kept) == []


def test_what_was_said_before_a_question_is_kept_and_has_room_in_a_row() -> None:
    before = (("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"))
    talk = Pair("And now?", "Yes", "No", before)
    assert kept_pairs(to_jsonl([talk])) == [talk]
    assert kept_pairs(to_jsonl([Pair("?", "Yes", "No", (("user", "x" * 6000),))])) == []
    assert (
        _row([talk]) == 256
        and _row([talk, Pair("?", "x" * 1200, "No")]) == 448
        and _row([Pair("?", "x" * 4900, "")]) == 1024
    )


def test_a_run_begins_with_the_embedded_model_or_with_a_visitors_own(tab: PreferTab, tiny_llama: Path) -> None:
    def made(start: str) -> PreferenceConfig:
        config = tab._runs.find(_start(tab, start)[0]["value"]).config
        assert isinstance(config, PreferenceConfig)
        return config

    plain = made(BASE)
    assert (plain.base, plain.adapter) == (str(tiny_llama), "") and plain.pace.steps == 15
    lora, full = _tuned(tab, "lora"), _tuned(tab, "full")
    choices = _ask(tab.starts, "en", OWNER, lora.folder.id)
    assert [value for _, value in choices["choices"]] == [BASE, full.folder.id, lora.folder.id]
    assert choices["value"] == lora.folder.id
    on_lora, on_full = made(lora.folder.id), made(full.folder.id)
    assert (on_lora.base, on_lora.adapter, on_lora.base_repo) == ("/base", str(lora.folder.model), "x/base")
    assert (on_full.base, on_full.adapter) == (str(full.folder.model), "")


def test_what_does_not_fit_is_refused_with_a_sentence(tab: PreferTab) -> None:
    with pytest.raises(gr.Error, match="there are 0, and 4"):
        _start(tab, kept="")
    with pytest.raises(gr.Error, match="does not exist any more"):
        _start(tab, start="../../etc")
    with pytest.raises(gr.Error, match="Passes"):
        _start(tab, passes=99)
    assert tab._runs.all() == []
    other = _ask(tab.starts, "en", "b" * 32, "x")
    assert other["value"] == BASE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_drawn_with_its_margin(tab: PreferTab, lang: str) -> None:
    run_id = _start(tab)[0]["value"]
    folder = tab._runs.find(run_id).folder
    numbers = {"learning_rate": 0.001, "grad_norm": 1.0, "tokens_per_second": 90.0, "memory_mb": 400.0}
    for step in range(1, 8):
        folder.append("step", step=step, loss=0.69, seconds=step, margin=step / 20 - 0.1, accuracy=0.5, **numbers)
    folder.append("sample", step=0, loss=0.69, text="<u>I am")
    state, charts, answers, clock, _ = _ask(tab.watch, lang, OWNER, run_id)
    assert charts.count("<figure") == 4 and clock.active and state
    assert charts.count('class="grid zero"') == 1  # the first margins are negative
    assert "&lt;u&gt;I am" in answers
