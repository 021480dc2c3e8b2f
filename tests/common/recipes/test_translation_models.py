"""The committed translation models: small enough, loadable by both engines, right on the talk's own sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import MarianMTModel, MarianTokenizer

from common.recipes.translation import export, score

pytestmark = pytest.mark.slow
MODELS = Path(__file__).resolve().parents[3] / "models"
NAMES = ("translate-to-en", "translate-from-en")


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_small_safe_and_described(name: str) -> None:
    files = {path.name: path.stat().st_size for path in (MODELS / name).iterdir()}
    assert {"model.safetensors", "config.json", "source.spm", "target.spm", "vocab.json", "README.md"} <= set(files)
    assert max(files.values()) <= export.MAX_BYTES
    assert not [file for file in files if file.endswith((".bin", ".pt", ".pkl"))]


@pytest.mark.parametrize(
    ("name", "into", "sentences"),
    [
        ("translate-to-en", "en", ["Milujem seminár DSA", "Dobré ráno!", "Kde bývaš?", "Ich habe keine Zeit."]),
        ("translate-from-en", "sk", ["I love the DSA seminar", "Good morning!", "Where do you live?"]),
    ],
)
def test_both_engines_translate_alike(name: str, into: str, sentences: list[str], tmp_path: Path) -> None:
    export.convert(MODELS / name, tmp_path / "exact", "float32")
    fast = score.Translator(MODELS / name, tmp_path / "exact")(sentences, into, beam=1)
    model = MarianMTModel.from_pretrained(MODELS / name, dtype="float32").eval()
    tokenizer = MarianTokenizer.from_pretrained(MODELS / name)
    prefix = "" if into == "en" else f">>{into}<< "
    batch = tokenizer([prefix + sentence for sentence in sentences], return_tensors="pt", padding=True)
    slow = tokenizer.batch_decode(model.generate(**batch, num_beams=1), skip_special_tokens=True)
    assert fast == slow


@pytest.mark.parametrize("sentence", ["Milujem seminár DSA", "Milujem seminár DSA."])
def test_the_talks_own_sentence_comes_out_right(sentence: str, tmp_path: Path) -> None:
    export.convert(MODELS / "translate-to-en", tmp_path / "int8")
    translator = score.Translator(MODELS / "translate-to-en", tmp_path / "int8")
    for beam in 1, score.BEAM:
        assert translator([sentence], beam=beam)[0].rstrip(".") == "I love the DSA seminar"
