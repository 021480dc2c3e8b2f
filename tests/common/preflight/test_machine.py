"""Disk, memory, port and card, each with its fault."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from common import catalog, hardware
from common.config import Settings
from common.preflight import machine


def test_the_embedded_models_are_found_or_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert machine.models().level == "ok"
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    found = machine.models()
    assert found.level == "problem" and "emoji-diffusion" in str(found.detail) and "make demo" in str(found.advice)
    assert "smollm2-135m-instruct" not in str(found.detail)  # comes with its package


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    config = Settings(cache_dir=tmp_path / "cache", runs_dir=tmp_path / "new" / "runs")
    assert machine.disk(config).level in ("ok", "note")  # whatever this machine has
    (tmp_path / "file").touch()
    found = machine.disk(config.model_copy(update={"runs_dir": tmp_path / "file" / "runs"}))
    assert found.level == "problem" and "DEMYSTIFY_RUNS_DIR" in str(found.advice)


@pytest.mark.parametrize(("free", "level"), [(0.4e9, "problem"), (2.5e9, "note"), (9e9, "ok")])
def test_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: float, level: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    found = machine.disk(Settings(cache_dir=tmp_path, runs_dir=tmp_path))
    assert found.level == level and (found.advice is None) == (level == "ok")
    assert f"{free / 1e9:.1f}" in str(found.detail)


@pytest.mark.parametrize(("free", "level"), [(0.0, "problem"), (100.0, "ok")])
def test_too_little_memory(monkeypatch: pytest.MonkeyPatch, free: float, level: str) -> None:
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: free)
    monkeypatch.setattr("psutil.Process.memory_info", lambda process: SimpleNamespace(rss=0))
    assert machine.memory().level == level


def test_what_this_program_has_taken_counts_as_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_memory_gb", lambda: 0.5)
    monkeypatch.setattr("psutil.Process.children", lambda process, recursive: [])
    monkeypatch.setattr("psutil.Process.memory_info", lambda process: SimpleNamespace(rss=3e9))
    assert machine.memory().level == "ok"


def test_a_port_that_is_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = Settings(port=other.getsockname()[1])
        found = machine.port(config, own=False)
        assert found.level == "problem" and f"--port {config.port + 1}" in str(found.advice)
        assert machine.port(config, own=True).level == "ok"  # it is this page's
    assert machine.port(config, own=False).level == "ok"


def test_the_card_that_is_lent_and_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: False)
    assert "processor" in str(asyncio.run(machine.card()).detail)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert "ZeroGPU" in str(asyncio.run(machine.card()).detail)


@pytest.mark.parametrize(
    ("printed", "level", "said"),
    [
        ("['', 0, 0]", "note", "torch cannot use"),
        ("['Card X', 3e9, 8e9]", "ok", "Card X, 3.0 of 8.0 GB"),
        ("1 / 0", "note", "torch cannot use"),
    ],
)
def test_a_card_is_asked_in_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, printed: str, level: str, said: str
) -> None:
    monkeypatch.setattr(hardware, "has_nvidia_gpu", lambda: True)
    monkeypatch.setattr(machine, "_CARD", f"import json; print(json.dumps({printed}))")
    found = asyncio.run(machine.card())
    assert found.level == level and said in str(found.detail)
    assert (found.advice is None) == (level == "ok")
