"""How a text becomes tokens: the pieces a tokenizer cuts it into, the bytes of the text each stands for, and how many.

The pieces of a text touch each other and together are the text again, byte for byte, whatever the tokenizer does on the
way (the one exception: a text that a tokenizer throws away whole, such as one of white space alone). Where tokenizers
come from is in vocabularies.py; this module knows nothing about files, models or pages.

Source: Sennrich et al. 2016, *Neural Machine Translation of Rare Words with Subword Units* (arXiv:1508.07909); Petrov
et al. 2023, *Language Model Tokenizers Introduce Unfairness Between Languages* (arXiv:2305.15425; tokens per language).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from common import errors
from common.text.pieces import piece_reader

if TYPE_CHECKING:
    import tokenizers

_WORD = re.compile(r"\S*\w\S*")  # what stands between spaces and has a letter or digit in it


class Piece(NamedTuple):
    """One token as it stands in a text (a tuple: a long text makes thousands at every key a visitor presses).

    Attributes:
        id: its number in the vocabulary.
        start, end: the bytes of the text (in UTF-8) it stands for; none where it adds something of its own.
        data: those bytes.
        token: what the vocabulary has for it; differs from ``data`` where the tokenizer rewrites text.
        special: a control token, not part of the text for a model.
        splits: it begins or ends inside a character, whose other bytes are in its neighbours.
    """

    id: int
    start: int
    end: int
    data: bytes
    token: bytes
    special: bool = False
    splits: bool = False

    @property
    def label(self) -> str:
        """The text of the piece; bytes that are only a part of a character as ⟨F09F⟩."""
        parts = itertools.groupby(
            self.data.decode("utf-8", "surrogateescape"), lambda sign: "\udc80" <= sign <= "\udcff"
        )
        return "".join(
            "⟨" + "".join(f"{ord(sign) - 0xDC00:02X}" for sign in signs) + "⟩" if broken else "".join(signs)
            for broken, signs in parts
        )


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text in tokens. ``characters`` are Unicode code points; a flag or a family emoji is several of them."""

    pieces: tuple[Piece, ...]
    characters: int
    bytes: int
    words: int

    @property
    def count(self) -> int:
        """How many tokens it takes."""
        return len(self.pieces)

    @property
    def characters_per_token(self) -> float:
        """How much text fits in one token."""
        return self.characters / self.count if self.count else 0.0

    @property
    def tokens_per_word(self) -> float:
        """How many tokens a word costs: 1 is the least, more means that words are cut up."""
        return self.count / self.words if self.words else 0.0

    @property
    def split_characters(self) -> int:
        """How many characters are spread over several tokens."""
        data, inside = b"".join(piece.data for piece in self.pieces), set()
        for piece in self.pieces:
            place = piece.start
            while place < len(data) and _continues(data[place]):
                place -= 1
            if place != piece.start:
                inside.add(place)
        return len(inside)


class Tokenizer(Protocol):
    """Anything that turns a text into numbers and back.

    Attributes:
        kind: how it cuts: "BPE", "Unigram", "WordPiece", "characters", "bytes".
        size: how many different tokens there are.
    """

    kind: str
    size: int

    def ids(self, text: str) -> list[int]:
        """The numbers of the text's tokens."""

    def pieces(self, text: str) -> list[Piece]:
        """The text's tokens in order, each with the bytes it stands for."""


def encode(tokenizer: Tokenizer, text: str) -> Tokens:
    """Cut a text into tokens and count.

    Raises:
        InvalidInput: the text has half a character in it (a lone surrogate), which no encoding can write down.
    """
    size = len(_utf8(text))
    return Tokens(tuple(tokenizer.pieces(text)), len(text), size, words(text))


def count(tokenizer: Tokenizer, text: str) -> int:
    """How many tokens a text takes; the quick way when the pieces do not matter. Raises InvalidInput as ``encode``."""
    _utf8(text)
    return len(tokenizer.ids(text))


def words(text: str) -> int:
    """How many words a text has, counted by spaces: right for the languages here, wrong for those without spaces."""
    return len(_WORD.findall(text))


class Characters:
    """One token per character. Nothing to learn and nothing unknown, but a text of n letters is n steps of a model."""

    kind = "characters"
    size = 0x110000 - 0x800  # all code points but the surrogates, which are no characters

    def ids(self, text: str) -> list[int]:
        """The code points."""
        return [ord(sign) for sign in text]

    def pieces(self, text: str) -> list[Piece]:
        """One piece per character."""
        tokens = [sign.encode() for sign in text]
        return _pieces(_utf8(text), self.ids(text), tokens, _ends(tokens))


class Bytes:
    """One token per byte of UTF-8: 256 tokens are enough for every text there is."""

    kind = "bytes"
    size = 256

    def ids(self, text: str) -> list[int]:
        """The bytes."""
        return list(_utf8(text))

    def pieces(self, text: str) -> list[Piece]:
        """One piece per byte."""
        data = _utf8(text)
        return _pieces(data, list(data), [bytes([byte]) for byte in data], range(1, len(data) + 1))


class LibraryTokenizer:
    """A tokenizer of the ``tokenizers`` library, of any kind. Adds no special tokens; finds those that the text has."""

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        # A tokenizer.json can carry the habits of its model, which here would change the counts.
        backend.no_truncation()
        backend.no_padding()
        self._backend = backend
        self.kind: str = type(backend.model).__name__
        self.size: int = backend.get_vocab_size(with_added_tokens=True)
        # The decoder alone, as JSON; asking for the whole tokenizer would write out all of its vocabulary.
        decoder = backend.decoder
        read = piece_reader(None if decoder is None else orjson.loads(decoder.__getstate__()))
        self._read = lru_cache(maxsize=1 << 16)(read)  # texts repeat their words
        added = backend.get_added_tokens_decoder()
        self._added = {token_id: token.content.encode() for token_id, token in added.items()}
        self._special = {token_id for token_id, token in added.items() if token.special}

    def ids(self, text: str) -> list[int]:
        """The numbers of the text's tokens."""
        found: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        return found

    def pieces(self, text: str) -> list[Piece]:
        """The text's tokens; where the vocabulary's own bytes do not add up to the text, by the library's offsets."""
        data = _utf8(text)
        encoding = self._backend.encode(text, add_special_tokens=False)
        ids: list[int] = encoding.ids
        tokens = [self._added.get(i) or self._read(piece) for i, piece in zip(ids, encoding.tokens, strict=True)]
        whole = b"".join(tokens)
        if whole == data:
            ends = _ends(tokens)
        elif whole == b" " + data:  # sentencepiece begins every text with a space
            ends = [max(end - 1, 0) for end in _ends(tokens)]
        else:
            ends = _ends_by_offsets(text, encoding.offsets)
        return _pieces(data, ids, tokens, ends, self._special)


def _pieces(
    data: bytes, ids: Sequence[int], tokens: Sequence[bytes], ends: Sequence[int], special: set[int] | None = None
) -> list[Piece]:
    """Pieces that end at ``ends`` (which never go back); each begins where the one before ended."""
    edges = list(itertools.pairwise([0, *ends]))
    return [
        Piece(
            token_id,
            start,
            end,
            data[start:end],
            token,
            special=special is not None and token_id in special,
            splits=start < end and (_continues(data[start]) or (end < len(data) and _continues(data[end]))),
        )
        for token_id, token, (start, end) in zip(ids, tokens, edges, strict=True)
    ]


def _ends(tokens: Sequence[bytes]) -> list[int]:
    return list(itertools.accumulate(len(token) for token in tokens))


def _ends_by_offsets(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """From the library's offsets (in characters, with gaps and overlaps) to places in bytes that only go forward.

    What no token claims (white space that a tokenizer drops) goes to the token after it, at the end to the last one.
    """
    place_of = [0, *itertools.accumulate(len(sign.encode()) for sign in text)]
    ends = list(itertools.accumulate((place_of[end] for _, end in offsets), max))
    if ends:
        ends[-1] = place_of[-1]
    return ends


def _continues(byte: int) -> bool:
    """Whether a byte of UTF-8 is inside a character, not its first."""
    return byte & 0xC0 == 0x80


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise errors.InvalidInput(field="text", allowed=errors.Phrase("whole_characters")) from None
