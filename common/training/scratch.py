"""A run of kind "scratch": a tokenizer and a transformer from random weights, on one text.

The loop is Hugging Face's ``Trainer``; here is what goes into it. What it says on the way is progress.py's.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.utils.data import Dataset
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

from common import errors, hardware
from common.config import settings as app_settings
from common.training import shape as shapes
from common.training.compiled import compile_blocks
from common.training.config import Pace, ScratchConfig
from common.training.corpus import read_corpus
from common.training.folder import RunFolder
from common.training.loop import train_through
from common.training.processes import Together
from common.training.progress import LossSamples, Progress
from common.training.room import check_memory
from common.training.threads import Threads
from common.training.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_WARM_UP = 0.05
_MOST_TEST_BLOCKS = 256  # enough for a loss to two digits
_SAY_EVERY = 10
# Up to this context attention as the compiler writes it out is faster on a CPU than PyTorch's flash attention.
_SHORT = 128
_PROJECT = "demystify"  # under which trackio shows all runs


class Blocks(Dataset[dict[str, torch.Tensor]]):
    """One long row of tokens (N,), cut into texts of ``context`` tokens; the rest at the end is left out."""

    def __init__(self, ids: torch.Tensor, context: int) -> None:
        self._rows = ids[: len(ids) // context * context].view(-1, context)  # (blocks, context)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        row = self._rows[index]
        return {"input_ids": row, "labels": row}  # the model shifts the labels by itself


def train(folder: RunFolder) -> dict[str, Any]:
    """Do the run, or go on with it; returns what goes into the result.

    Raises:
        UnusableCorpus, ImpossibleShape: of the text, of the model.
        TrainingTooLarge: for the memory there is.
        Diverged: the loss is no number any more, or higher than at the beginning.
    """
    config = folder.config()
    assert isinstance(config, ScratchConfig)  # noqa: S101 - run.py has chosen this trainer by the kind
    corpus = read_corpus((folder.path / "corpus.txt").read_text("utf-8"), most=2**31)
    tokenizer = train_tokenizer(corpus.train, config.tokenizer, config.vocabulary)
    check_memory(config, len(tokenizer))
    torch.manual_seed(config.pace.seed)
    context = config.shape.context
    model = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
        shapes.hf_config(config.shape, len(tokenizer), tokenizer.eos_token_id),
        attn_implementation="eager" if _compiles(config) and context <= _SHORT else "sdpa",
    )
    learn = Blocks(_ids(tokenizer, corpus.train), context)
    test = Blocks(_ids(tokenizer, corpus.test)[: _MOST_TEST_BLOCKS * context], context)
    if not len(learn) or not len(test):
        raise errors.UnusableCorpus(reason=errors.Phrase("corpus_context", context=context))
    folder.write_json(
        "data.json",
        {
            "characters": len(corpus),
            "tokens": len(learn) * context,
            "test_tokens": len(test) * context,
            "vocabulary": len(tokenizer),
            "parameters": model.num_parameters(),
            "repeated_lines": corpus.repeated,
        },
    )
    if _compiles(config) and len(learn) >= config.pace.batch:
        _compile(folder, model, learn, config.pace.batch)
    progress = Progress(folder, config, config.pace.batch * context, LossSamples(folder, config, tokenizer))
    trainer = Trainer(
        model=model,
        args=arguments(folder, config.pace),
        train_dataset=learn,
        eval_dataset=test,
        callbacks=[progress, Together(), *([Threads()] if hardware.device() == "cpu" else [])],
    )
    train_through(trainer, progress, folder)
    loss = float(trainer.evaluate()["eval_loss"])
    final = cast("PreTrainedModel", trainer.model)
    # What several processes have shared out comes together here.
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if trainer.is_world_process_zero():
        final.save_pretrained(folder.model, state_dict=weights)
        tokenizer.save_pretrained(folder.model)
    return {"test_loss": loss, **progress.summary()}


def _compiles(config: ScratchConfig) -> bool:
    """Whether the model's blocks are compiled here: by one process on a CPU; on a GPU the Trainer compiles."""
    return config.compiled and hardware.device() == "cpu" and int(os.environ.get("WORLD_SIZE", "1")) == 1


def _compile(folder: RunFolder, model: PreTrainedModel, learn: Blocks, batch: int) -> None:
    """Compile the model's blocks; the run tells how long it took, or that it did not work."""
    rows = torch.stack([learn[number]["input_ids"] for number in range(batch)])
    seconds = compile_blocks(shapes.blocks(model), model, {"input_ids": rows, "labels": rows})
    folder.append("compiled", took=seconds)


def arguments(folder: RunFolder, pace: Pace, **changes: Any) -> TrainingArguments:
    """The Trainer's settings for a pace, and what another kind of run has otherwise."""
    return TrainingArguments(**settings(folder, pace) | changes)


def settings(folder: RunFolder, pace: Pace) -> dict[str, Any]:
    """What all kinds tell the Trainer. One process has the given batch; several share it.

    Raises:
        MissingPart: the curves are wanted for trackio, which is not installed.
    """
    track = app_settings().trackio
    if track and importlib.util.find_spec("trackio") is None:
        raise errors.MissingPart(package="trackio", command="pip install trackio")
    place = hardware.device()
    processes = max(1, int(os.environ.get("WORLD_SIZE", "1")))
    return {
        "output_dir": str(folder.checkpoints),
        "max_steps": pace.steps,
        "per_device_train_batch_size": max(1, pace.batch // processes),
        "per_device_eval_batch_size": pace.batch,
        "learning_rate": pace.learning_rate,
        "weight_decay": pace.weight_decay,
        "adam_beta2": 0.99,
        "max_grad_norm": 1.0,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
        "warmup_steps": _WARM_UP,
        "optim": "adamw_torch_fused",
        "bf16": place == "cuda",
        "use_cpu": place == "cpu",
        "torch_compile": place == "cuda" and not hardware.on_zerogpu(),
        "eval_strategy": "steps",
        "eval_steps": pace.evaluate_every,
        "logging_steps": _SAY_EVERY,
        "logging_first_step": True,
        "save_strategy": "no",  # progress.py saves by the clock
        "save_total_limit": 2,
        "seed": pace.seed,
        "report_to": "trackio" if track else "none",
        "project": _PROJECT,
        "run_name": f"{folder.config().name} ({folder.id})",  # a name may come again, from another visitor
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
    }


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> torch.Tensor:
    """The text's tokens (N,), in pieces so that no single one is too long for the tokenizer."""
    pieces = [text[at : at + 100_000] for at in range(0, len(text), 100_000)]
    ids = [number for piece in tokenizer(pieces, verbose=False)["input_ids"] for number in piece]
    return torch.tensor(ids, dtype=torch.long)
