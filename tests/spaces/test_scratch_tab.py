"""The From scratch tab's handlers: what a visitor does, and what goes wrong."""

from __future__ import annotations

import asyncio
import html
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import scratch_handlers
from finetune_look import talk_html
from scratch_handlers import HUB, OWN, PRESET_RATES, PRESETS, ScratchTab, _config, _read_form
from scratch_look import GPT2_SMALL, curves_html, run_html, written_html

from common import catalog, errors, hardware
from common.config import LANGUAGES, Settings
from common.training.config import Shape
from common.training.runs import TrainingRuns
from common.training.shape import flops_per_token, parameters
from common.training.speed import _GUESS, measured_flops, steps_within
from common.ui.errors import guarded
from common.ui.i18n import number, text
from common.ui.visitor import new_owner

OWNER = "a" * 32
FORM = PRESETS["laptop3"]


class _Page:
    """What the handlers use of a page."""

    def __init__(self, runs: TrainingRuns) -> None:
        self.runs, self.trained, self.in_hub, self.measuring = runs, None, True, asyncio.Lock()


@pytest.fixture
def tab(tmp_path: Path) -> ScratchTab:
    page: Any = _Page(TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs=1, max_runs_per_visitor=2)))
    return ScratchTab(page)


def _ask(handler: Any, *inputs: Any) -> Any:
    return asyncio.run(guarded(handler)(*inputs))


def _start(tab: ScratchTab, source: str = "story", own: dict[str, str] | None = None, name: str = "", rate: Any = 0.003,
           form: tuple[Any, ...] = FORM) -> Any:  # fmt: skip
    return _ask(tab.start, "en", OWNER, source, own, name, rate, 0, "One day ", *form)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_its_tokens_and_the_models_size_are_shown(tab: ScratchTab, lang: str) -> None:
    assert "One day" in _ask(tab.look, lang, "story", None)
    assert _ask(tab.cut, lang, "story", None, "bpe", 400).count("<li>") == 40
    shown = _ask(tab.numbers, lang, "story", None, *FORM)
    assert re.search(r"0[.,]8\d M", shown)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_gpt2_small_is_as_published_and_says_what_it_takes_without_a_gpu(tab: ScratchTab, lang: str) -> None:
    architecture, layers, heads, width, context = PRESETS["gpu"][:5]
    shape = Shape(architecture=architecture, layers=layers, heads=heads, width=width, context=context)
    assert shape == GPT2_SMALL and parameters(shape, 50_257) == 124_439_808  # of the weights that OpenAI published
    assert PRESET_RATES["gpu"] == 6e-4 and PRESET_RATES.keys() == PRESETS.keys()
    shown = _ask(tab.numbers, lang, "story", None, *PRESETS["gpu"])
    own = parameters(shape, 8192)
    for millions in (own / 1e6, 124.44):
        assert f"{number(lang, millions, 2)} M" in shown
    speed = _GUESS / flops_per_token(shape, 8192)
    hours, days = 20 * 16 * 1024 / speed / 3600, 20 * own / speed / 86_400
    assert text(lang, "scratch.too_slow", steps=20, time=f"{number(lang, hours)} h")[:60] in html.unescape(shown)
    assert f"≈ {text(lang, 'cost.days', days=number(lang, days))}" in shown
    small = _ask(tab.numbers, lang, "story", None, *FORM)
    assert text(lang, "scratch.too_slow", steps=20, time="")[:25] not in html.unescape(small) and "GPT-2" not in small


@pytest.mark.parametrize("kind", ["char", "bpe"])
def test_a_context_that_the_text_has_not_is_refused_before_a_run(tab: ScratchTab, kind: str) -> None:
    short = "A cat sat here.\n" * 70  # the part to test with has 112 characters
    long, fits = (("llama", 1, 2, 32, context, 4, 1, kind, 260) for context in (256, 16))
    with pytest.raises(gr.Error, match="context of 256 tokens"):
        _start(tab, OWN, {OWN: short}, form=long)
    assert tab._runs.of(OWNER) == []
    _start(tab, OWN, {OWN: short}, form=fits)


@pytest.mark.slow
def test_the_speed_is_estimated_until_a_short_run_has_measured_it(tab: ScratchTab) -> None:
    small = ("llama", 1, 2, 32, 16, 4, 1, "char", 512)
    sized = ("en", "story", None, *small)
    assert text("en", "scratch.estimated") in _ask(tab.numbers, *sized)
    shown = _ask(tab.timed_numbers, *sized)
    assert text("en", "scratch.measured") in shown
    _ask(tab.time, "en", OWN, {OWN: "too short"}, *small)  # what is wrong is said elsewhere
    update, _ = _start(tab, form=small)
    steps = tab._runs.find(update["value"]).config.pace.steps
    assert f"≈ {steps:,}" in shown and tab._runs.find(update["value"]).config.name == "Tales 1"


def test_long_runs_are_compiled_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    for compiler, minutes, wanted in (("/usr/bin/g++", 3, True), ("/usr/bin/g++", 1, False), (None, 3, False)):
        monkeypatch.setattr(hardware, "cpp_compiler", lambda compiler=compiler: compiler)
        assert _config((*FORM[:6], minutes, *FORM[7:])).compiled is wanted


def test_a_hostile_text_stays_text(tab: ScratchTab) -> None:
    own = "<script>alert(1)</script> <b>bold</b>\n" * 50
    for shown in (_ask(tab.look, "en", OWN, {OWN: own}), _ask(tab.cut, "en", OWN, {OWN: own}, "char", 512)):
        assert "<script>" not in shown and "<b>bold" not in shown


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"form": ("llama", 4, 5, 128, 64, 16, 3, "char", 512)}, "5 heads cannot be built"),
        ({"form": ("llama", 99, 4, 128, 64, 16, 3, "char", 512)}, "Layers"),
        ({"form": ("bert", 4, 4, 128, 64, 16, 3, "char", 512)}, "Architecture"),
        ({"rate": 99}, "Learning rate"),
        ({"rate": "fast"}, "Learning rate"),
        ({"name": "n" * 61}, "Name of the run"),
        ({"source": OWN}, "type something first"),
        ({"source": OWN, "own": {OWN: "too short"}}, "1,000 are the least"),
        ({"source": HUB, "own": {OWN: "mine"}}, "No data set has been fetched"),
        ({"source": "elsewhere"}, "Text"),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence_and_no_run(
    tab: ScratchTab, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(gr.Error, match=sentence):
        _start(tab, **change)
    assert tab._runs.all() == []


def test_runs_get_names_wait_and_are_refused_when_there_are_too_many(tab: ScratchTab) -> None:
    update, clock = _start(tab)
    assert update["choices"] == [("Tales 1 · waiting", update["value"])]
    assert clock.active
    second, _ = _start(tab)
    assert {name for name, _ in second["choices"]} == {"Tales 1 · waiting", "Tales 2 · waiting"}
    with pytest.raises(gr.Error, match="already have 2"):
        _start(tab)
    state, curves, written, _, lists, _ = _ask(tab.watch, "en", OWNER, update["value"], None)
    assert "It starts in about" in state and curves == written == ""
    assert len(lists["choices"]) == 2
    assert _ask(tab.watch, "en", "b" * 32, update["value"], None)[0] == '<p class="quiet">No run yet.</p>'
    with pytest.raises(gr.Error, match="does not exist any more"):
        _ask(tab.stop, "en", "b" * 32, update["value"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_drawn_with_curves_samples_and_the_reason_of_its_end(tab: ScratchTab, lang: str) -> None:
    run_id = _start(tab)[0]["value"]
    folder = tab._runs.find(run_id).folder
    for step in range(1, 400):
        numbers = {"learning_rate": 0.001, "grad_norm": 1.0, "tokens_per_second": 9000.0, "memory_mb": 400.0}
        folder.append("step", step=step, loss=4 - step / 200, seconds=step / 10, **numbers)
    folder.append("eval", step=1, loss=3.9, seconds=1)
    folder.append("eval", step=399, loss=2.1, seconds=40)
    folder.append("sample", step=399, at=2.5, loss=2.1, text="<i>once</i>")
    folder.write_json("data.json", {"vocabulary": 49})
    folder.write_json("result.json", {"state": "failed", "error": errors.Diverged(rate="0.003").to_json()})
    folder.append("compiled", took=12.4)
    run = tab._runs.find(run_id)
    assert "0.003" in run_html(lang, run)
    assert text(lang, "scratch.compiled", seconds=12) in run_html(lang, run)
    folder.append("compiled", took=None)
    assert text(lang, "scratch.not_compiled") in run_html(lang, run)
    curves = curves_html(lang, [run])
    assert curves.count("<figure") == 3
    assert len(max(re.findall(r'points="([^"]*)"', curves), key=len).split()) <= 120
    assert "&lt;i&gt;once" in written_html(lang, [run])
    assert curves_html(lang, [run, run]).count("<figure") == 1
    assert measured_flops(tab._runs) > 1e9


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_finished_model_has_a_way_to_the_tab_that_completes_texts(tab: ScratchTab, lang: str) -> None:
    run_id = _start(tab)[0]["value"]
    assert "<a " not in _ask(tab.watch, lang, OWNER, run_id, None)[0]
    folder = tab._runs.find(run_id).folder
    folder.model.mkdir()
    (folder.model / "config.json").write_text("{}")
    shown = _ask(tab.watch, lang, OWNER, run_id, None)[0]
    assert f'href="chat?tab=completion&amp;run={run_id}&amp;prompt=One+day+&amp;lang={lang}"' in shown
    alone = talk_html(lang, tab._runs.find(run_id), in_hub=False)
    assert "<a " not in alone and text(lang, "finetune.talk_elsewhere") in alone


def test_a_data_set_of_the_hub_is_a_text_beside_ones_own(tab: ScratchTab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetched(name: str, column: str) -> str:
        return f"{name} {column} went to the mill.\n" * 100

    monkeypatch.setattr(scratch_handlers, "fetch", fetched)
    mine, _ = _ask(tab.paste, "en", None, "My own text, and nothing else.\n" * 100)
    both, chosen = _ask(tab.fetch, "en", mine, "someone/tales", "story")
    assert chosen["value"] == HUB and "My own text" in _ask(tab.look, "en", OWN, both)
    assert "someone/tales story went" in _ask(tab.look, "en", HUB, both)
    update, _ = _start(tab, HUB, both)
    assert tab._runs.find(update["value"]).config.name == "Data set of the hub 1"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_the_hub_it_is_said_what_to_do(tab: ScratchTab, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setattr(catalog, "hub_reachable", lambda: False)
    with pytest.raises(gr.Error) as told:
        _ask(tab.fetch, lang, None, "someone/tales", "")
    reason = text(lang, "phrase.hub_unreachable")
    assert text(lang, "error.dataset_unavailable", name="someone/tales", reason=reason) == told.value.message
    for wrong in ("tales", "../tales", "a/b/c", "https://a/b", "a b/c", ""):
        with pytest.raises(gr.Error, match="owner/name"):
            _ask(tab.fetch, lang, None, wrong, "")


def test_more_minutes_are_more_steps() -> None:
    shape = _read_form(FORM)[0]
    few, many = (steps_within(shape, 50, 16, minutes, 2e10) for minutes in (1, 10))
    assert 20 <= few < many / 9


def test_a_visitor_keeps_a_token_that_is_one() -> None:
    assert new_owner(OWNER) == OWNER
    for strange in ("", None, "../../etc/passwd", 7, "a" * 33):
        assert re.fullmatch(r"[0-9a-f]{32}", new_owner(strange))
