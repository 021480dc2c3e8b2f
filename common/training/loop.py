"""The way through the Trainer that all kinds of run share: begin or go on, train, look at the held-out part."""

from __future__ import annotations

from typing import Any

from transformers import PrinterCallback, Trainer

from common.training.folder import RunFolder
from common.training.progress import Progress, last_checkpoint


def train_through(trainer: Trainer, progress: Progress, folder: RunFolder, look_first: bool = False) -> None:
    """Train to the end of the run, or until it is stopped.

    Args:
        trainer: of the run's kind; ``progress`` is among its callbacks.
        progress: writes down what happens.
        folder: the run's.
        look_first: evaluate before the first step, to have what the model did before.

    Raises:
        Diverged: the loss is no number any more, or higher than at the beginning.
    """
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(folder)
    progress.begin(checkpoint)
    if look_first and checkpoint is None:
        trainer.evaluate()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    progress.raise_if_diverged()


def last_look(trainer: Trainer) -> dict[str, Any]:
    """The figures of an evaluation after the last step; made now if the run was stopped in between."""
    looks = [log for log in trainer.state.log_history if "eval_loss" in log]
    if looks and looks[-1]["step"] == trainer.state.global_step:
        return looks[-1]
    return trainer.evaluate()
