"""Train one direction with transformers' Seq2SeqTrainer; stop after some minutes, go on later as if without a break.

The model works in bfloat16 where the GPU or the processor has units for it, else in float32. Knows nothing about files
of sentences or scores.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    MarianConfig,
    MarianMTModel,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from common import errors, hardware
from common.recipes.translation import vocabulary
from common.recipes.translation.batches import Batches, Direction, Encoded
from common.recipes.translation.corpus import HOLD_OUT_RULE
from common.recipes.translation.loss import linear_cross_entropy
from common.recipes.translation.optimizer import MuonAdamW, trapezoid

LABEL_SMOOTHING = 0.1
# A step that took longer than this was a pause of the whole process, which `minutes` does not count.
_PAUSE_SECONDS = 30.0
_HISTORY = "training.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a model and of its training.

    Attributes:
        steps: batches in all; may be raised when going on with a run, for the schedule is level until its cool-down.
        tokens: in a batch, source, target and padding together.
        cooldown: share of the steps over which the learning rate goes down to nothing.
        minutes: stop cleanly after so much work, pauses not counted; None runs to the end.
        start: folder of a finished model of the same shape and vocabulary whose weights to begin with; None draws them.
        favour: languages to draw more or less often than their data alone would have it, with the factor.
        dropout: 0 while every sentence is seen a few times only, 0.1 for long runs.
    """

    direction: Direction
    steps: int = 20_000
    tokens: int = 8_192
    learning_rate: float = 3e-3
    warmup: int = 400
    cooldown: float = 0.25
    dropout: float = 0.0
    encoder_layers: int = 4
    decoder_layers: int = 1
    width: int = 256
    start: Path | None = None
    favour: Mapping[str, float] = field(default_factory=dict)
    minutes: float | None = None
    save_every: int = 100
    seed: int = 0


def build(plan: Plan, vocabulary_size: int) -> MarianMTModel:
    """A Marian model with random weights, or those of the plan's start; its last id is padding, which also starts a
    translation.

    Raises:
        InvalidInput: the start is of another shape or vocabulary.
    """
    padding = vocabulary_size - 1
    torch.manual_seed(plan.seed)
    config = MarianConfig(
        vocab_size=vocabulary_size,
        d_model=plan.width,
        encoder_layers=plan.encoder_layers,
        decoder_layers=plan.decoder_layers,
        encoder_attention_heads=plan.width // 64,
        decoder_attention_heads=plan.width // 64,
        encoder_ffn_dim=4 * plan.width,
        decoder_ffn_dim=4 * plan.width,
        activation_function="relu",
        dropout=plan.dropout,
        scale_embedding=True,
        max_position_embeddings=512,
        pad_token_id=padding,
        decoder_start_token_id=padding,
        eos_token_id=vocabulary.END,
        forced_eos_token_id=vocabulary.END,
        bos_token_id=None,
        tie_word_embeddings=True,
        share_encoder_decoder_embeddings=True,
    )
    # On a CPU the fused kernel's backward pass takes longer than all the rest for sentences this short.
    config._attn_implementation = "sdpa" if torch.cuda.is_available() else "eager"
    model = MarianMTModel(config)
    with torch.no_grad():
        model.lm_head.weight[padding].zero_()  # as in every opus-mt model; ctranslate2 takes it for granted
    if plan.start is not None:
        _begin_with(model, plan.start)
    if torch.cuda.is_available() or hardware.cpu_has_bf16():
        model.bfloat16()
    return model


def _begin_with(model: MarianMTModel, folder: Path) -> None:
    finished = MarianMTModel.from_pretrained(folder, dtype=torch.float32).state_dict()
    shapes = {name: weight.shape for name, weight in model.state_dict().items()}
    if shapes != {name: weight.shape for name, weight in finished.items()}:
        raise errors.InvalidInput(field=str(folder), allowed="a model with the plan's layers, width and vocabulary")
    model.load_state_dict(finished)


class _Trainer(Seq2SeqTrainer):
    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Smoothed cross-entropy, with scores over the vocabulary at real positions only: at padding they are waste."""
        labels = inputs.pop("labels")  # (B, T), -100 at padding
        inner: MarianMTModel = self.accelerator.unwrap_model(model)
        hidden = inner.model(**inputs, use_cache=False).last_hidden_state  # (B, T, D)
        real = labels != -100
        # (vocabulary without padding, D): padding's embedding, which starts a translation, has to stay zero
        return linear_cross_entropy(hidden[real], inner.lm_head.weight[:-1], labels[real], LABEL_SMOOTHING)


class _Clock(TrainerCallback):
    """Counts the time of work over all parts of a run, and ends a part with a checkpoint when it is time."""

    def __init__(self, file: Path, minutes: float | None) -> None:
        self.file = file
        self.worked = float(file.read_text()) if file.exists() else 0.0
        self.until = float("inf") if minutes is None else self.worked + 60 * minutes
        self.last = time.monotonic()

    def stop(self, *signal_and_frame: object) -> None:
        """End with the step that is under way."""
        self.until = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.last = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        now = time.monotonic()
        self.worked += min(now - self.last, _PAUSE_SECONDS)
        self.last = now
        if self.worked >= self.until:
            control.should_training_stop = control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.file.write_text(f"{self.worked:.0f}")


@dataclass(frozen=True, slots=True)
class History:
    """What all runs made of a model's weights, kept beside them so that a run that begins with them can go on counting.

    Attributes:
        steps: batches over all runs.
        seconds: of work over all runs.
        hold_out_rule: what was held out in all of them (``corpus.HOLD_OUT_RULE``); 1 where nothing else is written.
    """

    steps: int = 0
    seconds: float = 0.0
    hold_out_rule: int = 1

    @classmethod
    def load(cls, folder: Path) -> History:
        """Of a finished model, or an empty one if its folder has none."""
        file = folder / _HISTORY
        return cls(**json.loads(file.read_text("utf-8"))) if file.exists() else cls()

    def save(self, folder: Path) -> None:
        (folder / _HISTORY).write_text(json.dumps({**asdict(self), "seconds": round(self.seconds)}) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and how far it got.

    Attributes:
        steps: batches it has seen; fewer than planned if the minutes ran out.
        seconds: of work over all parts of the run.
        earlier: the history of the model it began with.
        device: what it ran on in the last part.
        dtype: what it computed in, in the last part.
        hold_out_rule: what was held out in this run, all parts of it.
    """

    model: MarianMTModel
    steps: int
    seconds: float
    device: str
    earlier: History
    dtype: str
    hold_out_rule: int

    def history(self) -> History:
        """Of the model, from random weights on."""
        rule = min(self.hold_out_rule, self.earlier.hold_out_rule)
        return History(self.earlier.steps + self.steps, self.earlier.seconds + self.seconds, rule)


def run(plan: Plan, data: Encoded, vocabulary_size: int, folder: Path, resume: bool) -> Trained:
    """Train, or go on training. SIGTERM ends it early, with a checkpoint.

    Args:
        plan: size and length.
        data: the training pairs.
        vocabulary_size: entries of the vocabulary.
        folder: where checkpoints are kept.
        resume: go on from the newest checkpoint in the folder, if there is one.

    Raises:
        InvalidInput: the folder has a run already and ``resume`` is false.
    """
    checkpoints = sorted(folder.glob("checkpoint-*"))
    if checkpoints and not resume:
        raise errors.InvalidInput(field=str(folder), allowed="--resume to go on with the run there, or delete it")
    folder.mkdir(parents=True, exist_ok=True)
    rule = folder / "hold-out-rule"
    if not checkpoints:
        rule.write_text(str(HOLD_OUT_RULE))
    clock = _Clock(folder / "worked-seconds", plan.minutes)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build(plan, vocabulary_size)
    earlier = History.load(plan.start) if plan.start else History(hold_out_rule=HOLD_OUT_RULE)
    model.to(device)  # type: ignore[arg-type]  # before the optimizer copies the weights
    optimizer = MuonAdamW(model, plan.learning_rate)
    batches = Batches(data.favouring(plan.favour), plan.direction, plan.steps, plan.tokens, vocabulary_size, plan.seed)
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder),
        max_steps=plan.steps,
        per_device_train_batch_size=1,  # one item of `Batches` is a whole batch
        train_sampling_strategy="sequential",
        max_grad_norm=1.0,
        logging_steps=25,
        save_steps=plan.save_every,
        save_total_limit=2,
        seed=plan.seed,
        use_cpu=device == "cpu",
        remove_unused_columns=False,
        dataloader_num_workers=2 if device == "cuda" else 0,
        disable_tqdm=True,
    )
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=batches,
        data_collator=_only,
        optimizers=(optimizer, trapezoid(optimizer, plan.warmup, plan.steps, max(1, int(plan.cooldown * plan.steps)))),
        callbacks=[clock],
    )
    before = signal.signal(signal.SIGTERM, clock.stop)
    try:
        trainer.train(resume_from_checkpoint=bool(checkpoints))
    finally:
        signal.signal(signal.SIGTERM, before)
    dtype = str(model.dtype).removeprefix("torch.")
    held_out = int(rule.read_text()) if rule.exists() else 1
    return Trained(model, trainer.state.global_step, clock.worked, _device_name(), earlier, dtype, held_out)


def _device_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"a CPU ({torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''})"


def _only(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    (batch,) = items  # on several GPUs there would be more; the recipe is for one
    return batch
