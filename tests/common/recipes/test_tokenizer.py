"""The recipe of the embedded tokenizers, run whole on a small made-up corpus, and what it left under models/."""

from __future__ import annotations

import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend

from common import errors
from common.recipes.tokenizer import (
    HELD_OUT,
    LANGUAGES,
    RECIPES,
    Recipe,
    balanced,
    main,
    measure,
    mixtures,
    read,
    train,
)
from common.text.tokens import LibraryTokenizer
from common.text.vocabularies import load

ROOT = Path(__file__).resolve().parents[3]
SYLLABLES = {"en": "the", "de": "sch", "fr": "eau", "it": "zio", "cs": "ště", "sk": "ľud"}


def _sentence(language: str, number: int) -> str:
    """A made-up sentence in which the language's own syllable is frequent."""
    syllable = SYLLABLES[language]
    return f"{syllable}an {number} {syllable}en ro{syllable} {syllable}{syllable} {number * number}."


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pairs: every language, two sources of different length, one of them packed."""
    folder = tmp_path_factory.mktemp("pairs")
    for language in LANGUAGES[1:]:
        rows = {
            f"tatoeba.en-{language}.tsv": range(400),
            f"libreoffice-help.en-{language}.tsv.xz": range(300, 380),
            f"{HELD_OUT}.en-{language}.tsv": range(390, 420),
            f"unknown-source.en-{language}.tsv": range(9000, 9100),
        }
        for name, numbers in rows.items():
            opened = lzma.open if name.endswith(".xz") else open
            with opened(folder / name, "wt", encoding="utf-8") as file:
                file.writelines(f"{_sentence('en', n)}\t{_sentence(language, n)}\n" for n in numbers)
    return folder


def _run(data: Path, out: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "common.recipes.tokenizer", "--data", str(data), "--out", str(out)], cwd=ROOT, check=True
    )


def test_one_command_makes_both_and_makes_the_same_again(data: Path, tmp_path: Path) -> None:
    _run(data, tmp_path / "one")
    _run(data, tmp_path / "two")
    for recipe in RECIPES:
        for file in ("tokenizer.json", "README.md"):
            assert (tmp_path / "one" / recipe.name / file).read_bytes() == (
                tmp_path / "two" / recipe.name / file
            ).read_bytes()
    card = (tmp_path / "one" / "tokenizer-european-8k" / "README.md").read_text(encoding="utf-8")
    assert "python -m common.recipes.tokenizer" in card and str(data) not in card
    assert "CC BY 2.0 FR" in card and "MPL-2.0" in card
    for title in ("European 8k", "English 8k", "SmolLM2"):
        assert all(f"| {title} | {language} |" in card for language in LANGUAGES)


def test_what_is_held_out_is_not_learned_from(data: Path) -> None:
    corpus = read(data)
    for language in LANGUAGES:
        learned = {text for texts in corpus.training[language].values() for text in texts}
        assert _sentence(language, 100) in learned
        assert not learned & {_sentence(language, n) for n in range(390, 420)}
        assert _sentence(language, 9050) not in learned
    assert len(corpus.held_out["it"]) == 30


def test_languages_have_equal_parts_and_both_tokenizers_the_same_amount(data: Path) -> None:
    texts = mixtures(read(data))
    european, english = (texts[recipe.name] for recipe in RECIPES)
    parts = [sum(len(text) for text in european if SYLLABLES[language] in text) for language in LANGUAGES]
    longest = max(len(text) for text in european)
    rest = 2 * longest  # a sentence is taken whole or not at all, from each of the two sources
    assert max(parts) - min(parts) <= rest
    assert all(SYLLABLES["en"] in text for text in english)
    assert abs(sum(map(len, english)) - sum(map(len, european))) <= rest * len(LANGUAGES)


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.text(min_size=1, max_size=9), max_size=20), min_size=1),
    st.integers(0, 200),
)
def test_balanced_takes_no_more_than_asked_and_all_if_there_is_less(texts: dict[str, list[str]], wanted: int) -> None:
    taken = balanced(texts, wanted)
    assert sum(map(len, taken)) <= wanted
    assert balanced({name: list(reversed(part)) for name, part in texts.items()}, wanted) == taken
    if sum(len(text) for part in texts.values() for text in part) * len(texts) <= wanted:
        assert sorted(taken) == sorted(text for part in texts.values() for text in part)


def test_a_tokenizer_is_good_at_what_it_has_seen(data: Path) -> None:
    corpus = read(data)
    texts = mixtures(corpus)
    european, english = (LibraryTokenizer(train(texts[recipe.name], 400)) for recipe in RECIPES)
    assert european.size == 400
    measured, other = measure(european, corpus.held_out), measure(english, corpus.held_out)
    assert measured["sk"].tokens_per_word < other["sk"].tokens_per_word
    assert measured["sk"].ratio < other["sk"].ratio
    assert other["en"].ratio == 1.0


def test_a_missing_language_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in data.glob("*"):
        if ".en-sk" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(errors.InvalidFile, match="no pairs for sk"):
        read(tmp_path)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match="no pairs for sk"):
        patch.setattr(sys, "argv", ["tokenizer", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
        main()
    assert not (tmp_path / "out").exists()


def test_a_line_that_is_no_pair_is_said(data: Path, tmp_path: Path) -> None:
    for path in data.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tatoeba.en-it.tsv").write_text("one\tuno\nalone\n", encoding="utf-8")
    with pytest.raises(errors.InvalidFile, match=r"tatoeba\.en-it\.tsv"):
        read(tmp_path)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_committed_tokenizers_are_what_their_cards_say(recipe: Recipe) -> None:
    folder = ROOT / "models" / recipe.name
    path = folder / "tokenizer.json"
    assert path.stat().st_size <= 2_000_000
    backend = Backend.from_file(str(path))
    assert backend.get_vocab_size() == 8000
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "8,000 tokens" in card and "held out" in card
    # The figure that the Tokens tab is about: German costs an English vocabulary about twice as much.
    german = float(next(line for line in card.splitlines() if line.startswith("| English 8k | de")).split("|")[5])
    assert german > 1.8


def test_the_european_one_needs_fewer_tokens_outside_english() -> None:
    sentence = {"de": "Die nächste Haltestelle ist der Hauptbahnhof.", "it": "La prossima fermata è la stazione."}
    for text in sentence.values():
        assert len(load("european-8k").ids(text)) < len(load("english-8k").ids(text))
