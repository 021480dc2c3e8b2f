"""A run of kind "preference": the model learns which of two answers people prefer, by DPO on an adapter.

Direct preference optimization makes the preferred answer more probable than the other one, both measured against the
model as it was at the beginning: the reward of an answer is beta · log(p_now / p_before), and the loss
−log σ(reward of the preferred − reward of the other). No reward model, no sampling while training.

Source: Rafailov et al. 2023 (arXiv:2305.18290). The loop is trl's ``DPOTrainer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoTokenizer

from common import errors, hardware
from common.training import adapters
from common.training.config import PreferenceConfig
from common.training.finetune import answer
from common.training.folder import RunFolder
from common.training.loop import last_look, train_through
from common.training.pairs import Pair, from_jsonl, split
from common.training.processes import Together
from common.training.progress import Progress
from common.training.scratch import settings


def train(folder: RunFolder) -> dict[str, Any]:
    """Do the run, or go on with it; returns what goes into the result.

    Raises:
        UnusableExamples: of the pairs.
        ModelUnavailable: of the base model or the adapter.
        Diverged: the loss is no number any more, or higher than at the beginning.
    """
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    config = folder.config()
    assert isinstance(config, PreferenceConfig)  # noqa: S101 - run.py has chosen this trainer by the kind
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False, local_files_only=True)
    learn, test = split(from_jsonl((folder.path / config.data_file).read_text("utf-8")))
    torch.manual_seed(config.pace.seed)
    model = _model(config)
    folder.write_json(
        "data.json",
        {
            "pairs": len(learn) + len(test),
            "test_pairs": len(test),
            "parameters": model.num_parameters(),
            "trainable": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        },
    )
    progress = Progress(
        folder,
        config,
        config.pace.batch * _tokens(tokenizer, learn),
        lambda model, loss: {"text": answer(model, tokenizer, config.question)},
    )
    # Both are trl's defaults, and neither suits a processor.
    choices = {"bf16": hardware.device() == "cuda", "gradient_checkpointing": False}
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            **settings(folder, config.pace)
            | {"beta": config.beta, "max_length": config.row, "logging_steps": 1, "torch_compile": False}
            | choices
        ),
        train_dataset=Dataset.from_list([_record(pair) for pair in learn]),
        eval_dataset=Dataset.from_list([_record(pair) for pair in test]),
        processing_class=tokenizer,
        callbacks=[progress, Together()],
    )
    train_through(trainer, progress, folder, look_first=True)
    last = last_look(trainer)
    if trainer.is_world_process_zero():
        final = trainer.accelerator.unwrap_model(trainer.model)
        final.save_pretrained(folder.model, selected_adapters=["default"])  # beside it is a copy of the beginning
        tokenizer.save_pretrained(folder.model)
    return {"test_loss": float(last["eval_loss"]), "margin": float(last["eval_rewards/margins"]), **progress.summary()}


def _model(config: PreferenceConfig) -> Any:
    if not config.adapter:
        return adapters.prepared(config.base, config.base_title, "lora", config.rank)
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(
            adapters.load(config.base, config.base_title), config.adapter, is_trainable=True, local_files_only=True
        )
    except (OSError, ValueError) as problem:
        raise errors.ModelUnavailable(model=config.base_title, reason=errors.Phrase("files_unreadable")) from problem


def _record(pair: Pair) -> dict[str, list[dict[str, str]]]:
    """The pair as trl takes conversations; it applies the model's chat template."""
    return {
        "prompt": [{"role": role, "content": content} for role, content in (*pair.before, ("user", pair.question))],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
    }


def _tokens(tokenizer: Any, pairs: Sequence[Pair]) -> int:
    """Tokens of a pair, on average: all before the answers counts twice, once with each of them."""
    texts = [
        ("".join(said for _, said in pair.before) + pair.question) * 2 + pair.chosen + pair.rejected for pair in pairs
    ]
    return max(1, sum(len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]) // len(texts))
