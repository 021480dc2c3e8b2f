"""Text, tokenizer and shape of a training run: what is refused, what is kept, and whether the arithmetic is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from common import errors
from common.training import shape as shapes
from common.training.config import ScratchConfig, Shape, read_config
from common.training.corpus import read_corpus
from common.training.samples import SAMPLES, sample_text
from common.training.tokenizer import merges, train_tokenizer
from common.training.uploads import read_upload

TEXT = sample_text("story")[:20_000]


def test_a_text_is_split_at_a_line_and_nothing_is_lost() -> None:
    corpus = read_corpus(TEXT, 10**6)
    assert corpus.train + corpus.test == TEXT
    assert corpus.train.endswith("\n")
    assert 0.05 < len(corpus.test) / len(TEXT) < 0.15
    assert sum(corpus.characters.values()) == len(corpus)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 characters"),
        ("one\ntwo\nthree", "characters, and 1000 are the least"),
        ("abcde\n" * 300_000, "are the most"),
        ("a\0bcdef\n" * 500, "it is no text"),
        ("abcdefg " * 40_000, "one of its lines"),
        ("ab\n" * 1000, "different characters"),
    ],
)
def test_a_text_that_teaches_nothing_is_refused(text: str, reason: str) -> None:
    with pytest.raises(errors.UnusableCorpus, match=reason):
        read_corpus(text, 1_000_000)


def test_repeated_lines_are_counted() -> None:
    assert read_corpus("the same line\n" * 100, 10**6).repeated == 99


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_can_be_trained_on(name: str) -> None:
    corpus = read_corpus(sample_text(name), 10**6)
    assert len(corpus) > 200_000
    assert corpus.repeated < corpus.lines


def test_samples_are_always_the_same() -> None:
    assert SAMPLES["story"](2000) == SAMPLES["story"](2000)
    for line in SAMPLES["sums"](3000).splitlines():
        left, right = line.split("=")
        first, second = map(int, left.replace("-", "+").split("+"))
        assert int(right) == (first - second if "-" in left else first + second)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0�"), min_size=1, max_size=200))
@settings(deadline=None, max_examples=40)
def test_characters_of_the_text_come_back(text: str) -> None:
    tokenizer = train_tokenizer(text, "char")
    ids = tokenizer.encode(text)
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=100))
@settings(deadline=None, max_examples=40)
def test_byte_pairs_write_any_text(text: str) -> None:
    tokenizer = train_tokenizer(TEXT[:5000], "bpe", 400)
    assert tokenizer.decode(tokenizer.encode(text), clean_up_tokenization_spaces=False) == text


def test_merges_join_what_is_frequent() -> None:
    tokenizer = train_tokenizer(TEXT, "bpe", 400)
    assert len(tokenizer) == 400
    learned = merges(tokenizer)
    assert [merge.rank for merge in learned] == list(range(1, 41))
    assert any(merge.left + merge.right in ("he", "the", "␣t", "␣the") for merge in learned)
    assert merges(train_tokenizer(TEXT, "char")) == []


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@given(
    layers=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    part=st.sampled_from([8, 16, 24]),
    context=st.sampled_from([16, 40]),
    vocabulary=st.integers(50, 300),
)
@settings(deadline=None, max_examples=12)
def test_parameters_are_those_of_the_model(
    architecture: str, layers: int, heads: int, part: int, context: int, vocabulary: int
) -> None:
    shape = Shape(architecture=architecture, layers=layers, heads=heads, width=heads * part, context=context)
    model = AutoModelForCausalLM.from_config(shapes.hf_config(shape, vocabulary, 0))
    assert shapes.parameters(shape, vocabulary) == model.num_parameters()


def test_heads_that_cannot_share_the_width_are_refused() -> None:
    with pytest.raises(errors.ImpossibleShape, match="cannot be shared"):
        shapes.check(Shape(architecture="gpt2", heads=3, width=128))
    with pytest.raises(errors.ImpossibleShape, match="even part"):
        shapes.check(Shape(heads=12, width=36))


def test_a_description_survives_the_disk_and_nothing_is_added() -> None:
    config = ScratchConfig(name="mine", tokenizer="bpe", shape=Shape(layers=2))
    assert read_config(config.model_dump_json().encode()) == config
    values = {**json.loads(config.model_dump_json()), "trust": True}
    with pytest.raises(ValueError, match="trust"):
        read_config(json.dumps(values).encode())


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.txt", "one\ntwo", "one\ntwo"),
        ("a.csv", 'id,text\n1,"one, two"\n2,three', "one, two\nthree"),
        ("a.jsonl", '{"text": "one"}\n\n{"text": "two"}', "one\ntwo"),
    ],
)
def test_uploads_become_text_and_are_deleted(tmp_path: Path, name: str, content: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    assert read_upload(path) == text
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"id,words\n1,one", "has no column “text”, only id, words"),
        ("a.jsonl", b'{"words": "one"}', "has no column “text”, only words"),
        ("a.jsonl", b"[1, 2]", "only –"),
        ("a.jsonl", b"{broken", "damaged"),
        ("a.exe", b"MZ", "exe"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(200), "a.txt"),
    ],
)
def test_uploads_that_cannot_be_used_get_a_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(errors.DemystifyError, match=sentence):
        read_upload(path)
    assert not path.exists()
