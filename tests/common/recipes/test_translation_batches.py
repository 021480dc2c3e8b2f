"""The vocabulary, and batches that can be asked for by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import MarianTokenizer

from common.recipes.translation import batches, corpus, vocabulary
from common.recipes.translation.batches import Batches, Encoded
from common.recipes.translation.corpus import Pair

pytestmark = pytest.mark.slow
SIZE = 480


@pytest.fixture(scope="module")
def training(pairs_folder: Path) -> list[Pair]:
    return corpus.split(corpus.read(pairs_folder)).training


@pytest.fixture(scope="module")
def folder(training: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vocabulary")
    vocabulary.train(training, made, SIZE)
    return made


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> MarianTokenizer:
    return MarianTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def data(training: list[Pair], folder: Path) -> Encoded:
    return batches.encode(training, folder)


def test_text_comes_back_from_its_ids(training: list[Pair], tokenizer: MarianTokenizer) -> None:
    assert len(tokenizer) == SIZE
    # The small vocabulary need not know every digit, of which the descriptions of packages are full.
    for pair in [pair for pair in training if pair.domain != "debian-descriptions"][::50]:
        for text in pair.english, pair.other:
            assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text


@settings(deadline=None)
@given(text=st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzčáíýžéúô .,?"), max_size=40))
def test_many_texts_at_once_get_the_ids_the_tokenizer_gives(
    folder: Path, tokenizer: MarianTokenizer, text: str
) -> None:
    assert vocabulary.encode(folder, [text]) == [tokenizer(text).input_ids]


def test_a_language_token_is_one_id(tokenizer: MarianTokenizer) -> None:
    ids = [tokenizer(f">>{language}<< Hello").input_ids[0] for language in corpus.LANGUAGES]
    assert ids == list(range(SIZE - 6, SIZE - 1))
    assert tokenizer.pad_token_id == SIZE - 1
    assert tokenizer.eos_token_id == vocabulary.END
    assert tokenizer.unk_token_id == vocabulary.UNKNOWN


def test_arrays_keep_sentences_apart_and_survive_the_disk(training: list[Pair], data: Encoded, tmp_path: Path) -> None:
    data.save(tmp_path / "encoded.npz")
    again = Encoded.load(tmp_path / "encoded.npz")
    for name in Encoded.__slots__:
        assert np.array_equal(getattr(data, name), getattr(again, name))
    ends = data.other[data.other_offsets[1:] - 1]
    assert (ends == vocabulary.END).all()
    assert len(data.other_offsets) == len(training) + 1


def test_a_batch_depends_on_its_number_alone(data: Encoded) -> None:
    first, second = (Batches(data, "to-en", steps, 512, SIZE) for steps in (10, 1000))
    for name, tensor in first[7].items():
        assert torch.equal(tensor, second[7][name])
    assert not torch.equal(first[7]["labels"], first[8]["labels"])


def test_a_batch_keeps_to_its_budget_and_is_mostly_text(data: Encoded) -> None:
    made = Batches(data, "to-en", 100, 1024, SIZE)
    text = total = 0
    for number in range(100):
        batch = made[number]
        size = batch["input_ids"].numel() + batch["labels"].numel()
        assert size <= 1024
        text += int(batch["attention_mask"].sum()) + int((batch["labels"] != -100).sum())
        total += size
    assert text / total > 0.75


def test_the_decoder_sees_the_target_one_place_late(data: Encoded) -> None:
    batch = Batches(data, "to-en", 1, 512, SIZE)[0]
    padding = SIZE - 1
    assert (batch["decoder_input_ids"][:, 0] == padding).all()
    labels = batch["labels"].masked_fill(batch["labels"] == -100, padding)
    assert torch.equal(batch["decoder_input_ids"][:, 1:], labels[:, :-1])
    assert torch.equal(batch["attention_mask"] == 0, batch["input_ids"] == padding)


def test_directions_are_each_others_mirror(data: Encoded, tokenizer: MarianTokenizer) -> None:
    to_english, from_english = (Batches(data, direction, 1, 512, SIZE)[0] for direction in ("to-en", "from-en"))
    labels = to_english["labels"].masked_fill(to_english["labels"] == -100, SIZE - 1)
    assert torch.equal(labels, from_english["input_ids"][:, 1:])
    tokens = {tokenizer.convert_ids_to_tokens(int(index)) for index in from_english["input_ids"][:, 0]}
    assert tokens <= {">>sk<<", ">>cs<<", ">>it<<"} and len(tokens) > 1


def test_a_favoured_language_is_drawn_more_often(data: Encoded) -> None:
    def share(encoded: Encoded) -> float:
        german = encoded.language == corpus.LANGUAGES.index("de")
        return float(encoded.weight[german].sum() / encoded.weight.sum())

    before = share(data)
    assert share(data.favouring({"de": 3.0})) == pytest.approx(3 * before / (1 + 2 * before))
    assert share(data.favouring({})) == before
