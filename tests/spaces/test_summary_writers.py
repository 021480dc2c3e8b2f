"""Who writes in the Summary tab: a visitor's own runs are offered to their owner alone, each with its own prompt."""

from __future__ import annotations

import asyncio
import re
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from common import catalog, errors
from common.config import LANGUAGES, Settings
from common.text.models import TextModels
from common.training.config import FinetuneConfig, Method
from common.training.runs import Run, TrainingRuns
from common.ui.i18n import text
from common.ui.trained import TrainedModels

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from own_models import OwnModels
from summary_handlers import SummaryTab
from summary_writers import BASE, WITH, WRITER, Writer, Writers

from tests.spaces.test_summary_tab import VISITOR, _form, _tab

OWNER, STRANGER = "a" * 32, "b" * 32
PROMPT = "Sum up:\n\n{text}"
EMBEDDED = catalog.find(catalog.EMBEDDED_CHAT_MODEL).title


def _request(**query: str) -> Any:
    """What is used of a gradio request."""
    return SimpleNamespace(session_hash="one", query_params={"tab": "summary", **query})


class _Models:
    """A page's model of this name, never started."""

    def __init__(self, name: str = catalog.EMBEDDED_CHAT_MODEL) -> None:
        self.name = name

    def engine(self) -> Any:
        return self


@pytest.fixture
def runs(tmp_path: Path) -> TrainingRuns:
    return TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=9))


def _made(runs: TrainingRuns, name: str, prompt: str = PROMPT, method: Method = "lora", model: bool = True) -> Run:
    config = FinetuneConfig(
        name=name, owner=OWNER, base="/nowhere", base_title=EMBEDDED, method=method, summary_prompt=prompt
    )
    run = runs.create(config, "{}")
    if model:
        run.folder.model.mkdir()
        (run.folder.model / ("config.json" if method == "full" else "adapter_config.json")).touch()
    return run


def _writers(runs: TrainingRuns, model: str = catalog.EMBEDDED_CHAT_MODEL) -> Writers:
    models: Any = _Models(model)
    return Writers(models, OwnModels(runs, TrainedModels()))


def _page_tab(runs: TrainingRuns) -> SummaryTab:
    from summary_form import WORDS

    from common.ui.fields import Link

    tab = _tab()
    tab._writers = _writers(runs)
    tab.link = Link({"tab": "summary"}, {"writer": WRITER, "words": WORDS})
    return tab


def test_the_owner_is_offered_what_can_summarize(runs: TrainingRuns) -> None:
    mine, whole = _made(runs, "<b>Talks"), _made(runs, "All weights", method="full")
    _made(runs, "Pirate", prompt="")
    _made(runs, "At work", model=False)
    writers = _writers(runs)
    found = asyncio.run(writers.runs(OWNER))
    assert sorted(found) == sorted([("<b>Talks", mine.folder.id), ("All weights", whole.folder.id)])
    nobodies: tuple[Any, ...] = (STRANGER, "", None, ["a"], {})
    for nobody in nobodies:
        assert asyncio.run(writers.runs(nobody)) == []
    assert asyncio.run(Writers(TextModels(), None).runs(OWNER)) == []


def test_nobody_else_can_let_it_write_or_read_what_it_is(runs: TrainingRuns) -> None:
    run = _made(runs, "Secret talks")
    tab = _page_tab(runs)
    for stranger in (STRANGER, "", None, OWNER.upper()):
        for asked in (
            tab._writers.open(run.folder.id, stranger),
            anext(tab.run("en", VISITOR, None, "", stranger, run.folder.id, *_form())),
            anext(tab.compare("en", VISITOR, "", stranger, run.folder.id, *_form())),
        ):
            with pytest.raises(errors.NoSuchRun):
                asyncio.run(_awaited(asked))
        assert asyncio.run(tab.meter("en", stranger, run.folder.id, *_form())) == ""
        for drawn, key in (
            (asyncio.run(tab.choose_writer("en", stranger, run.folder.id)), "no_such_run"),
            (asyncio.run(tab.arrive("en", stranger, _request(writer=run.folder.id))), "no_run_of_link"),
        ):
            assert "Secret" not in str(drawn) and drawn[0]["value"] == BASE
            assert text("en", f"error.{key}") in unescape(drawn[1])


async def _awaited(asked: Any) -> Any:
    return await asked


def test_it_is_asked_with_its_own_prompt_through_a_process_of_its_own(runs: TrainingRuns) -> None:
    run = _made(runs, "Talks")
    writers = _writers(runs)
    who, engine = asyncio.run(writers.open(run.folder.id, OWNER))
    assert (who.name, who.base, who.method, who.template, who.beside) == ("Talks", EMBEDDED, "lora", PROMPT, "")
    assert engine is asyncio.run(writers.open(run.folder.id, OWNER))[1]  # one copy for all
    from summary_form import read_task

    task = read_task(*_form("Trees cool.", summary_prompt="Mine: {text}", form="abstract"))
    job = who.asked(task).job("Trees cool.")
    assert [message.content for message in job.messages] == ["Sum up:\n\nTrees cool."]
    assert who.asked(task).job("A. B.", merge=True).messages[0].content == "Sum up:\n\nA. B."
    assert Writer().asked(task) is task


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_switch_names_them_and_says_what_they_are(runs: TrainingRuns, lang: str) -> None:
    run = _made(runs, "<b>Talks")
    tab = _page_tab(runs)
    switch, said, way = asyncio.run(tab.arrive(lang, OWNER, _request(writer=run.folder.id)))
    assert switch["value"] == run.folder.id
    assert [choice for _, choice in switch["choices"]] == [BASE, WITH, run.folder.id]
    assert switch["choices"][2][0] == text(lang, "summary.writer_run", name="<b>Talks")
    assert "&lt;b&gt;Talks" in said and "Sum up:" in said and "<b>" not in said and way == ""
    assert "value" not in asyncio.run(tab.arrive(lang, OWNER, _request()))[0]
    assert "value" not in asyncio.run(tab.refresh_writers(lang, OWNER, run.folder.id))[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_that_is_gone_or_cannot_summarize_is_said(runs: TrainingRuns, lang: str) -> None:
    tab = _page_tab(runs)
    gone, pirate, early = _made(runs, "Gone"), _made(runs, "Pirate", prompt=""), _made(runs, "Early", model=False)
    runs.delete(gone.folder.id, OWNER)
    for run, key in ((gone, "no_such_run"), (pirate, "not_for_summaries"), (early, "not_trained_yet")):
        switch, said, _ = asyncio.run(tab.refresh_writers(lang, OWNER, run.folder.id))
        assert switch["value"] == BASE
        assert text(lang, f"error.{key}").replace("{name}", run.config.name) in unescape(said)
    # Who comes by a link has seen no list.
    switch, said, _ = asyncio.run(tab.arrive(lang, OWNER, _request(writer=gone.folder.id)))
    assert switch["value"] == BASE and text(lang, "error.no_run_of_link") in unescape(said)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_another_base_than_the_pages_model_is_said(runs: TrainingRuns, lang: str) -> None:
    run = _made(runs, "Talks")
    other = next(model for model in catalog.with_task("chat") if model.title != EMBEDDED)
    tab = _page_tab(runs)
    assert other.title not in asyncio.run(tab.choose_writer(lang, OWNER, run.folder.id))[1]
    tab._writers = _writers(runs, other.id)
    for choice in (run.folder.id, WITH):
        said = unescape(asyncio.run(tab.choose_writer(lang, OWNER, choice))[1])
        assert text(lang, "summary.other_base", model=EMBEDDED, other=other.title) in said
    assert asyncio.run(tab.choose_writer(lang, OWNER, BASE))[1] == ""


def test_a_link_names_an_option_or_a_run() -> None:
    assert WRITER.check("0123456789ab") == "0123456789ab" and WRITER.check(WITH) == WITH
    for wrong in ("somebody", "../../etc", "0123456789AB", "0123456789abc", None, ["base"]):
        with pytest.raises(errors.InvalidInput, match=re.escape("base, adapter, or a training run of your own")):
            WRITER.check(wrong)
