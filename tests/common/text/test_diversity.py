"""Measures of diversity and repetition: their definitions, worked by hand, and against sacrebleu's own numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text.diversity import bleu, distinct, ngrams, repetition, self_bleu, words

sentences = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), min_size=1, max_size=14).map(" ".join)
several = st.lists(sentences, min_size=2, max_size=5)


def test_words_and_ngrams() -> None:
    assert words("  The cat\nTHE  dog ") == ["the", "cat", "the", "dog"]
    assert ngrams(words("a b c"), 2) == [("a", "b"), ("b", "c")]
    assert ngrams(words("a b c"), 4) == []


@pytest.mark.parametrize(
    ("texts", "n", "share"),
    [
        (["the cat saw the dog"], 1, 4 / 5),
        (["the cat saw the dog"], 2, 1.0),
        (["a b a b a b"], 2, 2 / 5),  # ab ba ab ba ab
        (["one two", "one three"], 1, 3 / 4),
        (["one", "two"], 2, 0.0),
        ([], 1, 0.0),
    ],
)
def test_distinct_worked_by_hand(texts: list[str], n: int, share: float) -> None:
    assert distinct(texts, n) == pytest.approx(share)


@given(several, st.integers(1, 3), st.integers(2, 4))
def test_saying_everything_again_divides_distinct(texts: list[str], n: int, times: int) -> None:
    assert distinct(texts * times, n) == pytest.approx(distinct(texts, n) / times)
    assert 0 <= distinct(texts, n) <= 1


@given(several, st.data())
def test_the_order_of_the_texts_changes_nothing(texts: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(texts))
    assert distinct(shuffled, 2) == pytest.approx(distinct(texts, 2))
    assert self_bleu(shuffled) == pytest.approx(self_bleu(texts))


@given(st.integers(1, 6), st.integers(2, 30), st.integers(1, 4))
def test_a_loop_is_repetition(period: int, rounds: int, n: int) -> None:
    loop = " ".join(f"w{i}" for i in range(period))
    length = period * rounds
    grams = max(length - n + 1, 0)
    expected = 1 - min(period, grams) / grams if grams else 0.0
    assert repetition(" ".join([loop] * rounds), n) == pytest.approx(expected)


@given(st.integers(0, 40), st.integers(1, 4))
def test_different_words_do_not_repeat(length: int, n: int) -> None:
    assert repetition(" ".join(f"w{i}" for i in range(length)), n) == 0


def test_bleu_worked_by_hand() -> None:
    # 2 of 7 words (a word counts as often as the reference has it); no pair, triple or four of 6, 5, 4: one is added.
    score = bleu("the the the the the the the", ["the cat is on the mat"])
    assert score == pytest.approx((2 / 7 * 1 / 7 * 1 / 6 * 1 / 5) ** 0.25)
    # 4 of 4 words, 3 of 3 pairs and so on, but half as long as the reference: e^(1 - 8/4).
    assert bleu("a b c d", ["a b c d e f g h"]) == pytest.approx(math.exp(-1))


@pytest.mark.parametrize(
    ("candidate", "references", "score"),
    [
        ("the cat sat on the mat", ["the cat is on the mat"], 0.48549177170732355),
        (
            "The cat sat on the mat today",
            ["a cat sat on a mat", "the dog lay on the mat all day long"],
            0.49742922074672763,
        ),
        (
            "once upon a time there was a king",
            ["once upon a time", "long ago there was a king and a queen who lived by the sea"],
            0.7476743906106104,
        ),
    ],
)
def test_bleu_is_sacrebleus(candidate: str, references: list[str], score: float) -> None:
    """Computed with sacrebleu 2.6: BLEU(smooth_method="add-k", smooth_value=1, tokenize="none", lowercase=True)."""
    assert bleu(candidate, references) == pytest.approx(score, abs=1e-12)


@given(sentences, several)
def test_bleu_is_a_share_and_finds_the_text_itself(text: str, others: list[str]) -> None:
    assert 0 <= bleu(text, others) <= 1 + 1e-12
    assert bleu(text, [*others, text]) == pytest.approx(1)


@given(several)
def test_texts_without_a_common_word_have_no_bleu(texts: list[str]) -> None:
    apart = [" ".join(f"{word}{i}" for word in text.split()) for i, text in enumerate(texts)]
    assert self_bleu(apart) == 0


@given(sentences, st.integers(2, 5))
def test_equal_texts_have_a_self_bleu_of_one(text: str, count: int) -> None:
    assert self_bleu([text] * count) == pytest.approx(1)


def test_self_bleu_is_the_mean_over_the_texts() -> None:
    texts = ["a b c d", "a b c e", "x y z"]
    expected = (bleu(texts[0], texts[1:]) + bleu(texts[1], [texts[0], texts[2]]) + bleu(texts[2], texts[:2])) / 3
    assert self_bleu(texts) == pytest.approx(expected)


@pytest.mark.parametrize("texts", [[], ["alone"], ["", ""], ["", "a"]])
def test_nothing_to_compare(texts: list[str]) -> None:
    assert self_bleu(texts) == 0
