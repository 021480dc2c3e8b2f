"""English sentences that nobody translated get sources from the model here that translates from English."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import catalog
from common.recipes.translation import backtranslation, corpus
from common.recipes.translation.__main__ import main as recipe
from common.recipes.translation.corpus import Pair

SENTENCES = {
    "I have no time today.": "Heute habe ich keine Zeit.",
    "Where is the station?": "Wo ist der Bahnhof?",
    "My sister has a dog.": "Meine Schwester hat einen Hund.",
}
FRENCH = {"We drink coffee.": "Nous buvons du café.", "I have no time today!": "Je n'ai pas le temps aujourd'hui !"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language, pairs in (("de", SENTENCES), ("fr", FRENCH)):
        lines = (f"{english}\t{other}\n" for english, other in pairs.items())
        (tmp_path / f"tatoeba.en-{language}.tsv").write_text("".join(lines), "utf-8")
    (tmp_path / "wesnoth.en-sk.tsv").write_text("The orcs are coming.\tOrkovia prichádzajú.\n", "utf-8")
    return tmp_path


def test_only_everyday_sentences_are_taken_that_a_language_lacks(folder: Path) -> None:
    pairs = list(corpus.read(folder))
    assert backtranslation.missing(pairs, "de") == ["We drink coffee."]
    assert backtranslation.missing(pairs, "fr") == ["Where is the station?", "My sister has a dog."]
    assert len(backtranslation.missing(pairs, "sk")) == 4  # the one that differs by its last sign counts once


def test_what_is_no_translation_is_left_out() -> None:
    made = backtranslation.back_translate(["We drink coffee.", "Hello."], "de", lambda texts, into: ["Wir", "Hallo."])
    assert made == [Pair("Hello.", "Hallo.", "de", backtranslation.DOMAIN)]


@pytest.mark.slow
def test_the_own_model_makes_sources_that_the_recipe_reads_in_one_direction(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = catalog.locate(next(m for m in catalog.with_task("translation") if m.id == "translate-from-en"))
    into = tmp_path / "back"
    backtranslation.main(["--data", str(folder), "--model", str(model), "--into", str(into), "--most", "2"])
    made = list(corpus.read(into))
    assert {pair.language for pair in made} == set(corpus.LANGUAGES)
    assert all(pair.english in {*SENTENCES, *FRENCH} and pair.english != pair.other for pair in made)
    assert max(sum(pair.language == language for pair in made) for language in corpus.LANGUAGES) == 2
    given = ["--data", str(into), "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--phrases", "9"]
    with pytest.raises(SystemExit, match="no target to learn from"):
        recipe(["--direction", "from-en", "--start", str(model), *given])
