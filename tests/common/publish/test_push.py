"""Pushing to a local server that speaks the hub's API: what arrives, and what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from common.publish.bundle import ROOT
from common.publish.problem import PublishProblem
from common.publish.push import push, push_model
from tests.common.publish.hub_server import Hub, Space, hub

CARD = "---\ntitle: X\nemoji: 🔍\ncolorFrom: red\ncolorTo: blue\nsdk: gradio\napp_file: app.py\n---\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # that protocol is a program of its own
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub() as state:
        yield state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "models" / "weights.bin").write_bytes(bytes(range(256)) * 100)
    return tmp_path


def test_the_space_holds_exactly_the_folder(server: Hub, folder: Path) -> None:
    done = push(folder, "x", "zero-a10g", token="hf_writer", endpoint=server.url)
    space = server.spaces["ada/x"]
    assert (space.sdk, space.hardware) == ("gradio", "zero-a10g")
    assert done.url == f"{server.url}/spaces/ada/x" and done.commit == f"{1:040x}"
    assert set(space.files) == {".gitattributes", "README.md", "app.py", "models/weights.bin"}
    assert space.files["models/weights.bin"] == (folder / "models" / "weights.bin").read_bytes()

    (folder / "app.py").rename(folder / "start.py")
    again = push(folder, "x", "cpu-basic", token="hf_writer", endpoint=server.url)
    assert again.commit == f"{2:040x}"
    assert set(space.files) == {".gitattributes", "README.md", "start.py", "models/weights.bin"}
    assert space.hardware == "zero-a10g"  # a Space that exists keeps its machine
    assert sum(asked.startswith("PUT") for asked in server.asked) == 1  # what the hub has is not sent again


@pytest.mark.parametrize(
    ("token", "owner", "said"),
    [
        (None, None, "hf auth login"),
        ("hf_unknown", None, "does not know this token"),
        ("hf_free", None, r"at most two Gradio Spaces.*"),
        ("hf_writer", "someone-else", "for someone-else .*rights to create"),
        ("hf_writer", "a b", "“a b/x” cannot be a name"),
    ],
)
def test_what_the_hub_does_not_allow(
    server: Hub, folder: Path, token: str | None, owner: str | None, said: str
) -> None:
    with pytest.raises(PublishProblem, match=said):
        push(folder, "x", "zero-a10g", owner, token, server.url)
    assert not server.spaces


def test_what_others_have_put_there_is_left_alone(server: Hub, folder: Path) -> None:
    there = {"README.md": b"mine", "work.py": b"1"}
    server.spaces["ada/x"] = Space("gradio", "cpu-basic", files=dict(there), titles=["initial commit", "My work"])
    server.models["ada/x"] = Space("", "", files=dict(there), titles=["initial commit", "My work"])
    with pytest.raises(PublishProblem, match="ada/x already") as caught:
        push(folder, "x", "cpu-basic", token="hf_writer", endpoint=server.url)
    assert caught.value.reason.key == "hub_taken"
    with pytest.raises(PublishProblem, match="ada/x already"):
        push_model(folder, "x", "hf_writer", server.url)
    assert server.spaces["ada/x"].files == server.models["ada/x"].files == there
    server.models["ada/y"] = Space("", "")  # empty, as a push that was stopped leaves it
    push_model(folder, "y", "hf_writer", server.url)
    push_model(folder, "y", "hf_writer", server.url)
    assert server.models["ada/y"].titles == ["initial commit", *2 * ["Publish from demystify"]]


def test_a_refused_card_leaves_the_space_as_it_was(server: Hub, folder: Path) -> None:
    push(folder, "x", "zero-a10g", token="hf_writer", endpoint=server.url)
    (folder / "README.md").write_text(CARD.replace("red", "orange"))
    with pytest.raises(PublishProblem, match="colorFrom"):
        push(folder, "x", "zero-a10g", token="hf_writer", endpoint=server.url)
    assert server.spaces["ada/x"].files["README.md"].decode() == CARD


def test_no_connection(server: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PublishProblem, match="cannot be reached"):
        push(folder, "x", "zero-a10g", token="hf_writer", endpoint="http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PublishProblem, match="HF_HUB_OFFLINE"):
        push(folder, "x", "zero-a10g", token="hf_writer", endpoint=server.url)


@pytest.mark.slow
def test_the_command_publishes_a_space(server: Hub, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment |= {"HF_ENDPOINT": server.url, "HF_TOKEN": "hf_writer", "HF_HUB_DISABLE_XET": "1"}

    def publish(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "common", "publish", "diffusion", "--folder", str(tmp_path / "made"), *options]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    done = publish()
    assert done.returncode == 0, done.stderr
    assert f"published: {server.url}/spaces/ada/demystify-diffusion" in done.stdout
    files = server.spaces["ada/demystify-diffusion"].files
    assert {"start.py", "app.py", "README.md", "common/ui/theme.css"} <= set(files)
    weights = {name: content for name, content in files.items() if name.endswith(".safetensors")}
    assert weights and all(content == (ROOT / name).read_bytes() for name, content in weights.items())

    refused = publish("--dry-run")
    assert refused.returncode == 1 and "not empty" in refused.stderr and "Traceback" not in refused.stderr
