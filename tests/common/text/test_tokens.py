"""Tokens: the pieces of a text are the text again, their numbers are the ones models get, and the counts add up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from common import catalog, errors
from common.text.convert import convert
from common.text.engine import GenerationRequest
from common.text.engines.process import ProcessEngine
from common.text.tokens import LibraryTokenizer, Tokenizer, Tokens, count, encode, words
from common.text.vocabularies import load

EMBEDDED = ["smollm2", "english-8k", "european-8k", "characters", "bytes"]
# Letters of many writings, spaces of all kinds, emoji of several code points, control tokens, and anything at all.
SNIPPETS = st.sampled_from(
    [
        *("straw", "berry", " ", "  ", "\n", "\t", "\u00a0", "\x00", "2026", "3.14", "²", "don't", "▁"),
        *("Straße", "œuvre", "perché", "ľúbi", "e\u0301", "привет", "こんにちは", "مرحبا", "🙂", "👩‍🚀", "🇨🇭"),
        *("<|im_start|>", "<|endoftext|>", "<unk>"),
    ]
)
TEXTS = st.lists(SNIPPETS | st.text(max_size=4), max_size=12).map("".join)
# Bytes that its vocabulary lacks and leaves out of a text: some control characters, and the rarest of letters.
UNKNOWN_TO_SMOLLM2 = {0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xF1, 0xF2}
SENTENCES = ["the north wind and the sun", "Der Nordwind und die Sonne", "la bise et le soleil, 2026", "il vento 🙂"]


def _rebuilds(tokens: Tokens, text: str) -> None:
    """Pieces touch each other from the first byte to the last, and each says truly what it holds."""
    data = text.encode()
    assert b"".join(piece.data for piece in tokens.pieces) == data
    edges = [0, *(piece.end for piece in tokens.pieces)]
    assert [piece.start for piece in tokens.pieces] == edges[:-1] and edges[-1] == len(data)
    assert all(piece.data == data[piece.start : piece.end] for piece in tokens.pieces)
    assert tokens.bytes == len(data) and tokens.characters == len(text)


@pytest.mark.parametrize("name", EMBEDDED)
@settings(deadline=None)  # the first text waits for the tokenizer to load
@given(text=TEXTS)
def test_pieces_are_the_text_again(name: str, text: str) -> None:
    tokenizer = load(name)
    tokens = encode(tokenizer, text)
    _rebuilds(tokens, text)
    if name != "smollm2" or not UNKNOWN_TO_SMOLLM2 & set(text.encode()):
        assert all(piece.data == piece.token for piece in tokens.pieces)  # these tokenizers rewrite nothing
    assert [piece.id for piece in tokens.pieces] == tokenizer.ids(text)
    assert tokens.count == count(tokenizer, text) <= tokens.bytes
    assert all(0 <= piece.id < tokenizer.size for piece in tokens.pieces if name != "characters")


@pytest.mark.parametrize("name", EMBEDDED)
@settings(deadline=None)  # the first text waits for the tokenizer to load
@given(text=TEXTS)
def test_split_characters_are_those_that_no_piece_holds_whole(name: str, text: str) -> None:
    tokens = encode(load(name), text)
    edges = {piece.end for piece in tokens.pieces}
    places = list(itertools.accumulate((len(sign.encode()) for sign in text), initial=0))
    broken = sum(any(place in edges for place in range(a + 1, b)) for a, b in itertools.pairwise(places))
    assert tokens.split_characters == broken
    assert any(piece.splits for piece in tokens.pieces) == (broken > 0)
    for piece in tokens.pieces:
        assert ("⟨" in piece.label) == piece.splits or "⟨" in text
        if not piece.splits:
            assert piece.label == piece.data.decode()


@pytest.fixture(scope="module")
def folder() -> Path:
    """The embedded model in transformers format, converted if that has not been done."""
    return convert(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL)))


@pytest.mark.slow
def test_numbers_are_those_of_transformers(folder: Path) -> None:
    from transformers import AutoTokenizer

    reference, ours = AutoTokenizer.from_pretrained(folder), load("smollm2")

    @settings(deadline=None)
    @given(TEXTS)
    def same(text: str) -> None:
        assert ours.ids(text) == reference(text, add_special_tokens=False)["input_ids"]

    same()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES,
        "How many r are in strawberry?",
        "a  2, x²  ²³ and    17",
        "def f(x):\n    return 12 * x\n",
        "👩‍🚀 🇨🇭 naïve 東京",
        "<|im_start|>user\nHi<|im_end|>",
    ],
)
def test_numbers_are_those_of_the_running_model(engine: ProcessEngine, text: str) -> None:
    seen = asyncio.run(engine.tokenize(GenerationRequest(prompt=text)))
    assert load("smollm2").ids(text) == [token.id for token in seen]


def _unigram() -> Backend:
    """As XLM-RoBERTa: rewrites letters, drops white space, begins with a space, knows not all letters."""
    backend = Backend(models.Unigram())
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=["<s>", "<unk>"], unk_token="<unk>")
    backend.train_from_iterator(SENTENCES * 3, trainer)
    return backend


def _sentencepiece_bpe() -> Backend:
    """As Llama 2: spaces become ▁, one is put in front, unknown letters become bytes."""
    letters = sorted({sign for text in SENTENCES for sign in text} - {" ", "🙂"} | {"▁"})
    tokens = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters, "th", "▁th"]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    merges = [("t", "h"), ("▁", "th")]
    backend = Backend(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(steps)
    backend.add_special_tokens([AddedToken("<s>", normalized=False), AddedToken("<unk>", normalized=False)])
    return backend


def _wordpiece() -> Backend:
    """As BERT: lower case, no accents, words apart from punctuation."""
    backend = Backend(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=90, special_tokens=["[UNK]"])
    backend.train_from_iterator(SENTENCES, trainer)
    return backend


@pytest.fixture(scope="module", params=[_unigram, _sentencepiece_bpe, _wordpiece], ids=lambda make: make.__name__)
def backend(request: pytest.FixtureRequest) -> Backend:
    """A small tokenizer of every kind that the hub has."""
    make: Callable[[], Backend] = request.param
    return make()


@given(text=TEXTS)
def test_every_kind_of_tokenizer_covers_the_text(backend: Backend, text: str) -> None:
    tokenizer = LibraryTokenizer(backend)
    tokens = encode(tokenizer, text)
    assert [piece.id for piece in tokens.pieces] == backend.encode(text, add_special_tokens=False).ids
    if tokens.pieces:
        _rebuilds(tokens, text)


def test_a_space_in_front_belongs_to_nobody() -> None:
    tokens = encode(LibraryTokenizer(_sentencepiece_bpe()), "the sun 東")
    first, *_, last = tokens.pieces
    assert (first.data, first.token) == (b"th", b" th")
    assert [piece.label for piece in tokens.pieces[-3:]] == ["⟨E6⟩", "⟨9D⟩", "⟨B1⟩"]
    assert last.splits and tokens.split_characters == 1


def test_what_a_tokenizer_rewrites_is_shown_as_it_was_written() -> None:
    tokens = encode(LibraryTokenizer(_wordpiece()), "DER  Nordwind")
    assert tokens.pieces[0].data.decode() != tokens.pieces[0].token.decode()
    assert "".join(piece.label for piece in tokens.pieces) == "DER  Nordwind"


def test_the_habits_of_a_model_do_not_change_the_count() -> None:
    backend = _unigram()
    backend.enable_truncation(3)
    backend.enable_padding(length=40)
    assert encode(LibraryTokenizer(backend), SENTENCES[0]).count > 3
    assert encode(LibraryTokenizer(backend), "sun").count < 40


def test_a_word_with_a_space_before_it_is_another_token() -> None:
    ids = load("smollm2").ids("apple apple")
    assert len(ids) == 2 and ids[0] != ids[1]


def test_an_emoji_takes_several_tokens_and_says_so() -> None:
    tokens = encode(load("english-8k"), "🙂")
    assert [piece.label for piece in tokens.pieces] == ["⟨F0⟩", "⟨9F⟩", "⟨99⟩", "⟨82⟩"]
    assert (tokens.characters, tokens.bytes, tokens.split_characters) == (1, 4, 1)
    assert all(piece.splits for piece in tokens.pieces)


def test_control_tokens_are_marked() -> None:
    tokens = encode(load("smollm2"), "Hi<|im_end|>")
    assert [piece.special for piece in tokens.pieces] == [False, True]


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("  \n", 0), ("one", 1), ("l'eau – c’est bon!", 3), ("3 + 4 = 7", 3)]
)
def test_words_are_what_stands_between_spaces(text: str, expected: int) -> None:
    assert words(text) == expected


def test_figures_of_an_empty_text_are_zero() -> None:
    tokens = encode(load("bytes"), "")
    assert (tokens.count, tokens.characters_per_token, tokens.tokens_per_word, tokens.split_characters) == (0, 0, 0, 0)


def test_figures_add_up() -> None:
    tokens = encode(load("characters"), "ab cd ef")
    assert (tokens.count, tokens.words) == (8, 3)
    assert tokens.characters_per_token == 1 and tokens.tokens_per_word == pytest.approx(8 / 3)


@pytest.mark.parametrize("name", EMBEDDED)
def test_half_a_character_is_refused_with_a_sentence(name: str) -> None:
    tokenizer: Tokenizer = load(name)
    for look in (encode, count):
        with pytest.raises(errors.InvalidInput, match="broken characters"):
            look(tokenizer, "a\ud83d")
