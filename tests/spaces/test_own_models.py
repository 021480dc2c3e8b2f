"""The visitor's own trained model in the Chat tab: opened by its owner alone, used by that page alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chat_handlers import ChatTab
from own_models import OwnModels

from common import errors
from common.config import LANGUAGES, Settings
from common.training.config import FinetuneConfig
from common.training.runs import Run, TrainingRuns
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
