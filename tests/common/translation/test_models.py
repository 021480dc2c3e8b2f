"""Which model translates a direction, and where its words go in a document; metrics beside sacrebleu's own."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu

from common import errors
from common.config import Settings
from common.translation.documents import read
from common.translation.documents.work import translate_document
from common.translation.engine import Beams
from common.translation.metrics import compare
from common.translation.models import TranslationModels
from common.translation.passage import Progress

MODELS = Path(__file__).resolve().parents[3] / "models"


def test_without_the_hub_the_embedded_models_translate() -> None:
    models = TranslationModels()
    assert models.languages() == ("sk", "cs", "de", "fr", "it", "en")
    assert models.find("sk", "en").id == "translate-to-en"
    assert models.find("en", "fr").id == "translate-from-en"
    for pair in (("sk", "cs"), ("en", "en"), ("en", "ja"), ("xx", "en")):
        with pytest.raises(errors.UnsupportedPair):
            models.find(*pair)
    with pytest.raises(errors.UnsupportedPair):
        models.find("sk", "en", "translate-from-en")


def test_with_the_hub_there_are_more_languages_behind_the_embedded_ones() -> None:
    models = TranslationModels()
    models._hub = True
    assert {"ja", "uk"} <= set(models.languages())
    assert models.find("sk", "en").id == "translate-to-en"
    assert models.find("sk", "ja").id == "m2m100-418m"
    assert models.find("de", "en", "opus-mt-de-en").repo == "Helsinki-NLP/opus-mt-de-en"


def test_a_folder_says_itself_what_it_translates(tmp_path: Path) -> None:
    for name in ("config.json", "vocab.json", "tokenizer_config.json"):
        shutil.copy(MODELS / "translate-from-en" / name, tmp_path)
    models = TranslationModels(Settings(translator=str(tmp_path)))
    assert models.find("en", "sk") == models.find("de", "en") == models.usable()[0]
    config = (tmp_path / "tokenizer_config.json").read_text()
    config = config.replace('"source_lang": null', '"source_lang": "de"').replace(
        '"target_lang": null', '"target_lang": "en"'
    )
    (tmp_path / "tokenizer_config.json").write_text(config)
    (tmp_path / "vocab.json").write_text('{"</s>": 0}')
    models = TranslationModels(Settings(translator=str(tmp_path)))
    assert models.find("de", "en").folder == str(tmp_path)
    with pytest.raises(errors.UnsupportedPair):
        models.find("en", "de")
    with pytest.raises(errors.UnknownModel, match="opus-mt-de-en"):
        TranslationModels(Settings(translator="nothing")).usable()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m2m", "nllb"])
def test_a_folder_for_many_languages_offers_them_all(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(f"{name}_folder")
    assert {"ja", "uk", "sk"} <= set(TranslationModels(Settings(translator=str(folder))).languages())
    # Some folders name the tokens in one file only.
    for kept in ("tokenizer.json", "added_tokens.json"):
        if (folder / kept).exists():
            copy = tmp_path / kept
            copy.mkdir()
            for file in (kept, "config.json"):
                shutil.copy(folder / file, copy)
            assert TranslationModels(Settings(translator=str(copy))).find("uk", "ja").folder == str(copy)


def test_all_visitors_share_one_engine() -> None:
    models = TranslationModels()
    model = models.find("sk", "en")
    assert models.engine(model) is models.engine(models.find("de", "en"))


@pytest.mark.slow
def test_a_text_alone_and_in_company_is_the_same(translate: Callable[..., Progress]) -> None:
    alone = translate("Kde je stanica?", "sk").text
    company = translate("Kde je stanica?\n" + "Milujem seminár DSA\n" * 30, "sk").text
    assert company.split("\n")[0] == alone


@pytest.mark.slow
def test_a_line_for_each_line(translate: Callable[..., Progress]) -> None:
    progress = translate("Good morning!\n\n  Where do you live?\n😀\n", "en", "sk", beams=Beams(2, 2))
    assert re.fullmatch(r"\S[^\n]*\n\n  \S[^\n]*\n😀\n", progress.text)
    assert [len(others) for _, others in progress.alternatives] == [2, 2]
    assert progress.complete and progress.seconds_left == 0


@pytest.mark.slow
def test_a_document_keeps_its_markup_around_the_right_words(models: TranslationModels) -> None:
    document = read("a.html", "<p>Milujem <b>seminár</b> <i>DSA</i>. Použi <code>ls -l</code> teraz.</p>".encode())
    model = models.find("sk", "en")

    async def work() -> None:
        codec = models.codec(model, "sk", "en")
        async for _ in translate_document(models.engine(model), codec, document, "sk"):
            pass

    asyncio.run(work())
    said = document.save().decode()
    assert re.fullmatch(r"<p>.*<b>.*</b>.*<i>.*</i>.*<code>ls -l</code>.*</p>", said)
    assert re.sub("<[^>]*>", "", said).startswith("I love the DSA seminar")
    assert re.search("<b>[^<]*[a-zA-Z]", said) and re.search("<i>[^<]*[a-zA-Z]", said)


def test_the_scores_are_sacrebleus_own() -> None:
    said, wanted = "I love the DSA seminar.\nGood day", "I love the seminar.\nGood morning"
    quality = compare(said, wanted)
    assert quality.chrf == pytest.approx(sacrebleu.corpus_chrf(said.split("\n"), [wanted.split("\n")]).score)
    assert quality.bleu == pytest.approx(sacrebleu.corpus_bleu(said.split("\n"), [wanted.split("\n")]).score)
    assert "version:" in quality.bleu_signature and "nc:6" in quality.chrf_signature
    one = compare("Good morning", "Good morning\n\n")
    assert (one.chrf, one.bleu) == (pytest.approx(100), pytest.approx(100))
