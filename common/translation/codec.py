"""From text to a translation model's tokens and back, for one direction.

A Marian folder (the embedded models, opus-mt) is read with sentencepiece alone; M2M-100 and NLLB go through their
tokenizers. Nothing in a visitor's text becomes a control token. Knows nothing about engines.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Protocol

from common import errors
from common.errors import Phrase


class Codec(Protocol):
    """The tokens of one model in one direction.

    Attributes:
        target_prefix: tokens that the output must begin with (M2M-100 and NLLB say the target language there).
        end: the end-of-sequence token.
        ids: token -> id, for engines that want numbers.
    """

    target_prefix: list[str]
    end: str
    ids: dict[str, int]

    def encode(self, text: str) -> list[str]:
        """All source tokens, with language and end-of-sequence tokens."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """Text of output tokens; control tokens leave nothing."""
        ...


def reads(codec: Codec, text: str) -> bool:
    """Whether the model knows at least half of the text's pieces. What it cannot read, it would invent."""
    frame = set(codec.encode(""))  # language and end tokens say nothing about the text
    pieces = [token for token in codec.encode(text) if token.strip("▁") and token not in frame]
    return 2 * sum(piece in codec.ids for piece in pieces) >= len(pieces)


def load_codec(folder: Path, source: str, target: str) -> Codec:
    """The codec for a model folder in transformers format.

    Args:
        folder: with ``config.json`` and the tokenizer's files.
        source, target: ISO 639-1 codes.

    Raises:
        ModelUnavailable: files are missing or cannot be read.
    """
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        return MarianCodec(folder, target) if kind == "marian" else _ManyCodec(folder, source, target)
    except (OSError, ValueError, RuntimeError) as problem:
        raise errors.ModelUnavailable(model=folder.name, reason=Phrase("files_unreadable")) from problem


class MarianCodec:
    """Marian: pieces of two sentencepiece models, ``>>sk<<`` in front where the model knows several targets."""

    def __init__(self, folder: Path, target: str) -> None:
        import sentencepiece

        self._source = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
        self._target = sentencepiece.SentencePieceProcessor(model_file=str(folder / "target.spm"))
        self.ids: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self.end = "</s>"
        self.target_prefix: list[str] = []
        token = f">>{target}<<"
        self._front = [token] if token in self.ids else []

    def encode(self, text: str) -> list[str]:
        return [*self._front, *self._source.encode(text, out_type=str), self.end]

    def decode(self, tokens: Sequence[str]) -> str:
        kept = [token for token in tokens if token not in ("</s>", "<pad>", "<unk>")]
        return str(self._target.decode_pieces(kept)).strip()


# NLLB names a language with its script (FLORES-200); M2M-100 by the code alone.
_FLORES = {
    **{"ar": "arb_Arab", "cs": "ces_Latn", "de": "deu_Latn", "en": "eng_Latn", "es": "spa_Latn", "fr": "fra_Latn"},
    **{"hu": "hun_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "nl": "nld_Latn", "pl": "pol_Latn", "pt": "por_Latn"},
    **{"ru": "rus_Cyrl", "sk": "slk_Latn", "tr": "tur_Latn", "uk": "ukr_Cyrl", "zh": "zho_Hans"},
}
# The languages here that M2M-100 and NLLB know.
MANY = tuple(_FLORES)


def language_tokens(tokens: Container[str]) -> dict[str, str]:
    """The tokens among these that name a language, as NLLB or M2M-100 has them, by the language's code."""
    return {code: name for code, name in _FLORES.items() if name in tokens} or {
        code: f"__{code}__" for code in _FLORES if f"__{code}__" in tokens
    }


class _ManyCodec:
    """M2M-100 and NLLB: one model for many languages, each named by a token on both sides."""

    def __init__(self, folder: Path, source: str, target: str) -> None:
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._tokenizer = tokenizer
        self.ids: dict[str, int] = {**tokenizer.get_vocab(), **getattr(tokenizer, "lang_token_to_id", {})}
        named = language_tokens(self.ids)
        if source not in named or target not in named:
            raise errors.UnsupportedPair(source=source, target=target)
        self.end = str(tokenizer.eos_token)
        self.target_prefix = [named[target]]
        self._front = [named[source]]

    def encode(self, text: str) -> list[str]:
        return [*self._front, *self._tokenizer.tokenize(text, split_special_tokens=True), self.end]

    def decode(self, tokens: Sequence[str]) -> str:
        special = {*self._tokenizer.all_special_tokens, *self.target_prefix}
        kept = [token for token in tokens if token not in special]
        return str(self._tokenizer.convert_tokens_to_string(kept)).strip()
