"""A finished model as a file, as a Space, and in an account on the hub: what arrives, for whom, and what goes wrong."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import publish_handlers
import pytest
from publish_handlers import MODEL, SPACE, PublishHandlers, choices, login_of
from transformers import AutoModelForCausalLM

from common.config import LANGUAGES, Settings
from common.publish.bundle import Bundle
from common.publish.own_model import slug
from common.training import run as child
from common.training.config import FinetuneConfig, Pace, ScratchConfig, Shape
from common.training.export import export
from common.training.instructions import pair, to_jsonl
from common.training.model_card import DESCRIPTION
from common.training.runs import Run, TrainingRuns
from common.training.samples import sample_text
from common.ui.errors import guarded
from common.ui.i18n import text
from tests.common.publish.hub_server import Hub, hub

OWNER = "a" * 32


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> Run:
    """A finished run of Fine-tune, of a tiny model."""
    runs = TrainingRuns(Settings(runs_dir=tmp_path_factory.mktemp("runs")))
    pace = Pace(steps=2, batch=2, learning_rate=2e-2, evaluate_every=10)
    origin = {"base": str(tiny_llama), "base_title": "Tiny", "base_repo": "someone/tiny", "base_licence": "Apache-2.0"}
    config = FinetuneConfig(name="Käpt’n <b>Byte</b>", owner=OWNER, row=64, pace=pace, **origin)
    made = runs.create(config, to_jsonl([pair(f"Question {number}?", f"Answer {number}.") for number in range(12)]))
    assert child.main(str(made.folder.path)) == 0
    return runs.find(made.folder.id)


@pytest.fixture
def works(run: Run) -> PublishHandlers:
    runs = TrainingRuns(Settings(runs_dir=run.folder.path.parent))

    async def find(owner: str, run_id: str | None) -> Run:
        return runs.find(run_id or "", owner)

    return PublishHandlers(find)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub() as state:
        # What is sent is sent by a process of its own.
        for name, value in {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": state.url}.items():
            monkeypatch.setenv(name, value)
        yield state
        state.open.set()


class _Request:
    """What is used of a gradio request: a session with a login, as gradio keeps it after the hub's own page."""

    session_hash = "one"

    def __init__(self, token: str | None = None, seconds: float = 3600.0) -> None:
        session = {"oauth_info": {"access_token": token, "expires_at": time.time() + seconds}} if token else {}
        self.request, self.headers = type("Inner", (), {"scope": {"session": session}})(), {"cookie": ""}


def _all(updates: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [update async for update in updates]

    return asyncio.run(collect())


def _push(works: PublishHandlers, run: Run, what: str, request: Any, lang: str = "en") -> list[str]:
    return _all(guarded(works.push)(lang, OWNER, run.folder.id, what, False, request))


async def _taken(works: PublishHandlers, run: Run, what: str, target: Path, owner: str = OWNER) -> Path:
    """The downloaded file, unpacked."""
    updates = guarded(works.download)("en", owner, run.folder.id, what, False)
    path = Path((await anext(updates))["value"])
    zipfile.ZipFile(path).extractall(target)
    await updates.aclose()
    assert not path.exists()
    (top,) = target.iterdir()
    return top


@pytest.mark.slow
def test_a_file_is_for_the_owner_alone(works: PublishHandlers, run: Run, tmp_path: Path) -> None:
    top = asyncio.run(_taken(works, run, MODEL, tmp_path / "own"))
    assert (top / "model" / "adapter_model.safetensors").exists() and (top / "README.md").exists()
    with pytest.raises(gr.Error, match="does not exist any more"):
        asyncio.run(_taken(works, run, MODEL, tmp_path / "other", "b" * 32))


@pytest.mark.slow
def test_a_space_of_it_starts_with_this_model(works: PublishHandlers, run: Run, tmp_path: Path) -> None:
    top = asyncio.run(_taken(works, run, SPACE, tmp_path / "space"))
    card = (top / "README.md").read_text("utf-8")
    assert "title: Käptn bByteb" in card and (top / "app.py").exists() and (top / "start.py").exists()
    assert "suggested_hardware: zero-a10g" in card and "preload_from_hub" not in card
    code = (
        "from common.config import settings; from common.text.models import choose, build_engine\n"
        "from common import catalog; from common.text.engines.loading import load\n"
        "chosen = choose(settings()); place = catalog.locate(chosen.model)\n"
        "print(chosen.engine, load({'name': 'x', 'path': str(place)}).name, place.resolve())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=top, capture_output=True, text=True, check=True)
    engine, _, place = done.stdout.strip().split(" ", 2)
    assert engine == "transformers" and Path(place).parent == top
    AutoModelForCausalLM.from_pretrained(place)  # whole: it needs no base


@pytest.mark.slow
def test_a_model_goes_into_the_account_of_who_is_logged_in(works: PublishHandlers, run: Run, server: Hub) -> None:
    preparing, uploading, *files, last, done = _push(works, run, MODEL, _Request("hf_writer"))
    assert f"File 1 of {len(files)}" in files[0] and text("en", "after.finishing") in last
    name = f"ada/{slug(run.config.name)}"
    assert f'href="{server.url}/{name}"' in done and "MB" in uploading and preparing != uploading
    kept = server.models[name]
    assert kept.private
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "reproduce.py"} <= set(kept.files)
    assert kept.files["adapter_model.safetensors"] == (run.folder.model / "adapter_model.safetensors").read_bytes()
    everything = b"".join(kept.files.values())
    assert OWNER.encode() not in everything and str(run.folder.path).encode() not in everything


@pytest.mark.slow
def test_a_whole_model_at_the_top_of_a_repository_loads_and_has_what_trains_it_again(tmp_path: Path) -> None:
    shape = Shape(layers=1, heads=2, width=16, context=16)
    config = ScratchConfig(name="Tales", shape=shape, pace=Pace(steps=20, batch=4, evaluate_every=10))
    runs = TrainingRuns(Settings(runs_dir=tmp_path / "runs"))
    made = runs.create(config, sample_text("story")[:20_000])
    assert child.main(str(made.folder.path)) == 0
    top = asyncio.run(publish_handlers._model(made, tmp_path, False, "tales"))
    assert AutoModelForCausalLM.from_pretrained(top).config.num_hidden_layers == 1
    told = (top / "README.md").read_text("utf-8")
    assert 'from_pretrained("ACCOUNT/tales")' in told and "run-config.json" in told and "/model" not in told
    # What trains it again lies there as in the file, where tests of its own try it.
    with zipfile.ZipFile(export(made.folder, tmp_path / "file.zip")) as archive:
        for name in ("reproduce.py", DESCRIPTION, config.data_file):
            assert (top / name).read_bytes() == archive.read(f"tales/{name}")


async def _stopped(works: PublishHandlers, run: Run, when: str) -> str:
    """Push, and stop when something is told that has ``when`` in it. The last that is told."""
    request: Any = _Request("hf_writer")
    told = ""
    async for told in guarded(works.push)("en", OWNER, run.folder.id, MODEL, False, request):
        if when in told:
            works.stop("en", request)
    return told


@pytest.mark.slow
def test_a_push_is_stopped_in_the_middle_of_a_file(works: PublishHandlers, run: Run, server: Hub) -> None:
    name = f"ada/{slug(run.config.name)}"
    server.open.clear()

    async def stopped_while_sending() -> str:
        pushed = asyncio.create_task(_stopped(works, run, "never told"))
        assert await asyncio.to_thread(server.sending.wait, 120)
        request: Any = _Request()
        works.stop("en", request)
        return await pushed

    told = asyncio.run(stopped_while_sending())
    assert told.startswith('<p class="quiet">Stopped. The page') and f"{server.url}/{name}" in told
    assert set(server.models[name].files) == {".gitattributes"}
    server.open.set()
    assert f'href="{server.url}/{name}"' in _push(works, run, MODEL, _Request("hf_writer"))[-1]
    assert "adapter_model.safetensors" in server.models[name].files


@pytest.mark.slow
def test_a_stop_before_and_one_too_late(works: PublishHandlers, run: Run, server: Hub) -> None:
    assert text("en", "after.stopped_before") in asyncio.run(_stopped(works, run, text("en", "after.preparing")))
    assert not server.models
    # While the hub puts the files into place nobody could tell how it ends: it is waited for.
    told = asyncio.run(_stopped(works, run, text("en", "after.finishing")))
    assert f'href="{server.url}/' in told and len(server.models) == 1


@pytest.mark.slow
def test_a_space_goes_into_the_account_too(
    works: PublishHandlers, run: Run, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = "---\ntitle: X\nemoji: 🔍\ncolorFrom: red\ncolorTo: blue\nsdk: gradio\napp_file: app.py\n---\n"

    def small(model: Path, name: str) -> Bundle:
        return Bundle("chat", "cpu-basic", {"own/config.json": model / "config.json"}, {"README.md": card})

    monkeypatch.setattr(publish_handlers, "chat_space", small)  # the real one holds a hundred megabytes more
    done = _push(works, run, SPACE, _Request("hf_writer"))[-1]
    name = f"ada/{slug(run.config.name)}-chat"
    assert f'href="{server.url}/spaces/{name}"' in done
    assert set(server.spaces[name].files) == {".gitattributes", "README.md", "own/config.json"}
    assert server.spaces[name].hardware == "zero-a10g"  # what a free account may have
    with pytest.raises(gr.Error, match="not let this account make one more"):
        _push(works, run, SPACE, _Request("hf_free"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_a_login_it_is_said_what_to_do(works: PublishHandlers, run: Run, lang: str) -> None:
    for nobody in (_Request(), _Request("hf_writer", seconds=-1.0)):
        with pytest.raises(gr.Error, match="hf auth login"):
            _push(works, run, MODEL, nobody, lang)


def test_the_login_of_this_machine_is_the_presenters_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_of_this_machine")
    request: Any = _Request()
    assert login_of(request) is None
    monkeypatch.setattr(publish_handlers, "is_presenter", lambda request: True)
    assert login_of(request) == "hf_of_this_machine"
    monkeypatch.setenv("OAUTH_CLIENT_ID", "x")  # on a Space the machine's token is the Space's owner's
    assert login_of(request) is None


def test_a_space_is_offered_where_all_is_here_that_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choices() == (MODEL, SPACE)
    monkeypatch.setattr(publish_handlers, "offered", lambda: False)  # a train Space that stands alone
    assert choices() == (MODEL,)


def test_a_name_is_made_into_one_that_the_hub_takes() -> None:
    assert slug("Käpt’n Byte!") == "k-pt-n-byte"
    assert slug("日本") == "model" and len(slug("x" * 200)) == 60


@pytest.mark.slow
def test_a_space_of_a_model_from_scratch_opens_where_it_completes(tmp_path: Path) -> None:
    runs = TrainingRuns(Settings(runs_dir=tmp_path / "runs"))
    shape = Shape(layers=1, heads=2, width=32, context=32)
    config = ScratchConfig(name="Mine", owner=OWNER, shape=shape, pace=Pace(steps=2, batch=2, evaluate_every=2))
    made = runs.create(config, sample_text("story")[:20_000])
    assert child.main(str(made.folder.path)) == 0

    async def find(owner: str, run_id: str | None) -> Run:
        return runs.find(run_id or "", owner)

    run = runs.find(made.folder.id)
    top = asyncio.run(_taken(PublishHandlers(find), run, SPACE, tmp_path / "space"))
    assert "# Continue texts with Mine" in (top / "README.md").read_text("utf-8")
    code = (
        "import app, asyncio; from common.text.models import TextModels\n"
        "from common.text.engine import GenerationRequest, TokenBundle\n"
        "models = TextModels(); page = app.build(models)\n"
        "print(next(block.selected for block in page.blocks.values() if block.get_block_name() == 'tabs'))\n"
        "async def write():\n"
        "    events = [e async for e in models.engine().stream(GenerationRequest(prompt='One day '))]\n"
        "    print(any(isinstance(e, TokenBundle) for e in events)); await models.close()\n"
        "asyncio.run(write())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=top, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["completion", "True"]
