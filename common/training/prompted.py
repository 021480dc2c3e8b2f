"""The loss of a model on held-out answers when a few examples stand in its prompt: training with no training.

``python -m common.training.prompted RUN`` measures it for a run's base and conversations and prints it as JSON: loading
a model is nothing for a page's process. The tokens whose loss counts are those of the runs' own tests, each once; here
every token weighs the same, while the Trainer's test averages batches, which differs by a few hundredths at most.

Source: Brown et al. 2020 (arXiv:2005.14165) for examples in the prompt.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import errors
from common.apart import ask_module
from common.config import settings
from common.training.config import FinetuneConfig
from common.training.folder import RunFolder
from common.training.instructions import Example, from_jsonl, split
from common.training.launch import cores, environment

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from common.training.packing import Encoded

SHOTS = 3
_FILE = "prompted.json"  # in the run's folder: {"shots": 3, "loss": 2.5}


def with_shots(example: Example, shots: Sequence[Example]) -> Example:
    """The conversation with others shown before it; its own system message stays the first, theirs are left out."""
    shown = [turn for shot in shots for turn in shot if turn.role != "system"]
    system = [turn for turn in example if turn.role == "system"]
    return (*system, *shown, *(turn for turn in example if turn.role != "system"))


def encode_after(
    tokenizer: PreTrainedTokenizerBase, example: Example, shots: Sequence[Example], row: int
) -> tuple[list[int], Encoded]:
    """What is shown first, as ids, and after it the conversation, of which the same tokens count as in a run's test.

    Args:
        row: tokens of a run's row: what a test cuts off there does not count here either.

    Raises:
        UnusableExamples: as ``packing.encode``.
    """
    from common.training.packing import SILENT, Encoded, encode

    alone = encode(tokenizer, example)
    counting = Encoded(alone.ids[:row], alone.labels[:row]).learned
    system = tuple(turn for turn in example if turn.role == "system")
    shown = len(encode(tokenizer, with_shots(system, shots))) if shots else 0
    whole = encode(tokenizer, with_shots(example, shots))
    labels: list[int] = []
    for label in whole.labels[shown:]:
        counts = label != SILENT and counting > 0
        labels.append(label if counts else SILENT)
        counting -= counts
    return whole.ids[:shown], Encoded(whole.ids[shown:], labels)


def measure(config: FinetuneConfig, test: Sequence[Example], shots: Sequence[Example]) -> float:
    """Mean loss of the base on the answers of ``test``, per token, in nats; what is shown is read once.

    Raises:
        ModelUnavailable: of the base.
        UnusableExamples: no answer is left within a row.
        PromptTooLong: a conversation with what is shown before it has more tokens than the model takes.
    """
    import torch
    from torch import nn
    from transformers import AutoTokenizer

    from common import hardware
    from common.training import adapters

    place = hardware.device()
    model: Any = adapters.load(config.base, config.base_title, dtype=hardware.compute_dtype(place))
    model.to(place).eval()
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False, local_files_only=True)
    pieces = [encode_after(tokenizer, example, shots, config.row) for example in test]
    most = getattr(model.config, "max_position_embeddings", None)
    longest = max(len(shown) + len(piece) for shown, piece in pieces)
    if most and longest > most:
        raise errors.PromptTooLong(tokens=longest, limit=most)
    total, count = 0.0, 0
    read: list[int] = []
    kept: Any = None  # keys and values of ``read``
    with torch.inference_mode():
        for shown, piece in pieces:
            if not piece.learned:
                continue
            if shown and shown != read:
                kept = model(torch.tensor([shown], device=place), use_cache=True).past_key_values
                read = shown
            ids = torch.tensor([piece.ids], device=place)
            before = copy.deepcopy(kept) if shown else None
            logits = model(ids, past_key_values=before, use_cache=True).logits[0, :-1].float()  # (N - 1, vocabulary)
            following = torch.tensor(piece.labels[1:], device=place)  # the first token is never an answer's
            total += float(nn.functional.cross_entropy(logits, following, reduction="sum"))
            count += piece.learned
    if not count:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_row", row=config.row))
    return total / count


def known(folder: RunFolder) -> float | None:
    """The loss that was measured with this run's base and conversations, if it was."""
    found = folder.read_json(_FILE)
    return found["loss"] if found and found["shots"] == SHOTS else None


async def measure_apart(folder: RunFolder) -> float:
    """Measure in a process of its own, which ends when the caller is cancelled; the run keeps what was found.

    Raises:
        ModelUnavailable, UnusableExamples, PromptTooLong, MeasuringTooLarge.
    """
    answer = await ask_module(
        "common.training.prompted",
        str(folder.path),
        environment={**environment(cores(settings())), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        died=errors.MeasuringTooLarge,
    )
    loss = float(answer["loss"])
    await asyncio.to_thread(folder.write_json, _FILE, {"shots": SHOTS, "loss": loss})
    return loss


def main(path: str) -> int:
    """Measure for one run; the error that it meets goes to the standard output as JSON."""
    folder = RunFolder(Path(path))
    config = folder.config()
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - boards have no others
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    examples = split(from_jsonl((folder.path / config.data_file).read_text("utf-8")))
    try:
        loss = measure(config, examples.test, examples.train[:SHOTS])
    except errors.DemystifyError as problem:
        print(json.dumps(problem.to_json()))
        return 1
    except (MemoryError, torch.OutOfMemoryError):
        print(json.dumps(errors.MeasuringTooLarge().to_json()))
        return 1
    print(json.dumps({"loss": loss}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
