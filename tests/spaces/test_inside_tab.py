"""The tab Inside the transformer without a browser: the embedded model's own numbers, long texts, what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import re
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.config import LANGUAGES, Settings
from common.text.attention_heads import Word
from common.text.engine import Token
from common.text.models import TextModels
from common.ui.i18n import text
from tests.common.text.scripted_server import scripted_server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

from inside_attention import attention_html, heat_map, image
from inside_handlers import InsideHandlers
from inside_look import Look, look_at, read_head, read_lens, read_pairs, usual_pair
from inside_states import lens_html, plane_html, stream_html

SENTENCE = "The teacher taught the student with the book."
RULER = "The teacher taught the student with the ruler."
BOOK, STUDENT, TEACHER = 7, 4, 1


def _plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def _weights(length: int, seed: int = 0) -> np.ndarray:
    weights = np.tril(np.random.default_rng(seed).random((length, length)).astype(np.float32))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _look(pieces: list[str]) -> Look:
    """What the pictures need of a text, without a model."""
    rng, count = np.random.default_rng(1), len(pieces)
    return Look(
        prompt="".join(pieces),
        tokens=[Token(index, piece) for index, piece in enumerate(pieces)],
        points=rng.normal(size=(4, min(count, 96), 2)),
        shares=[0.5] * 4,
        norms=rng.random((3, count)).astype(np.float32),
        heads=2,
        following=[],
    )


# -- pictures -------------------------------------------------------------------------------------------------------


def test_the_heat_map_shows_every_weight_and_hatches_the_rest() -> None:
    weights = _weights(6)
    html = heat_map("en", list("abcdef"), weights, 3, "0")
    cells = re.findall(r'class="cell".*?fill-opacity="([\d.]+)"><title>(\w) → (\w): ', html)
    assert [(row, column) for _, row, column in cells] == [
        ("abcdef"[row], "abcdef"[column]) for row in range(6) for column in range(row + 1)
    ]
    np.testing.assert_allclose(
        [float(opacity) ** 2 for opacity, _, _ in cells], weights[np.tril_indices(6)], atol=0.002
    )
    assert 'class="mask"' in html and "causal mask" in _plain(html)
    assert 'class="mask"' not in heat_map("en", ["a"], np.ones((1, 1), np.float32), 0, "0")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**20))
def test_an_image_holds_the_strengths(rows: int, columns: int, seed: int) -> None:
    strength = np.random.default_rng(seed).random((rows, columns))
    data = base64.b64decode(image(strength, "#9b4f8e").partition(",")[2])
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (columns, rows)
    body, place = b"", 8
    while place < len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        name, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size : place + 12 + size]) == (zlib.crc32(name + content),)
        body += content if name == b"IDAT" else b""
        place += 12 + size
    pixels = np.frombuffer(zlib.decompress(body), np.uint8).reshape(rows, columns + 1)
    assert not pixels[:, 0].any()
    np.testing.assert_allclose(pixels[:, 1:] / 255, strength, atol=0.002)


def test_512_tokens_are_little_to_send_and_to_draw() -> None:
    pieces = [f" word{index}" for index in range(512)]
    html = attention_html("en", pieces, _weights(512), 511, "0")
    assert len(html) < 800_000
    assert html.count("<") < 8000
    assert len(plane_html("en", _look(pieces), 3, 511)) < 100_000


def test_texts_of_tokens_stay_texts() -> None:
    pieces = ["<b>x</b>", ' "&', "\n", "<img src=x onerror=alert(1)>"]
    html = attention_html("en", pieces, _weights(4), 3, "0")
    said = _look(pieces)
    html += plane_html("en", said, 2, 0) + stream_html("en", said, 3)
    assert "<b>" not in html and "<img src=x" not in html and "&lt;b&gt;" in html


# -- the embedded model ---------------------------------------------------------------------------------------------

slow = pytest.mark.slow


def _with_models(ask: Callable[[TextModels], Awaitable[None]]) -> None:
    async def run() -> None:
        models = TextModels(Settings(_env_file=None, offline=True))
        try:
            await ask(models)
        finally:
            await models.close()

    asyncio.run(run())


@slow
def test_heads_that_look_from_book_to_teacher_and_to_student_are_found() -> None:
    async def ask(models: TextModels) -> None:
        glass = models.glass_box()
        said = await look_at(models, SENTENCE)
        assert [token.text for token in said.tokens][BOOK] == " book"
        assert (said.layers, said.heads) == (30, 9)
        source, first, second = usual_pair(said)
        assert [said.words[index].text for index in (source, first, second)] == ["book", "teacher", "student"]
        await read_pairs(glass, said, said.words[source], [said.words[first], said.words[second]])
        every = await glass.attentions(said.ids)
        for pair, target in zip(said.pairs, (TEACHER, STUDENT), strict=True):
            assert pair.heads
            for head in pair.heads:
                assert head.weight == pytest.approx(float(every[head.layer, head.head, BOOK, target]), abs=1e-5)
                assert head.weight > head.expected
        best = (said.pairs[1].heads or [])[0]
        assert best.weight > 0.3 > 10 * best.expected
        shown = await read_head(glass, said, best.layer + 1, best.head + 1)
        np.testing.assert_allclose(shown, every[best.layer, best.head], atol=1e-6)
        np.testing.assert_allclose(await read_head(glass, said, 3, 0), every[2].mean(0), atol=1e-6)
        await read_lens(glass, said, len(said.tokens) - 1)
        assert len(said.lens) == 31
        assert [one.id for one in said.lens[-1]] == [one.id for one in said.following[:3]]
        assert "Embedding" in lens_html("en", said, len(said.tokens) - 1)
        await read_pairs(glass, said, Word("teacher", 1, 1), [Word("book", 7, 7)])
        assert said.pairs[0].heads is None
        for outside in ((31, 1), (1, 10)):
            with pytest.raises(errors.InvalidInput):
                await read_head(glass, said, *outside)

    _with_models(ask)


@slow
def test_the_tab_from_a_sentence_to_a_head_in_every_language() -> None:
    async def ask(models: TextModels) -> None:
        handlers = InsideHandlers(models)
        for lang in LANGUAGES:
            *_, last = [update async for update in handlers.look(lang, SENTENCE, RULER, 28, 8, 8)]
            said, other, strip, attention, stream, lens, following, plane, first, second = last[:10]
            assert other.prompt == RULER and attention.count("svg class") == 4
            assert "teacher" in _plain(first) and "student" in _plain(second)
            assert text(lang, "inside.embedding") in plane and text(lang, "inside.layer") in stream
            assert strip.count("selected") == 1 and lens.count("<tr>") == 31 and following.count("<table") == 2
        event = gr.EventData(None, {"index": 0})
        assert handlers.choose_second("en", said, event) == (28, 8, 8)
        shown = await handlers.show("en", said, other, 5, 0, 3)
        assert "Layer 5 · mean of its heads" in shown[3] and "“taught”" in shown[3]
        _, first, second = await handlers.find("en", said, 1, 0, 7)
        assert "“teacher” to “The”" in _plain(first) and "can only look back" in _plain(second)
        assert "Layer 4" in handlers.plane("en", said, 4, 8)
        assert await handlers.choose_token("en", said, event) == 1

    _with_models(ask)


@slow
def test_a_long_text_is_drawn_and_one_that_is_too_long_is_refused() -> None:
    async def ask(models: TextModels) -> None:
        handlers = InsideHandlers(models)
        long = " ".join([SENTENCE] * 55)
        *_, last = [update async for update in handlers.look("en", long, "", 28, 8, 400)]
        said, other, *html = last[:10]
        assert len(said.tokens) == 9 * 55 and other is None
        assert sum(map(len, html)) < 1_000_000
        assert "first 96 tokens" in _plain(last[7])
        with pytest.raises(errors.PromptTooLong):
            [update async for update in handlers.look("en", long + SENTENCE * 10, "", 28, 8, 8)]
        for empty in ("", "  \n"):
            with pytest.raises(errors.EmptyPrompt):
                [update async for update in handlers.look("en", empty, "", 28, 8, 8)]
        for layer, head, token in ((0, 8, 8), (28, -1, 8), (28, 8, 0), ("x", 8, 8)):
            with pytest.raises(errors.InvalidInput):
                [update async for update in handlers.look("en", SENTENCE, "", layer, head, token)]

    _with_models(ask)


def test_before_anything_was_looked_at_nothing_changes() -> None:
    handlers = InsideHandlers(TextModels())
    event: Any = gr.EventData(None, {"index": 0})
    assert len(asyncio.run(handlers.show("en", None, None, 1, 1, 1))) == 7
    assert len(asyncio.run(handlers.find("en", None, None, None, None))) == 3
    with pytest.raises(errors.EmptyPrompt):
        asyncio.run(handlers.choose_token("en", None, event))
    with pytest.raises(errors.EmptyPrompt):
        handlers.choose_first("en", None, event)


def test_a_remote_model_cannot_be_looked_into() -> None:
    async def run(url: str) -> None:
        models = TextModels(Settings(_env_file=None, remote_url=url))
        with pytest.raises(errors.NotSupported):
            [update async for update in InsideHandlers(models).look("en", SENTENCE, "", 28, 8, 8)]
        await models.close()

    with scripted_server() as server:
        asyncio.run(run(server.url))
