"""The visitor's own trained model in Chat and Prompt → completion: for its owner and that page alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chat_handlers import ChatTab
from completion_tab import CompletionTab, Work
from own_models import COMPLETION, OwnModels

from common import errors
from common.config import LANGUAGES, Settings
from common.training import run as child
from common.training.config import FinetuneConfig, Pace, ScratchConfig, Shape
from common.training.runs import Run, TrainingRuns
from common.training.samples import sample_text
from common.ui.errors import guarded
from common.ui.trained import TrainedModels

OWNER = "a" * 32


class _Request:
    """What is used of a gradio request."""

    def __init__(self, session: str, lang: str = "en", **query: str) -> None:
        self.session_hash, self.query_params = session, {"lang": lang, **query}
        self.headers: dict[str, str] = {}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    runs = TrainingRuns(Settings(runs_dir=tmp_path / "runs"))
    made = runs.create(FinetuneConfig(name="<My> pirate", owner=OWNER, base="/nowhere"), "{}")
    made.folder.model.mkdir()
    (made.folder.model / "adapter_config.json").write_text("{}")
    return made


@pytest.fixture
def own(run: Run) -> OwnModels:
    return OwnModels(TrainingRuns(Settings(runs_dir=run.folder.path.parent)), TrainedModels())


def _meet(own: OwnModels, owner: Any, request: Any) -> str:
    return asyncio.run(own.meet(request.query_params["lang"], owner, request))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_owner_talks_with_it_and_nobody_else_does(own: OwnModels, run: Run, lang: str) -> None:
    note = _meet(own, OWNER, _Request("one", lang, run=run.folder.id))
    assert "&lt;My&gt; pirate" in note and 'href="?tab=chat' in note
    engine = asyncio.run(own.engine("one"))
    assert engine is not None and engine is asyncio.run(own.engine("one"))
    assert asyncio.run(own.engine("two")) is None
    for stranger in ("b" * 32, "", None):
        with pytest.raises(errors.NoRunOfLink, match="The run of this link"):
            _meet(own, stranger, _Request("two", run=run.folder.id))
    assert asyncio.run(own.engine("two")) is None
    request: Any = _Request("one", lang)
    own.forget(request)
    assert asyncio.run(own.engine("one")) is None and own.name(lang, request) == ""


def test_a_page_that_names_no_run_has_the_usual_model(own: OwnModels) -> None:
    assert _meet(own, OWNER, _Request("one")) == ""
    assert asyncio.run(own.engine("one")) is None


def test_a_model_that_was_deleted_meanwhile_is_said(own: OwnModels, run: Run) -> None:
    _meet(own, OWNER, _Request("one", run=run.folder.id))
    (run.folder.model / "adapter_config.json").unlink()
    with pytest.raises(errors.NotTrainedYet):
        asyncio.run(own.engine("one"))


def test_the_chat_tab_asks_the_pages_own_model(own: OwnModels, run: Run) -> None:
    class Models:
        def engine(self) -> str:
            return "usual"

    class Page:
        models, own = Models(), None

    page: Any = Page()
    page.own = own
    tab = ChatTab(page)
    _meet(own, OWNER, _Request("one", run=run.folder.id))
    assert asyncio.run(tab._engine("two")) == "usual"
    assert asyncio.run(tab._engine("one")) is asyncio.run(own.engine("one"))


@pytest.fixture(scope="module", params=["char", "bpe"])
def scratch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run from scratch of a tiny model."""
    runs = TrainingRuns(Settings(runs_dir=tmp_path_factory.mktemp("runs")))
    config = ScratchConfig(
        name="Mine",
        owner=OWNER,
        tokenizer=request.param,
        vocabulary=300,
        shape=Shape(layers=1, heads=2, width=32, context=32),
        pace=Pace(steps=3, batch=2, evaluate_every=3),
    )
    made = runs.create(config, sample_text("story")[:20_000])
    assert child.main(str(made.folder.path)) == 0
    return runs.find(made.folder.id)


@pytest.mark.slow
def test_a_model_from_scratch_completes_for_its_owner(scratch: Run) -> None:
    trained = TrainedModels()
    own = OwnModels(TrainingRuns(Settings(runs_dir=scratch.folder.path.parent)), trained)

    class Page:
        models = None  # the usual model must not be asked

    page: Any = Page()
    page.own = own
    tab, address = CompletionTab(page), {"tab": COMPLETION, "run": scratch.folder.id}

    async def complete() -> Work:
        work = Work()
        asked: Any = _Request("one", **address)
        other: Any = _Request("two", **address)
        with pytest.raises(errors.NoRunOfLink):
            await own.meet("en", "b" * 32, other, COMPLETION)
        assert await own.meet("en", OWNER, asked) == ""  # the address means another tab
        assert "Mine" in await own.meet("en", OWNER, asked, COMPLETION)
        try:
            async for _ in guarded(tab.complete)("en", work, "One day ", 1.0, 1.0, 0, 60, 1, asked):
                pass
        finally:
            await trained.close()
        return work

    branch = asyncio.run(complete()).branch
    assert branch.made and len(branch.ids) <= 32  # as far as its context goes
    assert branch.candidates is not None and len(branch.candidates) == len(branch.made) + 1
    assert asyncio.run(own.engine("two", COMPLETION)) is None and asyncio.run(own.engine("one")) is None
