"""The third part of the Alignment tab: one word explained, on the embedded model and as a picture."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import gradio as gr
import numpy as np
import pytest
from align_look import Aligned, align
from explain_drawing import explained_html
from explain_handlers import ExplainHandlers
from explain_look import Explained, explain

from common import errors
from common.config import LANGUAGES
from common.translation.align import words
from common.translation.attribution import Attribution
from common.translation.models import TranslationModels
from common.translation.pieces import Piece
from common.ui.i18n import text


@dataclass
class _Visit:
    session_hash: str = "visitor"


def _made() -> Aligned:
    """A source of three words, a translation of two; one name is markup. All attention is on the first."""
    pieces = (Piece(1, " <i>"), Piece(2, " x"), Piece(3, "y"), Piece(4, "</s>", control=True))
    target = words([Piece(1, " a"), Piece(2, "b"), Piece(3, "</s>", control=True)])
    cross = np.zeros((1, 2, 3, 4), np.float32)
    cross[:, 0, :, 0] = cross[:, 1, :, 1] = 1
    own = np.full((1, 1, 4, 4), 0.25, np.float32)
    return Aligned(("sk", "en"), "ab", (1, 2, 3), pieces, tuple(words(pieces)), tuple(target), cross, own)


def _found() -> Explained:
    shares = np.array([-1.0, 1.5, 1.5, 0.0], np.float32)
    return Explained(1, 64, Attribution(shares, given=-0.5, empty=-2.48, points=64, seconds=0.4))


def test_attention_beside_attribution() -> None:
    html = explained_html("en", _made(), _found(), 1, 1)
    cells = re.findall(r'class="value">([^<]*)<', html)
    assert cells == ["100%", "−1.00", "0%", "+3.00", "0%", "+0.00"]
    assert re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", html) == [
        ("0.0", "25.0"),
        ("25.0", "75.0"),
        ("25.0", "0.0"),
    ]
    assert text("en", "align.explain_differ", attended="<i>", decisive="xy") in unescape(html)
    said = unescape(html)
    assert "61%" in said and "8.4%" in said and "+1.98" in said and "+2.00" in said and "0.02 is lost" in said
    assert "<i>" not in html
    same = unescape(explained_html("en", _made(), _found(), 1, 2))
    assert text("en", "align.explain_same", word="xy") in same


def test_before_during_and_after_a_stop() -> None:
    nothing = explained_html("en", _made(), None, 0, 0)
    assert nothing.count('data-pick="explain"') == 2 and 'aria-pressed="true"' not in nothing
    running = explained_html("en", _made(), Explained(2, 128), 0, 0)
    assert "128 of at most 512 steps" in running and 'data-pick="stop"' in running and "width:25.0%" in running
    assert running.count('aria-pressed="true"') == 1
    assert text("en", "align.explain_stopped") in explained_html("en", _made(), None, 0, 0, stopped=True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_picture_in_every_language(lang: str) -> None:
    html = unescape(explained_html(lang, _made(), _found(), 0, 0))
    for key in ("title_explain", "about_explain", "choose_target", "explain_why", "column_share"):
        assert text(lang, f"align.{key}") in html
    assert "{" not in html


def _pick(handlers: ExplainHandlers, aligned: Any, name: str, value: Any) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        event = gr.EventData(None, {"name": name, "value": value})
        stream = handlers.pick("en", aligned, 0, 0, _Visit(), event)  # type: ignore[arg-type]
        return [update async for update in stream]

    return asyncio.run(collect())


def test_clicks_that_cannot_be() -> None:
    handlers = ExplainHandlers(TranslationModels())
    with pytest.raises(errors.EmptyPrompt):
        _pick(handlers, None, "explain", 1)
    with pytest.raises(errors.InvalidInput):
        _pick(handlers, _made(), "explain", "x")
    assert handlers.draw("en", None, 0, 0, None) == gr.skip()


@pytest.mark.slow
def test_on_the_embedded_model() -> None:
    """Explained by a click and by a link; stopped, the model is free again."""
    models = TranslationModels()
    aligned = asyncio.run(align(models, "Milujem seminár DSA", "sk", "en"))
    handlers = ExplainHandlers(models)
    first, *_, (explained, number, html) = _pick(handlers, aligned, "explain", 1)
    assert first[0].found is None and number == 1 and 'class="bars weighed' in html
    assert len(explained.found.shares) == len(aligned.pieces)
    assert abs(explained.found.lost) < 0.05 * abs(explained.found.difference)
    assert explained.found.given == pytest.approx(_logprob(models, aligned, explained.word), abs=1e-3)

    async def by_link() -> list[tuple[Any, ...]]:
        return [update async for update in handlers.begin("en", aligned, 0, 0, 80, _Visit())]  # type: ignore[arg-type]

    opened = asyncio.run(by_link())
    assert opened[0][0] is None and opened[-1][1] == len(aligned.target) and opened[-1][0].found is not None

    async def stopped() -> None:
        stream = explain(models, aligned, 1)
        await anext(stream)
        await stream.aclose()
        assert not models.glass("sk", "en").lock.locked()

    asyncio.run(stopped())
    assert text("en", "align.explain_stopped") in _pick(handlers, aligned, "stop", 0)[-1][2]


def _logprob(models: TranslationModels, aligned: Aligned, word: int) -> float:
    """By transformers' own forward pass over the whole translation."""
    import torch

    model, chosen = models.glass(*aligned.languages).model, aligned.target[word - 1]
    with torch.inference_mode():
        logits = model(
            input_ids=torch.tensor([[piece.id for piece in aligned.pieces]]),
            decoder_input_ids=torch.tensor([[model.config.decoder_start_token_id, *aligned.written[:-1]]]),
        ).logits[0]
    places = range(chosen.start, chosen.stop)
    return float(sum(logits[place].log_softmax(-1)[aligned.written[place]] for place in places))
