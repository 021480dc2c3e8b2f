"""The bytes of token ids put together give the tokenizer's own text, for every kind of vocabulary."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from common.text.pieces import control_tokens, token_bytes
from tests.common.text.tiny import SENTENCES, SPECIALS, tokenizer

BYTE_LEVEL = tokenizer()


def _wrap(backend: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", eos_token="</s>")


def _llama_2() -> PreTrainedTokenizerFast:
    """Metaspace with byte fallback, put together as in Llama 2's tokenizer.json."""
    learned = Tokenizer(models.BPE(unk_token="<unk>"))
    learned.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learned.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=140, special_tokens=["<unk>", "</s>"]))
    state = orjson.loads(learned.to_str())["model"]
    pieces = [*sorted(state["vocab"], key=state["vocab"].get), *(f"<0x{byte:02X}>" for byte in range(256))]
    merges = [tuple(pair) for pair in state["merges"]]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = learned.normalizer
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return _wrap(backend)


def _unigram() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=["<unk>", "</s>"], unk_token="<unk>")
    backend.train_from_iterator(SENTENCES, trainer)
    return _wrap(backend)


def _word_piece() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordPiece(unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.WhitespaceSplit(), decoders.WordPiece(cleanup=False)
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["<unk>", "</s>"])
    backend.train_from_iterator(SENTENCES, trainer)
    return _wrap(backend)


def _words() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordLevel(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.train_from_iterator(SENTENCES, trainers.WordLevelTrainer(special_tokens=["<unk>", "</s>"]))
    return _wrap(backend)


def _letters() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.decoder = decoders.Fuse()
    backend.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=50, special_tokens=["<unk>", "</s>"]))
    return _wrap(backend)


def _joined(tokens: PreTrainedTokenizerFast, text: str) -> str:
    pieces = token_bytes(tokens)
    return b"".join(pieces[token_id] for token_id in tokens(text, add_special_tokens=False)["input_ids"]).decode()


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_byte_level_pieces_give_any_text_back(text: str) -> None:
    assert _joined(BYTE_LEVEL, text) == text


@pytest.mark.parametrize("make", [_llama_2, _unigram, _word_piece, _words, _letters])
def test_pieces_agree_with_the_tokenizers_own_decoder(make: Callable[[], PreTrainedTokenizerFast]) -> None:
    tokens = make()
    for text in SENTENCES:
        ids = tokens(text, add_special_tokens=False)["input_ids"]
        # The start of a text loses the space that pieces carry; in the middle of one it belongs there.
        assert _joined(tokens, text).removeprefix(" ") == tokens.decode(ids, clean_up_tokenization_spaces=False)


def test_byte_fallback_gives_characters_the_vocabulary_does_not_have() -> None:
    assert _joined(_llama_2(), "to 日本 🦊") == " to 日本 🦊"


def test_added_tokens_stay_as_they_are_and_control_tokens_are_known() -> None:
    tokens = tokenizer()
    tokens.add_tokens(["né Ġ"])
    pieces = token_bytes(tokens, size=400)
    assert pieces[tokens.convert_tokens_to_ids("né Ġ")] == "né Ġ".encode()
    assert control_tokens(tokens) == {tokens.convert_tokens_to_ids(name) for name in SPECIALS}
    assert len(pieces) == 400 and pieces[399] == b""
