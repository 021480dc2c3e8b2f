"""The remote engine against a real server of models: ``transformers serve`` with a tiny Llama."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from common import errors
from common.config import Settings
from common.text.engine import Finished, GenerationRequest, Message, PromptRead, SamplingSettings, TokenBundle
from common.text.engines.remote import RemoteEngine
from tests.common.text.scripted_server import ask, text_of

pytestmark = pytest.mark.slow

HELLO = (Message("user", "the cat sat"),)


@dataclass(frozen=True)
class Served:
    url: str
    model: str

    def engine(self, model: str = "") -> RemoteEngine:
        return RemoteEngine(Settings(_env_file=None, remote_url=self.url, model=model or self.model), silence=60)


@pytest.fixture(scope="module")
def served(chat_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server, without network and with a Hugging Face home of its own."""
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()  # without it the server's list of models is an error
    folder = shutil.copytree(chat_folder, tmp_path_factory.mktemp("served") / "tiny-llama")
    # The server samples only if the model's own settings say so, whatever temperature is asked for.
    (folder / "generation_config.json").write_text('{"do_sample": true, "bos_token_id": 1, "eos_token_id": 2}')
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    program = Path(sys.executable).with_name("transformers")
    process = subprocess.Popen(
        [program, "serve", folder, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                if httpx2.get(f"http://127.0.0.1:{port}/health").is_success:
                    break
            except httpx2.TransportError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.2)
        yield Served(f"http://127.0.0.1:{port}/v1", str(folder))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_chat_streams(served: Served) -> None:
    request = GenerationRequest(messages=HELLO, sampling=SamplingSettings(max_new_tokens=24, ignore_eos=False, seed=1))
    first, *between, last = ask(served.engine(), request)
    assert first == PromptRead(0, 1)
    assert len([event for event in between if isinstance(event, TokenBundle)]) > 1, "it does not come in one piece"
    assert isinstance(last, Finished)
    assert last.prompt_tokens > len(["the", "cat", "sat"])
    assert 0 < last.new_tokens <= 24
    assert (last.reason == "length") == (last.new_tokens == 24)


def test_a_raw_text_is_continued_without_the_chats_template(served: Served) -> None:
    sampling = SamplingSettings(max_new_tokens=5, temperature=0)
    *_, raw = ask(served.engine(), GenerationRequest(prompt="the cat sat", sampling=sampling))
    *_, chat = ask(served.engine(), GenerationRequest(messages=HELLO, sampling=sampling))
    assert isinstance(raw, Finished)
    assert isinstance(chat, Finished)
    assert raw.prompt_tokens < chat.prompt_tokens
    assert raw.new_tokens == 5


def test_temperature_zero_is_greedy_and_repeats_itself(served: Served) -> None:
    def answer(temperature: float, seed: int) -> str:
        sampling = SamplingSettings(max_new_tokens=16, temperature=temperature, seed=seed)
        return text_of(ask(served.engine(), GenerationRequest(messages=HELLO, sampling=sampling)))

    assert answer(0, 1) == answer(0, 2), "the seed plays no part"
    assert len({answer(1.5, seed) for seed in range(4)}) > 1, "and with a temperature it does"


def test_a_stop_text_is_not_part_of_the_answer(served: Served) -> None:
    sampling = SamplingSettings(max_new_tokens=16, temperature=0)
    whole = text_of(ask(served.engine(), GenerationRequest(prompt="the dog", sampling=sampling)))
    stop = whole[len(whole) // 2]
    sampling = SamplingSettings(max_new_tokens=16, temperature=0, stop=(stop,))
    *_, last = events = ask(served.engine(), GenerationRequest(prompt="the dog", sampling=sampling))
    assert text_of(events) == whole[: whole.index(stop)]
    assert isinstance(last, Finished)
    assert last.reason == "stop"


def test_leaving_early_frees_the_server_for_the_next(served: Served) -> None:
    engine = served.engine()
    long = GenerationRequest(messages=HELLO, sampling=SamplingSettings(max_new_tokens=450))

    async def leave_and_ask_again() -> None:
        events = engine.stream(long)
        async for event in events:
            if isinstance(event, TokenBundle):
                break
        await events.aclose()
        short = GenerationRequest(messages=HELLO, sampling=SamplingSettings(max_new_tokens=2))
        *_, last = [event async for event in engine.stream(short)]
        assert isinstance(last, Finished)

    asyncio.run(leave_and_ask_again())


def test_the_server_gives_no_probabilities_and_the_engine_says_so(served: Served) -> None:
    engine = served.engine()
    request = GenerationRequest(messages=HELLO, sampling=SamplingSettings(max_new_tokens=8, temperature=0))
    events = ask(engine, request)
    tokens = [token for event in events if isinstance(event, TokenBundle) for token in event.tokens]
    assert {token.logprob for token in tokens} == {token.id for token in tokens} == {None}
    assert not asyncio.run(engine.info()).gives_logprobs


def test_what_the_server_does_not_take_is_said(served: Served) -> None:
    request = GenerationRequest(messages=HELLO, sampling=SamplingSettings(top_k=5, min_p=0.1))
    with pytest.raises(errors.RemoteServerError, match="it does not take top_k, min_p"):
        ask(served.engine(), request)


def test_an_unknown_model_is_said(served: Served) -> None:
    with pytest.raises(errors.RemoteServerError, match="nobody/nothing"):
        ask(served.engine("nobody/nothing"), GenerationRequest(messages=HELLO))
