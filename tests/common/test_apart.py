"""Modules in processes of their own: their answers, their errors, their sudden end, and none outlives its asker."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from common import errors
from common.apart import ask_module, run_module


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Asks a module of these lines, as a coroutine."""

    def asked(lines: str, *arguments: str, **options: Any) -> Any:
        (tmp_path / "answering.py").write_text(f"import json, os, sys, time\n{lines}\n", encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return ask_module("answering", *arguments, environment=environment, **options)

    return asked


def test_the_last_line_is_the_answer(ask: Any) -> None:
    said = asyncio.run(ask("print('loading')\nprint(json.dumps({'words': sys.argv[1:]}))", "ä b", "c"))
    assert said == {"words": ["ä b", "c"]}


def test_an_error_is_its_own_one(ask: Any) -> None:
    problem = errors.PromptTooLong(tokens=9, limit=8).to_json()
    with pytest.raises(errors.PromptTooLong, match="at least 9 tokens"):
        asyncio.run(ask(f"print('loading')\nprint(json.dumps({problem!r}))\nsys.exit(1)"))


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "raise ValueError", "print('nothing')"])
def test_without_an_answer_it_is_what_the_asker_says(ask: Any, end: str) -> None:
    with pytest.raises(errors.MeasuringTooLarge):
        asyncio.run(ask(end, died=errors.MeasuringTooLarge))
    with pytest.raises(errors.DemystifyError):
        asyncio.run(ask(end))


def test_it_ends_with_its_asker(ask: Any) -> None:
    async def leave() -> None:
        asking = asyncio.create_task(ask("time.sleep(600)"))
        await asyncio.to_thread(_wait_until_running, True)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.to_thread(_wait_until_running, False)

    asyncio.run(leave())


def _wait_until_running(wanted: bool) -> None:
    for _ in range(600):
        children = psutil.Process().children()
        if wanted == any(one.status() != psutil.STATUS_ZOMBIE and "answering" in one.cmdline() for one in children):
            return
        time.sleep(0.05)
    raise AssertionError("it has not begun" if wanted else "it has not ended")


def test_a_module_that_only_works_gives_its_code() -> None:
    assert run_module("common.text.convert", "--help") == 0
    assert run_module("common.text.convert", "--no-such-option") == 2
