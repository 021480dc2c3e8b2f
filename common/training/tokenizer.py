"""A tokenizer of one's own: one token per character, or byte-pair encoding as GPT-2 has it.

Source: Sennrich et al. 2016 (arXiv:1508.07909) for byte-pair encoding; Radford et al. 2019 for doing it on bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from common import errors
from common.training.corpus import Corpus

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNKNOWN = "�"  # a character that the text does not have, for a tokenizer of characters
_END = "<|endoftext|>"
_MOST_CHARACTERS = 32  # that a token of a text has on average, by far


def train_tokenizer(text: str, kind: str, vocabulary: int = 512) -> PreTrainedTokenizerFast:
    """Make a tokenizer from a text.

    Args:
        text: what it is to cut.
        kind: "char" or "bpe".
        vocabulary: tokens at most, for "bpe"; 256 of them are the bytes.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = _characters(text) if kind == "char" else _byte_pairs(text, vocabulary)
    special = {"unk_token": UNKNOWN} if kind == "char" else {}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=_END, pad_token=_END, **special
    )


def check_context(corpus: Corpus, kind: str, vocabulary: int, context: int) -> None:
    """Whether both parts of a text are as long as one context; blocks for a second where tokens have to be counted.

    Raises:
        UnusableCorpus: they are not, so that there would be nothing to learn from, or nothing to test with.
    """
    shorter = min(corpus.train, corpus.test, key=len)
    if len(shorter) >= _MOST_CHARACTERS * context:
        return
    tokens = len(shorter)
    if kind == "bpe":
        tokens = len(train_tokenizer(corpus.train, kind, vocabulary)(shorter, verbose=False)["input_ids"])
    if tokens < context:
        raise errors.UnusableCorpus(reason=errors.Phrase("corpus_context", context=context))


def _characters(text: str) -> Tokenizer:
    signs = [UNKNOWN, *sorted(set(text) - {UNKNOWN}), _END]
    tokenizer = Tokenizer(models.WordLevel({sign: number for number, sign in enumerate(signs)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([_END])
    return tokenizer


def _byte_pairs(text: str, vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_pieces(text), trainer)
    return tokenizer


def _pieces(text: str, length: int = 10_000) -> Iterable[str]:
    """The text in pieces that the trainer can share out among threads."""
    return (text[at : at + length] for at in range(0, len(text), length))


@dataclass(frozen=True, slots=True)
class Merge:
    """The ``rank``-th most useful pair: two tokens that become one."""

    rank: int
    left: str
    right: str


def merges(tokenizer: PreTrainedTokenizerFast, first: int = 40) -> list[Merge]:
    """The first merges a byte-pair tokenizer learned; none for one of characters. A space is written as ␣."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return [
        Merge(rank, *(part.replace("Ġ", "␣").replace("Ċ", "⏎") for part in pair))
        for rank, pair in enumerate(model.get("merges", [])[:first], start=1)
    ]
