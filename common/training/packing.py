"""Conversations as tokens: through the model's chat template, with a loss on the answers alone, packed into rows.

Packing puts several short conversations into one row instead of filling it up with padding. They do not see each
other: positions begin again at 0 for each, and transformers makes of that an attention mask in blocks.

Source: Krell et al. 2021 (arXiv:2107.02027) for packing without contamination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jinja2 import TemplateError
from torch import nn
from torch.utils.data import Dataset

from common import errors
from common.errors import Phrase
from common.training.instructions import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SILENT = -100  # what torch's cross-entropy leaves out


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation: ``ids`` (N,) and ``labels`` (N,), the ids again in the answers and ``SILENT`` elsewhere."""

    ids: list[int]
    labels: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def learned(self) -> int:
        """Tokens with a loss."""
        return sum(label != SILENT for label in self.labels)


def encode(tokenizer: PreTrainedTokenizerBase, example: Example) -> Encoded:
    """A conversation in the model's own form.

    The text before an answer and the answer are cut into tokens apart, as they are when the model writes: an answer's
    first token never joins with what comes before. The token that ends the turn is learned too.

    Raises:
        UnusableExamples: the model's template does not take such a conversation, or changes earlier turns later on.
    """
    ids: list[int] = []
    labels: list[int] = []
    done = ""
    for place, turn in enumerate(example):
        if turn.role != "assistant":
            continue
        before = _render(tokenizer, example[:place], ask=True)
        after = _render(tokenizer, example[: place + 1], ask=False)
        if not before.startswith(done) or not after.startswith(before):
            raise errors.UnusableExamples(reason=Phrase("template_changes"))
        prompt = _ids(tokenizer, before[len(done) :])
        answer = _ids(tokenizer, after[len(before) :])
        said = _until_end(answer, tokenizer.eos_token_id)
        ids += prompt + answer
        labels += [SILENT] * len(prompt) + answer[:said] + [SILENT] * (len(answer) - said)
        done = after
    return Encoded(ids, labels)


def _render(tokenizer: PreTrainedTokenizerBase, turns: Sequence[Any], ask: bool) -> str:
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, add_generation_prompt=ask, tokenize=False))
    except (TemplateError, ValueError) as problem:  # two turns of one side, no system message allowed, no template
        raise errors.UnusableExamples(reason=Phrase("template_refuses")) from problem


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return found


def _until_end(ids: list[int], end: int | None) -> int:
    """How many of the ids are the answer and its end; a line break that the template puts after it is not learned."""
    return len(ids) - ids[::-1].index(end) if end in ids else len(ids)


def pack(encoded: Sequence[Encoded], row: int) -> list[list[Encoded]]:
    """Rows of at most ``row`` tokens, the longest conversations first, each into the fullest row that takes it.

    What is longer than a row is cut at its end, and left out when no answer is left of it.
    """
    pieces = [Encoded(one.ids[:row], one.labels[:row]) for one in encoded]
    rows: list[list[Encoded]] = []
    room: list[int] = []
    for piece in sorted((piece for piece in pieces if piece.learned), key=len, reverse=True):
        fitting = [place for place, free in enumerate(room) if free >= len(piece)]
        if fitting:
            place = min(fitting, key=room.__getitem__)
            rows[place].append(piece)
            room[place] -= len(piece)
        else:
            rows.append([piece])
            room.append(row - len(piece))
    return rows


def only_learned(rows: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """A batch (rows, row) for which the model makes logits only where the next token is learned.

    Answers are a small part of the tokens, and logits over the whole vocabulary a fifth of the work. ``logits_to_keep``
    (rows, row) marks the K places, ``shift_labels`` (K,) are the tokens that follow there.
    """
    batch = {name: torch.stack([one[name] for one in rows]) for name in rows[0]}
    following = nn.functional.pad(batch["labels"], (0, 1), value=SILENT)[:, 1:]
    kept = following != SILENT
    return batch | {"logits_to_keep": kept, "shift_labels": following[kept]}


class Rows(Dataset[dict[str, torch.Tensor]]):
    """Packed rows as the model takes them: ``input_ids``, ``labels`` and ``position_ids``, each (row,).

    The end of a row that is not full is padding: positions of its own, no loss.
    """

    def __init__(self, rows: Sequence[Sequence[Encoded]], row: int, filler: int) -> None:
        self._rows = [_tensors(pieces, row, filler) for pieces in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self._rows[index]


def _tensors(pieces: Sequence[Encoded], row: int, filler: int) -> dict[str, torch.Tensor]:
    ids = [token for piece in pieces for token in piece.ids]
    labels = [label for piece in pieces for label in piece.labels]
    positions = [place for piece in pieces for place in range(len(piece))]
    empty = row - len(ids)
    return {
        "input_ids": torch.tensor(ids + [filler] * empty),
        "labels": torch.tensor(labels + [SILENT] * empty),
        "position_ids": torch.tensor(positions + list(range(empty))),
    }
