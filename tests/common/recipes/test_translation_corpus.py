"""Reading, cleaning, holding out and weighing sentence pairs."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.recipes.translation import corpus, prepare
from common.recipes.translation.corpus import Pair

# Few different sentences, in several spellings, so that they meet across files and languages.
_WORDS = st.sampled_from(["dog", "Dog!", "the cat", "The  cat.", "pes", "PES", "le chat", "der Hund", "nothing else"])
_PAIRS = st.lists(
    st.builds(
        Pair,
        _WORDS,
        _WORDS,
        st.sampled_from(corpus.LANGUAGES),
        st.sampled_from(["tatoeba", "wesnoth", *corpus.WHOLE_TEXTS, *corpus.HELD_OUT_DOMAINS]),
    ),
    max_size=40,
)


@given(_PAIRS)
def test_no_sentence_is_both_learned_and_measured(pairs: list[Pair]) -> None:
    split = corpus.split(pairs)
    for side in "english", "other":
        learned = {corpus.key(getattr(pair, side)) for pair in split.training}
        measured = {corpus.key(getattr(pair, side)) for pair in split.held_out}
        assert not learned & measured
    assert all(pair in split.held_out for pair in pairs if pair.domain in corpus.HELD_OUT_DOMAINS)


def test_about_one_in_a_hundred_english_sentences_is_held_out_with_all_its_translations() -> None:
    pairs = [
        Pair(f"sentence number {index}", f"{language} {index}", language, "wesnoth")
        for index in range(5000)
        for language in ("de", "fr")
    ]
    split = corpus.split(pairs)
    assert 60 < len(split.held_out) < 140
    assert {pair.english for pair in split.held_out if pair.language == "de"} == {
        pair.english for pair in split.held_out if pair.language == "fr"
    }
    assert len(split.training) + len(split.held_out) == len(pairs)


def _described(name: int, language: str, synopsis: bool = True) -> list[Pair]:
    """A package's description."""
    lines = [
        f"player of music number {name}",
        f"Player {name} has:",
        f"* {name} keys",
        "all of it small",
        f"Ask {name}.",
    ]
    return [Pair(line, f"{language} {line}", language, "debian-descriptions") for line in lines[0 if synopsis else 1 :]]


def test_some_texts_are_held_out_whole_and_nothing_less_than_before() -> None:
    texts = [
        [*_described(n, "de"), *_described(n, "it", n % 2 == 0), Pair(f"Sum {n}", f"Summe {n}", "de", "tatoeba")]
        for n in range(2000)
    ]
    by_file = [pair for language in ("de", "it") for text in texts for pair in text if pair.language == language]
    split = corpus.split(by_file)
    whole = {pair.english for pair in split.held_out if pair.domain == "debian-descriptions-whole"}
    begun = [n for n in range(2000) if f"player of music number {n}" in whole]
    assert 10 < len(begun) < 40
    for n in begun:
        assert {pair.english for pair in _described(n, "de")} <= whole
        # In every language, also where the file lacks the synopsis by which a text is known.
        assert not {pair.english for pair in split.training} & {pair.english for pair in _described(n, "it")}
    assert all("Sum" not in english for english in whole)
    # By sentence it stays as it was: what models were never trained on is in no new model's data either.
    alone = [pair for pair in by_file if corpus._chosen(corpus.key(pair.english), corpus.HELD_OUT_ONE_IN)]
    assert [pair for pair in split.held_out if pair.domain not in corpus.WHOLE_TEXTS.values()] == alone


def _within_a_word(one: str, other: str) -> bool:
    """By the definition: one word more, less or another."""
    short, long = sorted((corpus.key(one).split(), corpus.key(other).split()), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) <= 1
    return any(short == long[:place] + long[place + 1 :] for place in range(len(long)))


_FEW_WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(" ".join)


@given(st.lists(st.tuples(_FEW_WORDS, _FEW_WORDS), max_size=12))
def test_what_is_apart_is_not_within_a_word_of_anything_learned(said: list[tuple[str, str]]) -> None:
    pairs = [Pair(english, other, "de", "tatoeba") for english, other in said]
    half = len(pairs) // 2
    apart = list(corpus._apart(pairs[:half], pairs[half:]))
    learned = [side for pair in pairs[half:] for side in (pair.english, pair.other)]
    for pair in pairs[:half]:
        close = any(_within_a_word(side, other) for side in (pair.english, pair.other) for other in learned)
        if close:
            assert pair._replace(domain=corpus.APART) not in apart
    assert all(pair.domain == corpus.APART for pair in apart)


def test_far_everyday_sentences_are_measured_apart_and_nothing_else_is() -> None:
    held_out = [
        Pair("I have two dogs", "Ich habe zwei Hunde", "de", "tatoeba"),
        Pair("Nobody came to the party", "Niemand kam zum Fest", "de", "everyday"),
        Pair("The archer attacks the castle", "Der Schütze greift die Burg an", "de", "wesnoth"),
    ]
    learned = [Pair("I have two cats", "Wir haben Katzen", "de", "catalogues")]
    assert list(corpus._apart(held_out, learned)) == [held_out[1]._replace(domain=corpus.APART)]


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("I love the DSA seminar", "Milujem seminár DSA"),
        ("I love the DSA seminar.", "milujem seminár dsa!"),
        ("We like DSA and its seminars", "Máme radi DSA a jeho semináre"),
    ],
)
def test_the_talks_own_sentence_is_never_learned(english: str, other: str) -> None:
    split = corpus.split(
        [Pair(english, other, "sk", "phrases"), Pair("I love music", "Milujem hudbu", "sk", "phrases")]
    )
    assert [pair.other for pair in split.training + split.held_out] == ["Milujem hudbu"]


@pytest.mark.parametrize(
    ("english", "other", "good"),
    [
        ("How are you?", "Wie geht es dir?", True),
        ("Yes.", "Ja.", True),
        ("How are you?", "How are you?", False),  # a copy
        ("Run!", "Das ist ein ganz anderer und viel zu langer Satz.", False),
        ("In 1968 he left.", "Er ging 1986.", False),  # another year
        ("--- %s ---", "--- %s ---!", False),
        ("", "Ja.", False),
        ("word " * 100, "Wort " * 100, False),
    ],
)
def test_bad_pairs_are_dropped(english: str, other: str, good: bool) -> None:
    assert corpus.usable(Pair(english, other, "de", "tatoeba")) is good


def test_files_are_read_by_name_packed_or_not(tmp_path: Path) -> None:
    with lzma.open(tmp_path / "tatoeba.en-de.tsv.xz", "wt", encoding="utf-8") as file:
        file.write("Good  morning.\tGuten Morgen.\n")
    (tmp_path / "my-own.en-sk.tsv").write_text("Good day.\tDobry\u0301 den\u030c.\nbroken line\n", "utf-8")
    (tmp_path / "tatoeba.en-xx.tsv").write_text("Good day.\tXx xx.\n", "utf-8")
    assert list(corpus.read(tmp_path)) == [
        Pair("Good day.", "Dobrý deň.", "sk", "my-own"),
        Pair("Good morning.", "Guten Morgen.", "de", "tatoeba"),
    ]


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match=r"tatoeba\.en-de"):
        list(corpus.read(tmp_path))


def test_other_sentences_of_the_same_length_are_prepared_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.en-sk.tsv"
    file.write_text("Good day.\tDobrý deň.\n", "utf-8")
    before = prepare._fingerprint([tmp_path], 0)
    assert prepare._fingerprint([tmp_path], 0) == before
    file.write_text("Bad days.\tDobrý deň.\n", "utf-8")
    assert prepare._fingerprint([tmp_path], 0) != before


def test_rare_languages_and_everyday_speech_are_drawn_more_often() -> None:
    many = [Pair(f"a b {index}", f"c d {index}", "fr", "tatoeba") for index in range(400)]
    few = [Pair(f"a b {index}", f"e f {index}", "sk", "tatoeba") for index in range(100)]
    dull = Pair("Print the list", "Vytlačiť zoznam", "sk", "catalogues")
    personal = Pair("Print my list", "Vytlač môj zoznam", "sk", "catalogues")
    weights = corpus.weights([*many, *few, dull, personal])
    assert sum(weights[400:]) / sum(weights[:400]) == pytest.approx((100 / 400) ** 0.4, rel=0.01)
    assert weights[-1] == pytest.approx(3 * weights[-2])
    assert weights[400] > 5 * weights[-2]


def test_some_sentences_come_without_their_full_stop_too() -> None:
    said = {pair.english for pair in corpus.own(phrases=0) if pair.language == "sk"}
    bare = {english for english in said if f"{english}." in said}
    assert 0.05 * len(said) < len(bare) < 0.15 * len(said)
