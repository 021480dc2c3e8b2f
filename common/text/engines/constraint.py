"""Constrained decoding: which tokens may come next if the text is to become JSON of a given schema.

The schema is a grammar; every token that would leave it is forbidden before the next one is drawn, so that no model,
however small, can write anything else. Knows grammars and tokens, and no model.

Source: Willard and Louf 2023, *Efficient Guided Generation for Large Language Models* (arXiv:2307.09702); the library
is llguidance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Constraint:
    """Where one text stands in its grammar."""

    def __init__(self, tokenizer: LLTokenizer, schema: str, vocabulary: int) -> None:
        grammar = LLMatcher.grammar_from_json_schema(schema, defaults={"whitespace_flexible": False})
        self._matcher = LLMatcher(tokenizer, grammar)
        self._vocabulary = vocabulary
        self._check()

    def forbidden(self) -> Tensor:
        """True for every token that must not come next: (vocabulary,)."""
        bits = allocate_token_bitmask(1, self._vocabulary)  # (1, vocabulary / 32), one bit per token
        fill_next_token_bitmask(self._matcher, bits)
        self._check()
        allowed = np.unpackbits(bits.view(np.uint8)[0], bitorder="little")[: self._vocabulary]
        return torch.from_numpy(allowed == 0)

    def add(self, token_id: int) -> None:
        """Go on by one token."""
        self._matcher.consume_token(token_id)
        self._check()

    @property
    def complete(self) -> bool:
        """Nothing can be added to the text any more."""
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ValueError(self._matcher.get_error())


class ConstraintMaker:
    """Makes constraints for one model's tokens.

    Args:
        tokenizer: the model's tokenizer; a fast one.
        vocabulary: how many logits the model gives.
        ends: ids that end a text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: int, ends: Sequence[int]) -> None:
        self._vocabulary = vocabulary
        self._tokens = from_tokenizer(cast(Any, tokenizer), n_vocab=vocabulary, eos_token=sorted(ends))

    def __call__(self, schema: str) -> Constraint:
        """A fresh constraint. Raises ValueError when the schema cannot be made a grammar."""
        return Constraint(self._tokens, schema, self._vocabulary)
