"""The bytes that each token id stands for.

A text is streamed token by token, and a character may be split over several tokens: only bytes can be put together
again without knowing what comes next. Vocabularies write those bytes down in different ways; the tokenizer's own
decoder tells which. Reads a tokenizer and knows nothing about models.

Source: Radford et al. 2019, *Language Models are Unsupervised Multitask Learners* (byte-level BPE); Kudo and
Richardson 2018, *SentencePiece* (arXiv:1808.06226; the "▁" for a space, byte fallback).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE_MARK = "▁"


def token_bytes(tokenizer: PreTrainedTokenizerBase, size: int = 0) -> list[bytes]:
    """The bytes of every id from 0 to the end of the vocabulary.

    Args:
        tokenizer: any tokenizer of transformers.
        size: the model's own vocabulary size; it is often rounded up, and the ids without a token are empty.
    """
    read = _reader(tokenizer)
    vocabulary = {token_id: piece for piece, token_id in tokenizer.get_vocab().items()}
    added = {token_id: token.content for token_id, token in tokenizer.added_tokens_decoder.items()}
    pieces = [b""] * max(size, *(token_id + 1 for token_id in vocabulary), *(token_id + 1 for token_id in added))
    for token_id, piece in vocabulary.items():
        pieces[token_id] = read(piece)
    for token_id, content in added.items():
        pieces[token_id] = content.encode()  # added tokens are kept as plain text, whatever the others look like
    return pieces


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids of the tokens that steer the model (end of a turn, ...) and are no part of the text."""
    marked = {token_id for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset(marked | set(tokenizer.all_special_ids))


def _reader(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], bytes]:
    """The function that turns a piece of this vocabulary into bytes."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # sentencepiece models read without the tokenizers library
        return _read_metaspace
    return piece_reader(orjson.loads(backend.to_str())["decoder"])


def piece_reader(decoder: dict[str, Any] | None) -> Callable[[str], bytes]:
    """The function that turns a piece into bytes, in a vocabulary with this decoder.

    Args:
        decoder: its settings, as ``tokenizer.json`` has them.
    """
    steps = {step["type"]: step for step in _steps(decoder)}
    if "ByteLevel" in steps:
        return _read_byte_level
    if "Metaspace" in steps or "ByteFallback" in steps or _replaces_space_mark(steps.get("Replace")):
        return _read_metaspace
    if "WordPiece" in steps:
        prefix: str = steps["WordPiece"]["prefix"]
        return lambda piece: piece.removeprefix(prefix).encode() if piece.startswith(prefix) else f" {piece}".encode()
    if "BPEDecoder" in steps:
        suffix: str = steps["BPEDecoder"]["suffix"]
        return lambda piece: piece.replace(suffix, " ").encode()
    if not steps:  # without a decoder the library joins tokens with spaces
        return lambda piece: f" {piece}".encode()
    return str.encode


def _steps(decoder: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The single steps of a decoder, sequences unfolded."""
    if decoder is None:
        return
    if decoder["type"] == "Sequence":
        for step in decoder["decoders"]:
            yield from _steps(step)
    else:
        yield decoder


def _replaces_space_mark(step: dict[str, Any] | None) -> bool:
    return step is not None and step["pattern"].get("String") == _SPACE_MARK


def _read_metaspace(piece: str) -> bytes:
    if (byte := _BYTE.fullmatch(piece)) is not None:
        return bytes([int(byte[1], 16)])
    return piece.replace(_SPACE_MARK, " ").encode()


def _byte_letters() -> dict[str, int]:
    """Byte-level vocabularies write a byte as one visible letter: printable ones as themselves, others from 256 up."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(hidden)}


_LETTER_TO_BYTE = _byte_letters()


def _read_byte_level(piece: str) -> bytes:
    return b"".join(
        bytes([_LETTER_TO_BYTE[letter]]) if letter in _LETTER_TO_BYTE else letter.encode() for letter in piece
    )
