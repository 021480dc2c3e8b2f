"""The Alignment tab's handlers on the embedded model: pictures, choices in them, and what cannot be aligned."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any

import gradio as gr
import numpy as np
import pytest
from align_drawing import cross_html, own_html
from align_look import Aligned
from align_tab import AMBIGUOUS, AlignHandlers

from common import errors
from common.config import LANGUAGES
from common.translation.align import words
from common.translation.models import TranslationModels
from common.translation.pieces import Piece
from common.ui.i18n import text

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def models() -> TranslationModels:
    return TranslationModels()


def _align(
    models: TranslationModels, sentence: Any = "Milujem seminár DSA", source: Any = "sk", target: Any = "en", **own: Any
) -> list[tuple[Any, ...]]:
    picked = {"layer": 0, "head": 0, "word": 1, "own_layer": 0, "own_head": 0, **own}

    async def collect() -> list[tuple[Any, ...]]:
        stream = AlignHandlers(models).align("en", sentence, source, target, *picked.values())
        return [update async for update in stream]

    return asyncio.run(collect())


def _made() -> Aligned:
    """Two tokens of source, three of the translation, two layers of two heads; one name is markup."""
    pieces = (Piece(1, " <i>"), Piece(2, "</s>", control=True))
    target = words([Piece(1, " a"), Piece(2, "b"), Piece(3, "</s>", control=True)])
    cross = np.full((2, 2, 3, 2), 0.5, np.float32)
    cross[0, 0] = [[0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    own = np.full((2, 2, 2, 2), 0.5, np.float32)
    own[1, 1, 0] = [0.875, 0.125]
    return Aligned(("sk", "en"), "ab", (1, 2, 3), pieces, tuple(words(pieces)), tuple(target), cross, own)


@slow
def test_a_sentence_and_its_translation(models: TranslationModels) -> None:
    first, (aligned, cross, own, note) = _align(models)
    assert text("en", "align.working") in first[3] and note == ""
    assert isinstance(aligned, Aligned)
    np.testing.assert_allclose(aligned.cross.sum(-1), 1, atol=1e-4)
    np.testing.assert_allclose(aligned.own.sum(-1), 1, atol=1e-4)
    assert aligned.cross.shape[2:] == (aligned.target[-1].stop, len(aligned.pieces))
    assert cross.count('class="cell"') == len(aligned.source) * len(aligned.target)
    assert aligned.text in unescape(cross)
    assert own.count('data-pick="word"') == len(aligned.source)
    assert own.count('<th scope="row">') == len(aligned.pieces)


@slow
def test_the_ambiguous_sentence_aligns(models: TranslationModels) -> None:
    aligned, _, own, _ = _align(models, *AMBIGUOUS, word=9)[-1]
    assert aligned.source[8].text == "book"
    assert text("en", "align.looks", word="book") in unescape(own)


def test_a_head_of_its_own_and_their_mean() -> None:
    mean, one = cross_html("en", _made(), 0, 0), cross_html("en", _made(), 1, 1)
    values = [re.findall(r'class="value"[^>]*>(\d+)<', html) for html in (mean, one)]
    assert values == [["50", "50", "38", "62"], ["50", "50", "100"]]
    assert one.count('aria-pressed="true"') == 2
    assert cross_html("en", _made(), 9, 9) == cross_html("en", _made(), 2, 2)  # a link made for a larger model
    assert "<i>" not in one and "&lt;i&gt;" in one


def test_where_one_word_looks() -> None:
    html = own_html("en", _made(), 1, 2, 2)
    assert re.findall(r'class="value">([\d.]+)%', html) == ["88", "12"]
    assert "<i>" not in html.replace("</i>", "")
    assert own_html("en", _made(), 64, 1, 1) == own_html("en", _made(), 2, 1, 1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pictures_in_every_language(lang: str) -> None:
    handlers = AlignHandlers(TranslationModels())
    html = unescape("".join(handlers.draw(lang, _made(), 0, 0, 1, 0, 0)))
    for key in ("title_cross", "about_cross", "lines", "matrix", "title_own", "about_own", "choose"):
        assert text(lang, f"align.{key}") in html
    assert "{" not in html
    assert handlers.draw(lang, None, 0, 0, 1, 0, 0) == (gr.skip(), gr.skip())


def test_choices_in_the_pictures() -> None:
    handlers = AlignHandlers(TranslationModels())

    def click(name: str, value: Any) -> gr.EventData:
        return gr.EventData(None, {"name": name, "value": value})

    assert handlers.pick_cross("en", _made(), 0, 1, click("layer", 2)) == (2, 1, cross_html("en", _made(), 2, 1))
    found = handlers.pick_own("en", _made(), 1, 0, 1, click("word", 2))
    assert found == (2, 0, 1, own_html("en", _made(), 2, 0, 1))
    for name, value in (("layer", 65), ("head", "x"), ("word", 0), ("other", 1)):
        with pytest.raises(errors.InvalidInput):
            handlers.pick_own("en", _made(), 1, 0, 0, click(name, value))
    with pytest.raises(errors.EmptyPrompt):
        handlers.pick_cross("en", None, 0, 0, click("layer", 1))


@slow
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sentence": " "}, errors.EmptyPrompt),
        ({"sentence": "🎉"}, errors.NothingToTranslate),
        ({"sentence": "dom " * 100}, errors.SentenceTooLong),
        ({"sentence": "x" * 1001}, errors.InvalidInput),
        ({"sentence": "half \ud800"}, errors.InvalidInput),
        ({"target": "sk"}, errors.UnsupportedPair),
        ({"layer": 65}, errors.InvalidInput),
        ({"word": 0}, errors.InvalidInput),
    ],
)
def test_what_cannot_be_aligned(
    models: TranslationModels, changed: dict[str, Any], problem: type[errors.DemystifyError]
) -> None:
    with pytest.raises(problem):
        _align(models, **changed)
