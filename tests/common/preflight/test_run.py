"""What becomes of checks that fail, hang, break or say nothing; and the whole, once, with faults in it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common import errors
from common.config import Settings
from common.errors import Phrase
from common.preflight import checkup, generations, run
from common.preflight.finding import Finding
from common.preflight.generations import Services
from common.text.engine import EngineInfo, Finished

ROOT = Path(__file__).resolve().parents[3]


def _judged(look: Any, limit: float = 5.0) -> Finding:
    return asyncio.run(run._judged("chat", look, limit))


def test_a_check_that_fails_hangs_or_breaks_is_a_finding() -> None:
    async def fails() -> Finding:
        raise errors.OutOfMemory(available=0.3)

    async def hangs() -> Finding:
        await asyncio.sleep(60)
        raise AssertionError

    async def breaks() -> Finding:
        raise ZeroDivisionError

    failed, hung, broken = _judged(fails), _judged(hangs, 0.05), _judged(breaks)
    assert {found.level for found in (failed, hung, broken)} == {"problem"}
    assert "0.3" in str(failed.detail) and failed.advice is None  # the sentence itself says what to do
    assert "no answer within" in str(hung.detail) and hung.advice and hung.seconds >= 0.05
    assert "ZeroDivisionError" in str(broken.detail) and broken.advice


class _Silent:
    """A text model that ends at once."""

    async def info(self) -> EngineInfo:
        return EngineInfo("silent", "remote", "nowhere", 100)

    async def stream(self, request: object) -> AsyncIterator[Finished]:
        yield Finished("stop", 5, 0, 0.1, 0.1)


def test_a_model_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> Finding:
        async with Services.opened(Settings(offline=True)) as services:
            monkeypatch.setattr(services.text, "engine", _Silent)
            return await generations.chat(services)

    found = asyncio.run(look())
    assert found.level == "problem" and "nothing of use" in str(found.detail)


def test_vectors_that_find_the_wrong_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])  # the question lies where the house is
    monkeypatch.setattr(
        "common.text.retrieval.embedder.embedder", lambda: SimpleNamespace(embed=lambda texts: found[: len(texts)])
    )
    told = asyncio.run(generations.search())
    assert told.level == "problem" and "nothing of use" in str(told.detail)


def test_a_translator_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silence(*_: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(text=" ")

    monkeypatch.setattr("common.translation.passage.translate_text", silence)
    model = SimpleNamespace(
        find=lambda *_: SimpleNamespace(title="mute"), codec=lambda *_: None, engine=lambda *_: None
    )
    told = asyncio.run(generations.translation(SimpleNamespace(translation=model)))  # type: ignore[arg-type]
    assert told.level == "problem" and "nothing of use" in str(told.detail)


def test_a_run_that_ends_too_soon_is_told_of_and_deleted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("common.training.runs.command", lambda *_: [sys.executable, "-c", "raise SystemExit(3)"])

    async def look() -> Finding:
        async with Services.opened(Settings(runs_dir=tmp_path, offline=True)) as services:
            return await generations.training(services)

    found = asyncio.run(look())
    assert found.level == "problem" and found.advice
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_two_who_look_see_one_check_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = [], []

    async def slow(*_: object, **__: object) -> AsyncIterator[Finding]:
        begun.append(1)
        try:
            for check in run.CHECKS:
                await asyncio.sleep(0.01)
                yield Finding(check, "ok", Phrase("card_none"))
        finally:
            ended.append(1)

    monkeypatch.setattr(checkup, "preflight", slow)

    async def visits() -> None:
        async with Services.opened(Settings(offline=True)) as services:
            page = checkup.Checkup(services)

            async def whole() -> int:
                return [len(found) async for found in page.watch()][-1]

            assert await asyncio.gather(whole(), whole()) == [len(run.CHECKS)] * 2
            assert len(begun) == 1
            first = page.watch()
            await anext(first)
            await first.aclose()  # nobody looks any more
            await asyncio.sleep(0.05)
            assert len(begun) == 1 or len(ended) == len(begun)
            assert await whole() == len(run.CHECKS)

    asyncio.run(visits())


@pytest.mark.slow
def test_the_command_with_faults_in_it(tmp_path: Path) -> None:
    """Three spaces do their work, one has a damaged model, one a model that nobody knows."""
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(200))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = {
            "DEMYSTIFY_MODEL": str(tmp_path / "broken.gguf"),
            "DEMYSTIFY_IMAGE_MODEL": "no-such-model",
            "DEMYSTIFY_PORT": str(other.getsockname()[1]),
            "DEMYSTIFY_RUNS_DIR": str(tmp_path / "runs"),
        }
        command = [sys.executable, "-m", "common", "preflight", "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    level = {found["check"]: found["level"] for found in said["findings"]}
    assert tuple(level) == run.CHECKS and not said["ready"]
    assert {check for check in level if level[check] == "problem"} == {"port", "chat", "picture"}
    assert level["search"] == level["translation"] == level["training"] == "ok"
    detail = {found["check"]: found["detail"] for found in said["findings"]}
    assert "The model broken cannot be loaded" in detail["chat"] and "no-such-model" in detail["picture"]
    assert not any("went wrong" in words for words in detail.values())
    # Nothing is left of the run but how long it took.
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"lock", "deleted.json"}
