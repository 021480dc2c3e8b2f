"""The phrase book: whole tables, right grammar."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pytest

from common.recipes.translation import corpus, phrasebook
from common.recipes.translation.phrasebook import english, italian, plan, slavic
from common.recipes.translation.phrasebook.plan import Phrase, Row, Subject, Thing


def _row(table: str, word: str) -> Row:
    return next(row for row in plan.table(table) if row.get("en") == word or row.get("en_at") == word)


def _said(phrase: Phrase) -> tuple[str, str | None, str | None, str | None]:
    return (
        english.say(phrase),
        slavic.say(phrase, slavic.SLOVAK),
        slavic.say(phrase, slavic.CZECH),
        italian.say(phrase),
    )


_BOOK, _TEACHER, _SISTER = (_row("nouns", word) for word in ("book", "teacher", "sister"))
_NEW = _row("adjectives", "new")
_I, _SHE, _TOM, _WE = Subject(0, "m"), Subject(2, "f", stressed=True), Subject(2, "m", "Tom"), Subject(3, "m")


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        (
            Phrase("do", _I, verb=_row("verbs", "read"), thing=Thing(_BOOK, "a", _NEW)),
            ("I read a new book.", "Čítam novú knihu.", "Čtu novou knihu.", "Leggo un libro nuovo."),
        ),
        (
            Phrase("do", _SHE, "past", verb=_row("verbs", "see"), thing=Thing(_TEACHER, "my", _NEW)),
            (
                "She saw my new teacher.",
                "Ona videla môjho nového učiteľa.",
                "Ona viděla mého nového učitele.",
                "Lei ha visto il mio insegnante nuovo.",
            ),
        ),
        (
            Phrase(
                "do",
                _I,
                "past",
                verb=_row("verbs", "see"),
                thing=Thing(_SISTER, "your"),
                time=_row("times", "yesterday"),
            ),
            (
                "I saw your sister yesterday.",
                "Včera som videl tvoju sestru.",
                "Včera jsem viděl tvou sestru.",
                "Ho visto tua sorella ieri.",
            ),
        ),
        (
            Phrase("do", _TOM, "past", True, True, _row("verbs", "buy"), thing=Thing(_BOOK, "this")),
            (
                "Didn't Tom buy this book?",
                "Tom nekúpil túto knihu?",
                "Tom nekoupil tuto knihu?",
                "Tom non ha comprato questo libro?",
            ),
        ),
        (
            Phrase("modal", _WE, verb=_row("verbs", "eat"), modal="want", thing=Thing(_row("nouns", "apple"), "a")),
            ("We want to eat an apple.", "Chceme jesť jablko.", "Chceme jíst jablko.", "Vogliamo mangiare una mela."),
        ),
        (
            Phrase("like", _SHE, thing=Thing(_row("nouns", "music"), "")),
            ("She likes music.", "Ona má rada hudbu.", "Ona má ráda hudbu.", "Le piace la musica."),
        ),
        (
            Phrase("feel", Subject(0, "f"), "past", True, word=_row("states", "tired"), degree="very"),
            (
                "I was not very tired.",
                "Nebola som veľmi unavená.",
                "Nebyla jsem velmi unavená.",
                "Non ero molto stanca.",
            ),
        ),
        (
            Phrase("stay", _TOM, word=_row("places", "at school")),
            ("Tom is at school.", "Tom je v škole.", "Tom je ve škole.", "Tom è a scuola."),
        ),
        (
            Phrase("go", _I, word=_row("places", "at work"), time=_row("times", "every day")),
            (
                "I go to work every day.",
                "Každý deň idem do práce.",
                "Každý den jdu do práce.",
                "Vado al lavoro ogni giorno.",
            ),
        ),
        (
            Phrase("is", _I, "past", thing=Thing(_row("nouns", "door"), "the"), word=_NEW),
            ("The door was new.", "Dvere boli nové.", "Dveře byly nové.", "La porta era nuova."),
        ),
        (
            Phrase("where", _I, thing=Thing(_row("nouns", "course"), "the", letters="ABC")),
            ("Where is the ABC course?", "Kde je kurz ABC?", "Kde je kurz ABC?", "Dov'è il corso ABC?"),
        ),
    ],
)
def test_a_phrase_in_four_languages(phrase: Phrase, expected: tuple[str, str, str, str]) -> None:
    assert _said(phrase) == expected


@pytest.mark.parametrize(
    ("word", "gender", "definite", "indefinite"),
    [
        ("libro", "m", "il ", "un "),
        ("zaino", "m", "lo ", "uno "),
        ("studente", "m", "lo ", "uno "),
        ("amico", "m", "l'", "un "),
        ("idea", "f", "l'", "un'"),
        ("casa", "f", "la ", "una "),
        ("sogno", "m", "il ", "un "),
    ],
)
def test_italian_articles(word: str, gender: str, definite: str, indefinite: str) -> None:
    assert italian.article(word, gender, True) == definite
    assert italian.article(word, gender, False) == indefinite


_EVERYDAY = [f"everyday/{path.stem}" for path in sorted((plan.TABLES / "everyday").glob("*.psv"))]


@pytest.mark.parametrize("name", ["nouns", "verbs", "adjectives", "states", "places", "times", "sentences", *_EVERYDAY])
def test_tables_are_rectangular_and_without_stray_spaces(name: str) -> None:
    rows = plan.table(name)
    for row in rows:
        assert None not in row and None not in row.values(), row
        assert all(cell == cell.strip() for cell in row.values()), row
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_every_verb_has_all_its_forms() -> None:
    for verb in plan.table("verbs"):
        for language, past_forms in ("sk", 3), ("cs", 3), ("it", 1):
            if verb[language]:
                assert len(verb[f"{language}_now"].split()) == 6, verb
                assert len(verb[f"{language}_past"].split()) == past_forms, verb


def test_everyday_sentences_are_many_and_fit_for_training() -> None:
    pairs = list(phrasebook.everyday())
    by_language = {language: [pair for pair in pairs if pair[2] == language] for language in ("sk", "cs", "de", "it")}
    assert {len(found) for found in by_language.values()} == {len(pairs) // 4} and len(pairs) > 4 * 5_000
    assert len({said for said, _, _ in by_language["sk"]}) > 0.98 * len(by_language["sk"])
    bad = [pair for pair in pairs if not corpus.usable(corpus.Pair(*pair, "everyday"))]
    assert not [pair for pair in bad if unicodedata.normalize("NFC", pair[1]) != pair[1]]
    assert len(bad) < 0.02 * len(pairs), bad[:10]  # short ones that one language says at length


def test_slovak_and_czech_are_told_apart() -> None:
    # Letters that only one of the two has: a row whose columns were swapped shows them.
    for said, other, language in phrasebook.everyday():
        if language in ("sk", "cs"):
            strange = "ěřů" if language == "sk" else "ľĺŕôä"
            assert not set(other.lower()) & set(strange), (said, other)


def test_thousands_of_different_phrases_the_same_each_time() -> None:
    first, second = list(phrasebook.phrases(2000)), list(phrasebook.phrases(2000))
    assert first == second
    assert len(first) == len(set(first)) > 4500
    for spoken, other, language in first:
        assert language in phrasebook.LANGUAGES
        for text in spoken, other:
            assert text[0].isupper() and text[-1] in ".?" and "  " not in text, text


def test_a_phrase_is_denied_and_asked_in_all_languages_alike() -> None:
    chance = random.Random(1)
    denials: dict[str, Callable[[str], bool]] = {
        "en": lambda text: "n't " in text or " not " in text,
        "it": lambda text: "non" in text.lower().split(),
    }
    for _ in range(500):
        phrase = plan.draw(chance)
        spoken, _, _, italian_text = _said(phrase)
        if phrase.pattern != "where" and italian_text:
            assert denials["en"](spoken) == denials["it"](italian_text) == phrase.negated, (spoken, italian_text)
            assert spoken.endswith("?") == italian_text.endswith("?") == phrase.question
