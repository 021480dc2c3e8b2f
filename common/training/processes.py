"""One run in several processes (torchrun, accelerate): they decide together when to save and when to stop.

Each has a clock of its own; were each to go by it, one would wait in a checkpoint for others that train on. So the
first process decides, and says so at steps that all know.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Together(TrainerCallback):
    """Comes after the callbacks that wish for an end or a checkpoint; keeps the wishes until all can hear of them."""

    def __init__(self) -> None:
        self._stop = self._save = False

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Hold the wishes back, except at the steps at which the Trainer logs, and at the last one."""
        if args.world_size == 1 or state.global_step >= state.max_steps:
            return control
        self._stop, self._save = self._stop or control.should_training_stop, self._save or control.should_save
        if state.global_step % args.logging_steps == 0:
            self._stop, self._save = _of_the_first(args, self._stop, self._save)
            control.should_training_stop, control.should_save = self._stop, self._save
            self._save = False
        else:
            control.should_training_stop = control.should_save = False
        return control

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TrainerControl:  # fmt: skip
        """A loss that went wrong ends the run for all."""
        if args.world_size > 1 and logs and "loss" in logs:
            (control.should_training_stop,) = _of_the_first(args, control.should_training_stop)
        return control


def _of_the_first(args: TrainingArguments, *wishes: bool) -> tuple[bool, ...]:
    """What the first process wishes, in every process."""
    flags = torch.tensor(wishes, dtype=torch.uint8, device=args.device)
    distributed.broadcast(flags, src=0)
    return tuple(map(bool, flags.tolist()))
