"""The Sampling lab without a browser: the steps on the real model, and sweeps that go wrong."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from common import catalog, errors
from common.config import Settings, settings
from common.text.engine import GenerationRequest, SamplingSettings
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, TextModels
from common.text.sampling import entropy_bits, sampling_stages, softmax
from common.ui.i18n import error_text, text
from tests.common.text.scripted_server import Reply, ScriptedServer, raw_chunk, says, scripted_server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from sampling_live import LiveHandlers
from sampling_stages import DRAWS, NextToken, final_distribution, stages_html
from sampling_sweep import SweepHandlers, places

VISITOR = gr.Request(session_hash="visitor")
CONTROLS = (0.8, 20, 0.85, 0.2, 1.0)  # temperature, top_k, top_p, min_p, repetition penalty


def _plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


# -- the live model -------------------------------------------------------------------------------------------------


def _said(size: int = 60) -> NextToken:
    """A next token without a model: logits that fall step by step."""
    logits = np.linspace(9, -9, size).astype(np.float32)
    return NextToken("Some text", [0, 3], logits, list(range(10)), {token: f" t{token}" for token in range(10)})


def test_every_step_says_what_it_cut_off() -> None:
    said, chosen = _said(), SamplingSettings(temperature=0.8, top_k=20, top_p=0.85, min_p=0.2)
    html = stages_html("en", said, chosen)
    cards = [_plain(card) for card in html.split('<section class="sampling-step">')[1:]]
    stages = [stage for stage in sampling_stages(said.logits, chosen, said.seen) if stage.active]
    assert len(cards) == 1 + len(stages) == 5
    for card, stage in zip(cards[1:], stages, strict=True):
        if stage.cut_count:
            assert f"Cuts off {stage.cut_count} tokens with" in card
            assert f"{int(stage.kept.sum())} are left" in card
        else:
            assert "Cuts nothing off" in card
        assert f"{entropy_bits(stage.before):.1f} → {entropy_bits(stage.after):.1f} bits" in card
    struck = html.split('<section class="sampling-step">')[-1].count('class="idea-completion cut"')
    assert struck == sum(not stages[-1].kept[token] for token in said.shown) > 0
    assert "Switched off: Repetition penalty." in _plain(html)


def test_with_all_steps_off_the_models_own_numbers_are_left() -> None:
    html = stages_html("en", _said(), SamplingSettings(temperature=1.0))
    assert html.count('<section class="sampling-step">') == 1
    assert "Temperature, top_k, top_p, min_p" in _plain(html)


def test_greedy_leaves_one_token() -> None:
    html = stages_html("en", _said(), SamplingSettings(temperature=0.0))
    assert "Cuts off 59 tokens" in _plain(html)
    assert "→ 0.0 bits" in _plain(html)


def test_the_penalty_lowers_what_the_prompt_has() -> None:
    said = _said()
    final = final_distribution(said, SamplingSettings(temperature=1.0, repetition_penalty=2.0))
    own = softmax(said.logits)
    assert final[0] < own[0] and final[3] < own[3] and final[1] > own[1]


def test_moving_a_slider_asks_no_model() -> None:
    handlers = LiveHandlers(TextModels(Settings(_env_file=None, model="there-is-none")))  # asking it would fail
    said = _said()
    said.draws = None
    same, html, draws = handlers.redraw("en", said, *CONTROLS)
    assert same is said and draws == ""
    assert html == stages_html("en", said, SamplingSettings(0.8, 20, 0.85, 0.2, 1.0, 1))
    assert handlers.redraw("en", None, *CONTROLS) == (gr.skip(),) * 3
    with pytest.raises(errors.InvalidInput):
        handlers.redraw("en", said, 99, *CONTROLS[1:])


@pytest.fixture(scope="module")
def models(engine: ProcessEngine) -> Iterator[TextModels]:
    """The app's model service, on the engine that all tests share, with a glass box of its own."""
    service = TextModels()
    service._engine, service._choice = engine, Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino")
    yield service
    if service._glass is not None:
        asyncio.run(service._glass.close())


def _all(updates: AsyncIterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in updates]

    return asyncio.run(collect())


@pytest.mark.slow
def test_the_real_models_next_token(models: TextModels) -> None:
    handlers, prompt = LiveHandlers(models), "The capital of France is"
    waiting, (said, html, draws) = _all(handlers.look("en", prompt, *CONTROLS))
    assert waiting[0] is None and text("en", "completion.looking") in waiting[1]
    assert isinstance(said, NextToken) and draws == ""
    assert said.texts[said.shown[0]] == " Paris"
    # By their logits and not by their ids: in bfloat16 two tokens can have the same one.
    assert said.logits[said.shown].tolist() == np.sort(said.logits)[::-1][:10].tolist() and len({*said.shown}) == 10
    assert said.logits.shape == (49152,)
    own = softmax(said.logits)
    card = _plain(html.split('<section class="sampling-step">')[1])
    assert "After “The capital of France is”" in card
    assert f"{100 * own[said.shown[0]]:.0f}%" in card

    (same, stages, drawn), *_ = _all(handlers.draw("en", said, prompt, "7", *CONTROLS))
    assert same is said and stages == gr.skip()
    assert said.draws is not None and sum(said.draws[0].values()) == DRAWS and said.draws[1] == 7
    again = handlers.relabel("en", said, *CONTROLS)
    assert again == (gr.skip(), html, drawn)
    assert "seed 7" in drawn


@pytest.mark.slow
def test_drawing_at_great_heat_names_tokens_from_the_far_end(models: TextModels) -> None:
    handlers, controls = LiveHandlers(models), (2.0, 0, 1.0, 0.0, 1.0)
    updates = _all(handlers.draw("en", None, "My favourite food is", 5, *controls))
    said, _, html = updates[-1]
    assert len(updates) == 3  # looking, the stages, the draws
    drawn, _ = said.draws
    assert len(drawn) > DRAWS / 2
    far = [token for token in said.texts if token not in said.shown]
    assert len(far) >= 5
    alone = asyncio.run(models.engine().tokenize(GenerationRequest(prompt_ids=(far[0],))))
    assert said.texts[far[0]] == "".join(token.text for token in alone)
    assert sum(int(n) for n in re.findall(r"(\d+) \(expected", _plain(html))) == DRAWS


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.answer = says(raw_chunk(" a king"), raw_chunk(" and a queen"), raw_chunk(reason="length"))
        yield running


def _remote(server: ScriptedServer) -> TextModels:
    return TextModels(Settings(_env_file=None, remote_url=server.url))


def test_a_remote_model_cannot_be_looked_into(server: ScriptedServer) -> None:
    seen: list[tuple[Any, ...]] = []

    async def look() -> None:
        async for update in LiveHandlers(_remote(server)).look("en", "Once", *CONTROLS):
            seen.append(update)

    with pytest.raises(errors.NotSupported):
        asyncio.run(look())
    assert seen[-1] == (None, "", "")  # nothing is left waiting


# -- sweeps ---------------------------------------------------------------------------------------------------------


def _run(models: TextModels, *arguments: Any, handlers: SweepHandlers | None = None) -> list[tuple[Any, ...]]:
    handlers = handlers or SweepHandlers(models)
    return _all(handlers.run("en", *arguments, request=VISITOR))


@pytest.mark.slow
def test_a_sweep_of_the_real_model(models: TextModels) -> None:
    updates = _run(models, "Once upon a time, there was", "0.2 1.5", 3, 5, 24)
    assert 'class="meter' in updates[0][1] and "<table" not in updates[0][1]
    sweep, html = updates[-1]
    assert not sweep.running and all(cell.finished for cell in sweep.cells)
    assert [cell.sampling.seed for cell in sweep.cells if cell.kind == "sample"] == [5, 6, 7] * 2
    plain = _plain(html)
    assert "8 / 8" in plain and "tokens per second" in plain
    assert re.findall(r'<th scope="row">([^<]+)</th>', html) == ["greedy", "T = 0.2", "T = 1.5", "beam search"]
    assert html.count("<article>") == 8 and "<svg" in html
    measured = {row[0]: row[1:] for row in re.findall(r"(T = [\d.]+)" + r" +([\d.]+)" * 4, plain)}
    assert float(measured["T = 0.2"][1]) < float(measured["T = 1.5"][1])  # heat brings variety
    assert all(cell.text.strip() in unescape(html) for cell in sweep.cells)
    assert "seme 5" in SweepHandlers(models).relabel("it", sweep)


@pytest.mark.slow
def test_stop_keeps_what_has_come(models: TextModels, engine: ProcessEngine) -> None:
    handlers = SweepHandlers(models)

    async def run() -> list[tuple[Any, ...]]:
        updates = []
        async for update in handlers.run("en", "Once", "0.7 1.0", 2, 1, 200, request=VISITOR):
            updates.append(update)
            if "at most" in update[1]:  # the time that is left is known: tokens have come
                await handlers.stop("en", VISITOR)
        return updates

    sweep, html = asyncio.run(run())[-1]
    assert engine.active == 0
    assert not sweep.running and not any(cell.finished for cell in sweep.cells)
    written = [cell.text.strip() for cell in sweep.cells if cell.text.strip()]
    assert written and all(one in unescape(html) for one in written)
    assert "0 / 6" in _plain(html) and html.count("stopped") == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", "1", 2, 1, 20), "type something first"),
        (("Once", "warm", 2, 1, 20), "Temperatures"),
        (("Once", "0.2 3", 2, 1, 20), "from 0 to 2"),
        (("Once", "1 1 1 1 1 1 1", 2, 1, 20), "1 to 6 numbers"),
        (("Once", "1", 9, 1, 20), "Texts per temperature"),
        (("Once", "1", 2, -1, 20), "First seed"),
        (("Once", "1", 2, 1, 10**6), "Longest text"),
        (("Once", "0.1 0.2 0.3 0.4 0.5", 8, 1, 20), "≤ 30"),
    ],
)
def test_bad_input_gets_a_sentence_and_starts_nothing(
    server: ScriptedServer, arguments: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(errors.DemystifyError) as caught:
        _run(_remote(server), *arguments)
    assert said in error_text("en", caught.value)
    assert not server.posts


def test_a_sweep_leaves_room_for_others() -> None:
    assert places() == settings().max_active // 2


def test_an_engine_without_beams_says_so(server: ScriptedServer) -> None:
    sweep, html = _run(_remote(server), "Once there lived", "0.5 1.0", 2, 1, 20)[-1]
    assert [cell.kind for cell in sweep.cells] == ["greedy", *["sample"] * 4]
    assert all(cell.text == " a king and a queen" for cell in sweep.cells)
    assert text("en", "sampling.sweep_no_beam") in html
    assert "1.00" in html  # texts that say the same are alike
    assert {post.body["temperature"] for post in server.posts} == {0, 0.5, 1.0}


def test_one_text_that_fails_takes_no_other_with_it(server: ScriptedServer) -> None:
    good = server.answer

    def sometimes(reply: Reply) -> None:
        if reply.asked.body.get("seed") == 2:
            reply.send(500, {"error": {"message": "no <b>luck</b>"}})
        else:
            good(reply)

    server.answer = sometimes
    sweep, html = _run(_remote(server), "Once there lived", "1.0", 3, 1, 20)[-1]
    failed = [cell for cell in sweep.cells if cell.problem]
    assert [cell.sampling.seed for cell in failed] == [2]
    assert html.count("a king and a queen") == 3
    assert "no &lt;b&gt;luck" in html and "<b>luck" not in html
    assert "4 / 4" in _plain(html)


def test_when_all_fail_the_reason_is_said(server: ScriptedServer) -> None:
    server.answer = lambda reply: reply.send(500, {"error": {"message": "on fire"}})
    with pytest.raises(errors.RemoteServerError, match="on fire"):
        _run(_remote(server), "Once there lived", "1.0", 2, 1, 20)


def test_texts_from_the_model_stay_text(server: ScriptedServer) -> None:
    server.answer = says(raw_chunk("<script>alert(1)</script>"), raw_chunk(reason="length"))
    for _, html in _run(_remote(server), "Once there lived", "1.0", 2, 1, 20):
        assert "<script" not in html


@pytest.fixture(scope="module")
def client(models: TextModels) -> Iterator[Client]:
    import app as chat_app

    demo = chat_app.build(models)
    demo.queue(default_concurrency_limit=None)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, server_port=None)
    yield Client(url, verbose=False)
    demo.close()


@pytest.mark.slow
def test_the_sweep_as_a_program_meets_it(client: Client) -> None:
    found = client.predict("Once upon a time", "0.3 1.2", 2, 1, 12, api_name="/sweep")
    assert [one["kind"] for one in found["texts"]] == ["greedy", *["sample"] * 4, "beam"]
    assert all(one["text"] and one["error"] is None for one in found["texts"])
    assert [row["temperature"] for row in found["measures"]] == [0.3, 1.2]
    assert all(0 <= row["distinct_2"] <= 1 for row in found["measures"])
    assert found["tokens"] == sum(one["tokens"] for one in found["texts"]) and found["seconds"] > 0
    with pytest.raises(AppError, match="from 0 to 2"):
        client.predict("Once upon a time", "5", 2, 1, 12, api_name="/sweep")
