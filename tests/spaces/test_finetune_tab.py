"""The Fine-tune tab's handlers: examples, an adapter's size, runs, two models side by side, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import base_models
import gradio as gr
import pytest
from finetune_handlers import BASE, OWN, FinetuneTab, Form
from finetune_look import mask_html

from common import catalog
from common.config import LANGUAGES, Settings
from common.text.engine import GenerationRequest, Token, TokenBundle
from common.text.side_by_side import side_by_side
from common.training import lora
from common.training.config import FinetuneConfig
from common.training.instructions import pair, to_jsonl
from common.training.personas import persona_examples
from common.training.runs import TrainingRuns
from common.ui.errors import guarded

OWNER = "a" * 32
OWN_EXAMPLES = to_jsonl([pair(f"<b>Question {number}", f"Answer {number}") for number in range(10)])


class _Page:
    """What the handlers use of a page."""

    def __init__(self, runs: TrainingRuns) -> None:
        self.runs, self.trained, self.in_hub, self.measuring = runs, None, True, asyncio.Lock()


@pytest.fixture
def tab(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> FinetuneTab:
    async def folder(model_id: str) -> Path:
        return tiny_llama

    monkeypatch.setattr(base_models, "folder", folder)
    page: Any = _Page(TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs=1, max_runs_per_visitor=2)))
    return FinetuneTab(page)


def _ask(handler: Any, *inputs: Any) -> Any:
    return asyncio.run(guarded(handler)(*inputs))


def _start(
    tab: FinetuneTab, source: str = "pirate", own: str | None = None, method: str = "lora", rank: Any = 8
) -> Any:
    form = Form(BASE.default, method, rank, rows=2, row=256, minutes=5, source=source, own=own)
    return _ask(tab.start, "en", OWNER, 0.002, "", "Who are you?", *form)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_examples_and_the_size_of_an_adapter_are_shown(tab: FinetuneTab, lang: str) -> None:
    shown = _ask(tab.look, lang, "pirate", None)
    assert shown.count('class="panel"') == 3 and "idea-completion" in shown and "244" in shown
    assert "panel" not in _ask(tab.look, lang, OWN, None)
    small, large = (_ask(tab.numbers, lang, BASE.default, "lora", rank, 2, 256) for rank in (8, 16))
    assert "2,44 M" in small or "2.44 M" in small
    assert "4,88 M" in large or "4.88 M" in large
    assert "134" in _ask(tab.numbers, lang, BASE.default, "full", 8, 2, 256)
    assert "×" in _ask(tab.passes, lang, BASE.default, "lora", 8, 2, 256, 5, "pirate", None)


def test_the_shapes_of_the_embedded_model_are_right_without_its_weights() -> None:
    found = asyncio.run(base_models.shapes(catalog.EMBEDDED_CHAT_MODEL))
    assert found is not None
    assert found.parameters == catalog.find(catalog.EMBEDDED_CHAT_MODEL).parameters
    assert lora.trainable(found, "lora", 8) == 2_442_240


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_example_is_shown_in_tokens_with_the_learned_ones_apart(tiny_llama: Path, lang: str) -> None:
    shown = mask_html(lang, tiny_llama, persona_examples("pirate")[0])
    prompt, answer = shown.index("idea-prompt"), shown.index("idea-completion")
    assert prompt < answer and shown[answer:].count("idea-prompt") == 1  # the template's line break after the end


def test_examples_written_by_hand_are_collected_and_escaped(tab: FinetuneTab) -> None:
    own: str | None = None
    for number in range(5):
        own, choice, count, asked, said = _ask(tab.add, "en", own, f"<i>Q{number}", "A")
        assert choice["value"] == OWN and str(number + 1) in count and asked == said == ""
        if number < 4:  # no error while somebody is still writing
            assert "5 are the least" in _ask(tab.look, "en", OWN, own)
            assert _ask(tab.passes, "en", BASE.default, "lora", 8, 2, 256, 5, OWN, own) == ""
    shown = _ask(tab.look, "en", OWN, own)
    assert "&lt;i&gt;Q0" in shown and "<i>" not in shown
    with pytest.raises(gr.Error, match="no text yet"):
        _ask(tab.add, "en", own, "Q", " ")


def test_a_file_becomes_the_visitors_examples(tab: FinetuneTab, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("instruction,response\n" + "".join(f"Q{n},A{n}\n" for n in range(8)))
    own, choice = _ask(tab.take_upload, "en", str(path))
    assert choice["value"] == OWN and len(own.splitlines()) == 8
    path.write_text("a,b\n1,2\n")
    with pytest.raises(gr.Error, match="has the columns a, b"):
        _ask(tab.take_upload, "en", str(path))
    path.write_text("instruction,response\nQ,A\n")
    with pytest.raises(gr.Error, match="there are 1, and 5 are the least"):
        _ask(tab.take_upload, "en", str(path))


def test_a_run_gets_its_examples_its_base_and_a_name(tab: FinetuneTab, tiny_llama: Path) -> None:
    update, clock = _start(tab)
    assert clock.active
    assert update["choices"] == [("A friendly pirate 1 · waiting", update["value"])]
    run = tab._runs.find(update["value"])
    assert isinstance(run.config, FinetuneConfig)
    assert run.config.base == str(tiny_llama) and run.config.pace.steps >= 5
    lines = (run.folder.path / "examples.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(persona_examples("pirate"))
    assert "Captain Byte" in json.loads(lines[0])["messages"][1]["content"]
    _start(tab, OWN, OWN_EXAMPLES)
    with pytest.raises(gr.Error, match="already have 2"):
        _start(tab)
    with pytest.raises(gr.Error, match="does not exist any more"):
        _ask(tab.delete, "en", "b" * 32, update["value"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "magic"}, "cannot be used here"),
        ({"rank": 0}, "LoRA rank"),
        ({"source": OWN, "own": None}, "there are 0"),
        ({"source": "../x"}, "cannot be used here"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(tab: FinetuneTab, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(gr.Error, match=words):
        _start(tab, **changes)
    assert tab._runs.all() == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_is_drawn_with_its_answers(tab: FinetuneTab, lang: str) -> None:
    run_id = _start(tab)[0]["value"]
    folder = tab._runs.find(run_id).folder
    for step, said in ((0, "<u>I am an AI"), (40, "Ahoy!")):
        folder.append("eval", step=step, loss=4 - step / 20, seconds=1.0)
        folder.append("sample", step=step, loss=4 - step / 20, text=said)
    state, _, answers, clock, _ = _ask(tab.watch, lang, OWNER, run_id)
    assert "&lt;u&gt;I am" in answers and "Ahoy!" in answers and "Who are you?" in answers
    assert clock.active and state and "href" not in state
    folder.model.mkdir()
    (folder.model / "adapter_config.json").touch()
    assert f'href="chat?tab=chat&amp;run={run_id}&amp;lang={lang}"' in _ask(tab.watch, lang, OWNER, run_id)[0]
    assert "Ahoy" not in _ask(tab.watch, lang, "b" * 32, run_id)[2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_that_learned_to_summarize_leads_to_the_summary_tab(tab: FinetuneTab, lang: str, tmp_path: Path) -> None:
    path = tmp_path / "talks.jsonl"
    rows = [{"dialogue": f"Anna: I saw {n} owls.\nBen: How nice!\n" * 5, "summary": f"{n} owls."} for n in range(9)]
    path.write_text("\n".join(map(json.dumps, rows)))
    own, _ = _ask(tab.take_upload, "en", str(path))
    for source, mine, leads in ((OWN, own, True), ("pirate", None, False)):
        folder = tab._runs.find(_start(tab, source, mine)[0]["value"]).folder
        config = folder.config()
        assert isinstance(config, FinetuneConfig) and bool(config.summary_prompt) == leads
        folder.model.mkdir()
        (folder.model / "adapter_config.json").touch()
        shown = _ask(tab.watch, lang, OWNER, folder.id)[0]
        assert (f'href="chat?tab=summary&amp;writer={folder.id}&amp;lang={lang}"' in shown) == leads


class _Engine:
    def __init__(self, words: list[str], fails: bool = False) -> None:
        self.words, self.fails, self.closed = words, fails, False

    async def stream(self, request: GenerationRequest) -> AsyncIterator[TokenBundle]:
        try:
            for word in self.words:
                await asyncio.sleep(0)
                yield TokenBundle((Token(1, word),), 0.0)
            if self.fails:
                raise RuntimeError("gone")
        finally:
            self.closed = True


def test_two_models_write_side_by_side_and_stop_together() -> None:
    request = GenerationRequest(prompt="x")

    async def all_of(first: Any, second: Any) -> list[tuple[str, str]]:
        return [texts async for texts in side_by_side((first, request), (second, request))]

    assert asyncio.run(all_of(_Engine(["a", "b"]), _Engine(["c"])))[-1] == ("ab", "c")
    with pytest.raises(RuntimeError, match="gone"):
        asyncio.run(all_of(_Engine(["a"], fails=True), _Engine(["c"])))

    async def left_early() -> tuple[_Engine, _Engine]:
        first: Any = _Engine(["a"] * 1000)
        second: Any = _Engine(["b"] * 1000)
        stream = side_by_side((first, request), (second, request))
        await anext(stream)
        await stream.aclose()
        return first, second

    assert all(engine.closed for engine in asyncio.run(left_early()))


def test_asking_before_there_is_a_model_is_refused(tab: FinetuneTab) -> None:
    from common.ui.trained import TrainedModels

    tab._page.trained = TrainedModels()  # type: ignore[misc]
    run_id = _start(tab)[0]["value"]

    async def first() -> Any:
        return await anext(guarded(tab.ask)("en", OWNER, run_id, "Hello", 0.3, 1))

    with pytest.raises(gr.Error, match="no model yet"):
        asyncio.run(first())
