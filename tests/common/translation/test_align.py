"""Tokens joined to words, and attention between words, against a naive computation; the encoder's attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from common import errors
from common.translation.align import by_words, pick, words
from common.translation.pieces import Piece
from common.translation.trace import MAX_SOURCE_TOKENS, encoder_attention
from tests.common.translation.tiny import END, tiny_marian


def _pieces(*texts: str) -> list[Piece]:
    return [Piece(number, text, control=text.startswith(("<", ">"))) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ((">>sk<<", " The", " ta", "ugh", "t", ".", "</s>"), [">>sk<<", "The", "taught", ".", "</s>"]),
        ((" l", "'", "élève", "</s>"), ["l'élève", "</s>"]),
        ((" well", "-", "known", "?!", ")"), ["well-known", "?!)"]),
        ((" ", "Haus", " ", "(", "a"), ["Haus", "(", "a"]),
        (("</s>",), ["</s>"]),
        ((), []),
    ],
)
def test_tokens_joined_to_words(texts: tuple[str, ...], wanted: list[str]) -> None:
    found = words(_pieces(*texts))
    assert [word.text for word in found] == wanted
    assert [place for word in found for place in range(word.start, word.stop)] == list(range(len(texts)))
    assert [word.control for word in found] == [text.startswith(("<", ">")) for text in wanted]


def test_attention_between_words_is_the_naive_sum_and_mean() -> None:
    source = words(_pieces(">>sk<<", " ta", "ugh", "t", " a", ".", "</s>"))
    target = words(_pieces(" u", "čil", ".", "</s>"))
    raw = np.random.default_rng(1).random((2, 3, 4, 7)).astype(np.float32)
    weights = raw / raw.sum(-1, keepdims=True)
    found = by_words(pick(weights, 2, 3), target, source)
    assert found.shape == (len(target), len(source)) == (3, 5)
    for row, one in enumerate(target):
        for column, other in enumerate(source):
            total = 0.0
            for t in range(one.start, one.stop):
                for s in range(other.start, other.stop):
                    total += float(weights[1, 2, t, s])
            assert found[row, column] == pytest.approx(total / (one.stop - one.start), abs=1e-6)
    for layer in range(3):
        for head in range(4):
            np.testing.assert_allclose(by_words(pick(weights, layer, head), target, source).sum(1), 1, atol=1e-5)


def test_zero_is_the_mean() -> None:
    weights = np.random.default_rng(2).random((2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(pick(weights, 0, 0), weights.reshape(6, 4, 5).mean(0), atol=1e-6)
    np.testing.assert_allclose(pick(weights, 0, 2), (weights[0, 1] + weights[1, 1]) / 2, atol=1e-6)
    np.testing.assert_allclose(pick(weights, 1, 0), weights[0].mean(0), atol=1e-6)


def test_the_encoders_attention_is_that_of_the_whole_model() -> None:
    model = tiny_marian(3)
    ids = [5, 9, 7, 30, END]
    found = encoder_attention(model, ids)
    assert found.shape == (2, 2, 5, 5)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    with torch.inference_mode():
        whole = model(
            input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([[1]]), output_attentions=True
        ).encoder_attentions
    np.testing.assert_allclose(found, torch.cat(whole).numpy(), atol=1e-5)


def test_what_is_too_long_or_empty() -> None:
    model = tiny_marian(3)
    with pytest.raises(errors.SentenceTooLong):
        encoder_attention(model, [5] * (MAX_SOURCE_TOKENS + 1))
    with pytest.raises(errors.EmptyPrompt):
        encoder_attention(model, [])
