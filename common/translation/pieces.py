"""The tokens of a translation as a reader sees them: what stands for text, what only steers the model, what is unknown.

Knows nothing about decoding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common import errors
from common.errors import Phrase
from common.translation.codec import Codec

# SentencePiece writes a space as this sign (U+2581).
_SPACE = "▁"
_CONTROL = ("</s>", "<pad>", "<s>")
_UNKNOWN = "<unk>"


@dataclass(frozen=True, slots=True)
class Piece:
    """One token.

    Attributes:
        id: its number in the model's vocabulary.
        text: as written, with its space in front; a control token by its name, such as ``</s>``.
        control: it stands for no text: the end, the start, the wanted language.
        unknown: the vocabulary has no token for this text; the model sees one and the same for all such texts.
    """

    id: int
    text: str
    control: bool = False
    unknown: bool = False


def source_pieces(codec: Codec, sentence: str) -> list[Piece]:
    """What the encoder reads: the wanted language where the model takes one, the sentence's tokens, the end token.

    Raises:
        EmptyPrompt: there is no text.
        NothingToTranslate: the vocabulary knows none of it, as when there are only emoji.
    """
    if not sentence.strip():
        raise errors.EmptyPrompt()
    unknown = codec.ids[_UNKNOWN]
    pieces = [
        Piece(codec.ids[token], token.replace(_SPACE, " "), is_control(token))
        if token in codec.ids
        else Piece(unknown, token.replace(_SPACE, " "), unknown=True)
        for token in codec.encode(sentence)
    ]
    if all(piece.unknown or piece.control or not piece.text.strip() for piece in pieces):
        raise errors.NothingToTranslate()
    return pieces


def is_control(token: str) -> bool:
    """Whether a token of the vocabulary stands for no text."""
    return token in _CONTROL or (token.startswith(">>") and token.endswith("<<"))


class TargetTokens:
    """The tokens that the decoder reads and writes, by number and by name."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._names = {number: token for token, number in codec.ids.items()}

    def piece(self, number: int) -> Piece:
        """A token by its number."""
        name = self.name(number)
        return Piece(number, name.replace(_SPACE, " "), is_control(name), name == _UNKNOWN)

    def name(self, number: int) -> str:
        """Its name in the vocabulary, in which ``▁`` stands for a space."""
        return self._names.get(number, _UNKNOWN)

    def id(self, name: str) -> int:
        """Its number. Raises InvalidInput: the vocabulary has no such token."""
        if name not in self._codec.ids:
            raise errors.InvalidInput(field="force", allowed=Phrase("tokens_at_steps"))
        return self._codec.ids[name]

    def text(self, numbers: Iterable[int]) -> str:
        """The text that tokens stand for."""
        return self._codec.decode([name for name in map(self.name, numbers) if not is_control(name)])
