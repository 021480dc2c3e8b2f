"""Tokenizers by id: embedded ones are here, the hub's come from a hub (a small one on this machine) or its cache.

The hub tests run in a process of their own, as the hub's client reads its address once, at import.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gguf import GGUFWriter

from common import catalog, errors
from common.catalog import Model
from common.text import vocabularies
from common.text.vocabularies import ask, find, load, read

ROOT = Path(__file__).resolve().parents[3]
TOKENIZER = ROOT / "models" / "tokenizer-english-8k" / "tokenizer.json"
COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """As much of the model hub as fetching a file takes. ``mood`` is how it answers, ``asked`` what it was asked."""

    def __init__(self, mood: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.mood, self.asked = mood, list[str]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        content = b"{]" if self.server.mood == "nonsense" else TOKENIZER.read_bytes()
        if not self.path.startswith("/api/"):  # the client's own business
            self.server.asked.append(f"{self.command} {self.path}")
        if self.server.mood in ("missing", "forbidden"):
            self.send_response(404 if self.server.mood == "missing" else 403)
            self.send_header("X-Error-Code", "RepoNotFound" if self.server.mood == "missing" else "Forbidden")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[:2000] if self.server.mood == "cut" else content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hub(request: pytest.FixtureRequest) -> Iterator[Hub]:
    server = Hub(getattr(request, "param", "kind"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _elsewhere(home: Path, endpoint: str, *, offline: bool = False) -> str:
    """Load GPT-2's tokenizer in a fresh process; returns the numbers of a text, or the error's sentence."""
    code = (
        "from common.text.vocabularies import load\nfrom common.errors import TokenizerUnavailable\n"
        "try: print(load('gpt2').ids('hello world'))\nexcept TokenizerUnavailable as problem: print(problem)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DEMYSTIFY_"))}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "DEMYSTIFY_OFFLINE": str(offline)}
    environment |= {"HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_hubs_tokenizer_is_fetched_alone_and_kept(hub: Hub, tmp_path: Path) -> None:
    expected = str(load("english-8k").ids("hello world"))
    assert _elsewhere(tmp_path, hub.address) == expected
    path = "/openai-community/gpt2/resolve/main/tokenizer.json"
    assert hub.asked == [f"HEAD {path}", f"GET {path}"]
    hub.asked.clear()
    assert _elsewhere(tmp_path, hub.address, offline=True) == expected  # a second program finds it on this machine
    assert hub.asked == []


@pytest.mark.parametrize(
    ("hub", "reason"),
    [
        ("missing", "the hub has no such model"),
        ("forbidden", "the model hub cannot be reached"),
        ("cut", "the connection to the model hub broke off"),
        ("nonsense", "its tokenizer file cannot be read"),
    ],
    indirect=["hub"],
)
@pytest.mark.slow  # the client tries again a few times, waiting longer each time
def test_a_hub_in_trouble_gives_a_sentence(hub: Hub, reason: str, tmp_path: Path) -> None:
    said = _elsewhere(tmp_path, hub.address)
    assert said.startswith("The tokenizer GPT-2 cannot be loaded (") and reason in said
    assert hub.asked


def test_a_cache_without_network_is_enough(tmp_path: Path) -> None:
    """The layout that the hub's client leaves behind: a file per revision, and a name for the newest."""
    repo = tmp_path / "hub" / "models--openai-community--gpt2"
    (repo / "snapshots" / COMMIT).mkdir(parents=True)
    (repo / "snapshots" / COMMIT / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    nobody = "http://127.0.0.1:9"
    expected = str(load("english-8k").ids("hello world"))
    assert _elsewhere(tmp_path, nobody) == _elsewhere(tmp_path, nobody, offline=True) == expected


def test_without_hub_and_cache_it_is_said(tmp_path: Path) -> None:
    assert "the model hub cannot be reached" in _elsewhere(tmp_path, "http://127.0.0.1:9")
    assert "the model hub cannot be reached" in _elsewhere(tmp_path, "http://127.0.0.1:9", offline=True)


@pytest.mark.parametrize("model", catalog.with_task("tokenizer"), ids=lambda model: model.id)
def test_every_entry_is_complete(model: Model) -> None:
    assert find(model.id) is model
    assert model.embedded == (model.where != "hub")
    if model.where == "hub":
        assert model.repo.count("/") == 1 and model.size_mb
        assert not model.gguf and model.file == "tokenizer.json"
    else:
        assert load(model.id).size >= 256


def test_a_tokenizer_is_no_model_to_talk_to() -> None:
    with pytest.raises(errors.UnknownModel):
        catalog.find("european-8k")


@pytest.mark.parametrize("name", ["", "nonsense", "smollm2-135m-instruct", "../models/tokenizer-english-8k", "owner/x"])
def test_only_the_catalogues_tokenizers_are_known(name: str) -> None:
    with pytest.raises(errors.InvalidInput, match="european-8k"):
        ask(name)


def test_all_who_ask_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "_loading", {})
    asked = [ask("english-8k") for _ in range(5)]
    assert len({id(future) for future in asked}) == 1
    assert asked[0].result(20).size == 8000


def test_what_failed_is_tried_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "_loading", {})
    monkeypatch.setattr(vocabularies, "_RETRY_SECONDS", 0.2)
    first = ask("gpt2")
    with pytest.raises(errors.TokenizerUnavailable):
        first.result(20)
    assert ask("gpt2") is first
    time.sleep(0.3)
    assert ask("gpt2") is not first


def _gguf(path: Path, rule: str) -> Model:
    """A GGUF with nothing but a vocabulary of five tokens."""
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list(["a", "1", "Ġ", "Ġa", "<end>"])
    writer.add_token_types([1, 1, 1, 1, 3])
    writer.add_token_merges(["Ġ a"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return Model("small", "Small", "tokenizer", "file", gguf=path.name, folder=str(path.parent))


def test_the_vocabulary_inside_a_gguf_file(tmp_path: Path) -> None:
    tokenizer = read(_gguf(tmp_path / "small.gguf", "gpt-2"))
    pieces = tokenizer.pieces("a a11<end>")
    assert [piece.label for piece in pieces] == ["a", " a", "1", "1", "<end>"]
    assert [piece.special for piece in pieces] == [False] * 4 + [True]


def test_a_gguf_of_another_kind_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.TokenizerUnavailable, match="a rule unknown here, odd"):
        read(_gguf(tmp_path / "odd.gguf", "odd"))
    (tmp_path / "none.gguf").write_bytes(json.dumps({"no": "gguf"}).encode())
    model = Model("none", "None", "tokenizer", "file", gguf="none.gguf", folder=str(tmp_path))
    with pytest.raises(errors.TokenizerUnavailable, match="cannot be read"):
        read(model)
