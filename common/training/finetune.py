"""A run of kind "finetune": a model that exists learns the answers of a few conversations.

The loop is Hugging Face's ``Trainer``, as in scratch.py; here is what goes into it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoTokenizer, Trainer

from common import errors
from common.training import adapters, lora
from common.training.config import FinetuneConfig
from common.training.folder import Event, RunFolder
from common.training.instructions import Examples, from_jsonl, split
from common.training.loop import last_look, train_through
from common.training.packing import Encoded, Rows, encode, only_learned, pack
from common.training.processes import Together
from common.training.progress import Progress
from common.training.room import free_bytes
from common.training.scratch import arguments

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_ANSWER_TOKENS = 60


def train(folder: RunFolder) -> dict[str, Any]:
    """Do the run, or go on with it; returns what goes into the result.

    Raises:
        UnusableExamples: of the conversations.
        FinetuneTooLarge: for the memory there is.
        ModelUnavailable, MissingPart: of the base model.
        Diverged: the loss is no number any more, or higher than at the beginning.
    """
    config = folder.config()
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - run.py has chosen this trainer by the kind
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False, local_files_only=True)
    examples = split(from_jsonl((folder.path / config.data_file).read_text("utf-8")))
    learn, test = (_rows(tokenizer, part, config.row) for part in (examples.train, examples.test))
    if not learn or not test:
        raise errors.UnusableExamples(reason=errors.Phrase("examples_row", row=config.row))
    torch.manual_seed(config.pace.seed)
    model = adapters.prepared(config.base, config.base_title, config.method, config.rank)
    check_memory(model, config)
    folder.write_json("data.json", _figures(examples, learn, test, model, config))
    filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    progress = Progress(
        folder,
        config,
        config.pace.batch * config.row,
        lambda model, loss: {"text": answer(model, tokenizer, config.question)},
    )
    half = {"bf16": True} if lora.frozen_in_half(config.method) else {}
    trainer = Trainer(
        model=model,
        args=arguments(folder, config.pace, logging_steps=1, torch_compile=False, label_names=["labels"], **half),
        data_collator=only_learned if _takes_places(model) else None,
        train_dataset=Rows(learn, config.row, filler),
        eval_dataset=Rows(test, config.row, filler),
        callbacks=[progress, Together()],
    )
    train_through(trainer, progress, folder, look_first=True)
    loss = float(last_look(trainer)["eval_loss"])
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if trainer.is_world_process_zero():
        _save(folder, config, trainer.accelerator.unwrap_model(trainer.model), weights, tokenizer)
    return {"test_loss": loss, **progress.summary()}


def _takes_places(model: Any) -> bool:
    """Whether the model can be told for which places to make logits."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(inner.forward).parameters


def check_memory(model: Any, config: FinetuneConfig) -> None:
    """Raises FinetuneTooLarge, with a setting of half the size, before the first step. Llama-like models only."""
    try:
        shapes = lora.shapes(model.config.to_dict())
    except KeyError:  # of another architecture nothing is known before it is tried
        return
    batch, row, free = config.pace.batch, config.row, free_bytes()

    def needed(batch: int, row: int) -> float:
        found = lora.memory(shapes, config.method, config.rank, batch, row)
        return found.total - found.weights  # these are in memory already

    if needed(batch, row) > free:
        while batch > 1 and needed(batch, row) > free:
            batch //= 2
        while row > 64 and needed(batch, row) > free:
            row //= 2
        raise errors.FinetuneTooLarge(batch=batch, row=row)


@torch.no_grad()
def answer(model: Any, tokenizer: PreTrainedTokenizerBase, question: str, tokens: int = _ANSWER_TOKENS) -> str:
    """The model's most probable answer; training goes on unmoved."""
    model = getattr(model, "module", model)
    training = model.training
    model.eval()
    try:
        turns = [{"role": "user", "content": question}]
        rendered = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        prompt = tokenizer(str(rendered), add_special_tokens=False, return_tensors="pt").to(model.device)
        written = model.generate(
            **prompt,
            max_new_tokens=tokens,
            do_sample=False,
            use_cache=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    finally:
        model.train(training)
    return str(tokenizer.decode(written[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def _rows(tokenizer: PreTrainedTokenizerBase, examples: Any, row: int) -> list[list[Encoded]]:
    return pack([encode(tokenizer, example) for example in examples], row)


def _figures(examples: Examples, learn: Any, test: Any, model: Any, config: FinetuneConfig) -> Event:
    """What the data turned out to be, and how many numbers are learned."""
    pieces = [piece for row in learn for piece in row]
    tokens = sum(map(len, pieces))
    return {
        "examples": len(examples),
        "test_examples": len(examples.test),
        "repeated": examples.repeated,
        "tokens": tokens,
        "learned_tokens": sum(piece.learned for piece in pieces),
        "rows": len(learn),
        "test_rows": len(test),
        "filled": tokens / (len(learn) * config.row),
        "parameters": model.num_parameters(),
        "trainable": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
    }


def _save(folder: RunFolder, config: FinetuneConfig, model: Any, weights: Any, tokenizer: Any) -> None:
    """The adapter alone, or all weights in 16 bits, as the base came."""
    if config.method == "full":
        weights = {name: value.to(torch.bfloat16) for name, value in weights.items()}
        model.config.use_cache = True  # training has switched it off
    model.save_pretrained(folder.model, state_dict=weights)
    tokenizer.save_pretrained(folder.model)
