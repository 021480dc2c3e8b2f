"""The chat space as a program meets it: the API streams, refuses nonsense with a sentence, and frees its place."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from common import catalog
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, TextModels

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(engine: ProcessEngine) -> Iterator[TextModels]:
    """The app's model service, on the engine that all tests share; its glass box is a process of its own."""
    service = TextModels()
    service._engine, service._choice = engine, Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino")
    yield service
    if service._glass is not None:
        asyncio.run(service._glass.close())


@pytest.fixture(scope="module")
def client(models: TextModels) -> Iterator[Client]:
    import app as chat_app

    demo = chat_app.build(models)
    demo.queue(default_concurrency_limit=None)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, server_port=None)
    yield Client(url, verbose=False)
    demo.close()


def _ask(content: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content}]


def test_the_answer_grows(client: Client) -> None:
    job = client.submit(_ask("Tell me about rivers."), 0.5, 0.9, 60, 3, 1.0, api_name="/chat")
    final = job.result()
    steps = job.outputs()
    assert len(steps) >= 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(steps))
    assert steps[-1] == final
    assert client.predict(_ask("Tell me about rivers."), 0.5, 0.9, 60, 3, 1.0, api_name="/chat") == final


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((_ask("Hi"), 99, 0.9, 60, 3, 1.0), "Temperature.*from 0 to 2"),
        ((_ask("Hi"), 0.5, 0.9, 10**9, 3, 1.0), "Longest answer.*whole number from 1 to"),
        ((_ask("Hi"), 0.5, "many", 60, 3, 1.0), "top_p"),
        ((_ask("   "), 0.5, 0.9, 60, 3, 1.0), "type something first"),
        (([], 0.5, 0.9, 60, 3, 1.0), "type something first"),
        (([{"role": "wizard", "content": "Hi"}], 0.5, 0.9, 60, 3, 1.0), "Messages"),
        ((_ask("word " * 10_000), 0.5, 0.9, 60, 3, 1.0), "20,000 characters"),
    ],
)
def test_nonsense_gets_a_sentence(client: Client, arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name="/chat")


def test_a_client_that_leaves_frees_its_place(client: Client, engine: ProcessEngine) -> None:
    job = client.submit(_ask("Write a very long story."), 0.9, 0.9, 512, 3, 1.0, api_name="/chat")
    deadline = time.monotonic() + 30
    while engine.active == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert engine.active == 1
    job.cancel()
    while engine.active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine.active == 0


def test_the_next_token_has_alternatives(client: Client) -> None:
    rows = client.predict("The capital of France is", 5, api_name="/next_token")
    assert len(rows) == 5
    assert rows[0]["text"] == " Paris" and rows[0]["probability"] == max(row["probability"] for row in rows)
    assert sum(row["probability"] for row in rows) <= 1
    with pytest.raises(AppError, match="from 1 to 100"):
        client.predict("The capital of France is", 0, api_name="/next_token")
