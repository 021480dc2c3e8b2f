"""Signs of a bad translation, counted; and names that go through a translation under another name."""

from __future__ import annotations

import pytest

from common.translation.failures import (
    STAND_INS,
    Repetition,
    length_ratio,
    missing,
    names,
    put_back,
    repetition,
    with_stand_ins,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The dog, the woman, the woman, and he", Repetition("the woman", 2)),
        ("no No no!", Repetition("no", 3)),
        ("I am going to work. I am going to sleep.", Repetition("I am going to", 2)),
        ("a b a b a b a b", Repetition("a b", 4)),
        ("He had had enough of the end of the day.", None),
        ("", None),
    ],
)
def test_what_is_repeated(text: str, found: Repetition | None) -> None:
    assert repetition(text) == found


def test_the_longest_text_is_counted_quickly() -> None:
    assert repetition("ha " * 256) == Repetition("ha", 256)


def test_length_counts_words_only() -> None:
    assert length_ratio("sehr sehr sehr gut", "very good.....") == 0.5
    assert length_ratio("🎉", "a") == 1.0


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Hier, Zsófia Kowalczyk a vu Thandiwe Nguyen.", "fr", ["Zsófia Kowalczyk", "Thandiwe Nguyen"]),
        ("Yesterday we met Tom. He and I saw Ana, Eva.", "en", ["Tom", "Ana", "Eva"]),
        ("Wir sahen den Hund und Zsófia Kowalczyk.", "de", ["Zsófia Kowalczyk"]),
        ("Milujem hudbu", "sk", []),
        ("", "en", []),
    ],
)
def test_names_in_a_sentence(text: str, language: str, found: list[str]) -> None:
    assert names(text, language) == found


def test_names_are_missing_unless_whole() -> None:
    assert missing(["Ana", "Eva Nowak"], "Anabel met Eva Nowak.") == ["Ana"]


def test_names_go_through_under_another_name() -> None:
    found = ["Zsófia Kowalczyk", "Thandiwe"]
    text, used = with_stand_ins("Hier, Zsófia Kowalczyk a vu Thandiwe.", found)
    assert text == "Hier, Tom a vu Mary."
    assert put_back("Mary was seen by Tom, not Tommy.", used) == "Thandiwe was seen by Zsófia Kowalczyk, not Tommy."
    assert missing(found, put_back("Tom saw Maria.", used)) == ["Thandiwe"]


def test_a_stand_in_is_never_a_name_of_the_sentence() -> None:
    text, used = with_stand_ins("We saw Ana and Tom.", ["Ana", "Tom"])
    assert text == "We saw Mary and Paris." and "Tom" not in used
    many = [f"Name{letter}" for letter in "abcde"]
    text, used = with_stand_ins(" ".join(many), many)
    assert list(used) == list(STAND_INS) and text.endswith("Named Namee")
    assert put_back("Tom", {}) == "Tom"
