"""Which language: sure of sentences, not sure of single words, other for what no model here reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.translation.detect import OTHER, Guess, detect

HERE = ("sk", "cs", "de", "fr", "it", "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Milujem seminár DSA", "sk"),
        ("Kde je najbližšia stanica?", "sk"),
        ("Kde je nejbližší nádraží?", "cs"),
        ("Das Wetter ist heute schön.", "de"),
        ("Je voudrais un café, s’il vous plaît.", "fr"),
        ("Non ho tempo stasera.", "it"),
        ("The weather is nice today.", "en"),
        ("me gusta mucho el café", OTHER),
        ("Ik woon in Amsterdam", OTHER),
        ("Привет, как дела?", OTHER),
        ("مرحبا كيف حالك", OTHER),
        ("你好吗？很好", OTHER),
    ],
)
def test_a_sentence_is_recognised(text: str, language: str) -> None:
    guess = detect(text, HERE)
    assert (guess.language, guess.sure) == (language, True)


@pytest.mark.parametrize("word", ["auto", "Hand", "no", "Tom", "DSA", "server", "a"])
def test_single_words_of_many_languages_are_not_sure(word: str) -> None:
    assert not detect(word, HERE).sure


@pytest.mark.parametrize("text", ["", "😀😀", "12345 + 6", "…", "\x00\u202e"])
def test_without_letters_there_is_no_language(text: str) -> None:
    assert detect(text, HERE) == Guess("", 0.0)


def test_with_more_languages_less_is_other() -> None:
    assert detect("me gusta mucho el café", (*HERE, "es")).language == "es"


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    guess = detect(text, HERE)
    assert 0 <= guess.confidence <= 1
    assert guess.language in (*HERE, OTHER, "")
