"""Cutting a text into sentences: nothing is lost, ends are where people see them, nothing gets too long or too slow."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.translation.sentences import LONGEST, Piece, clauses, split

LANGUAGES = ("sk", "cs", "de", "fr", "it", "en", "uk", "zh", "ar")
TEXTS = st.text(
    st.sampled_from("aB. !?„“«»Ž5,\n\t\r\x00\x1f\u2028\xa0\u202e\u200b。؟😀-…") | st.characters(), max_size=400
)


@given(TEXTS, st.sampled_from(LANGUAGES))
@example("a" * 5_000 + ". B", "en")
@example(". " * 3_000, "de")
@example("\ud800 broken", "sk")
@settings(max_examples=150, deadline=None)
def test_no_character_is_lost(text: str, language: str) -> None:
    pieces = split(text, language)
    assert "".join(piece.body + piece.after for piece in pieces) == text
    assert all(len(piece.body) <= LONGEST for piece in pieces)
    assert all(piece.body or piece.after for piece in pieces)
    assert not any(sign in "\n\r\x00\t" for piece in pieces for sign in piece.body)


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("sk", "Dňa 3. mája sme išli napr. do Brna. Čo? Nič.", 3),
        ("cs", "Dr. Novák nepřišel. Přijede 5. června.", 2),
        ("de", "Am 3. Oktober ist z. B. ein Feiertag. Ja!", 2),
        ("fr", "M. Dupont est là. C’est vrai ? Oui.", 3),
        ("it", "Che cosa? Va bene... Andiamo!", 3),
        ("en", "Dr. Smith paid 3.5 million. He left at 5 p.m. on Monday.", 2),
        ("zh", "你好。你好吗？很好。", 3),
    ],
)
def test_sentences_end_where_people_see_it(language: str, text: str, count: int) -> None:
    assert len([piece for piece in split(text, language) if piece.has_words]) == count


def test_lines_and_paragraphs_are_apart() -> None:
    bodies = [piece.body for piece in split("One\ntwo\n\n  three", "en") if piece.has_words]
    assert [body.strip() for body in bodies] == ["One", "two", "three"]


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    text = ("a word and another word, " * 40).strip()
    pieces = split(text, "en")
    assert len(pieces) > 1
    assert all(piece.body.endswith(",") for piece in pieces[:-1])


@pytest.mark.parametrize("text", ["😀😀 🎉", "123 + 4.5", "…?!", "\u202e\u200f"])
def test_what_has_no_words_is_not_translated(text: str) -> None:
    assert not any(piece.has_words for piece in split(text, "en"))


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_clauses_lose_no_character(body: str, after: str) -> None:
    parts = clauses(Piece(body, after))
    assert "".join(part.body + part.after for part in parts) == body + after


def test_clauses_end_at_commas_but_lists_and_numbers_stay_whole() -> None:
    long = "Obwohl es den ganzen Tag lang geregnet hat"
    text = f"{long}, kamen Anna, Ben und Eva um 3:15 mit 1,5 kg Brot: Alle hatten großen Hunger und aßen es auf."
    said = [part.body for part in clauses(Piece(text, " "))]
    assert said == [f"{long},", "kamen Anna, Ben und Eva um 3:15 mit 1,5 kg Brot:", said[2]]
    assert [part.body for part in clauses(Piece("Kurz, ganz kurz.", ""))] == ["Kurz, ganz kurz."]
