"""What a run says and does on its way: events, samples, checkpoints by the clock, and ends that somebody asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import PreTrainedTokenizerFast, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from common import errors
from common.memory import highest_bytes
from common.training.config import AnyConfig, ScratchConfig
from common.training.folder import Event, RunFolder

_COMPLETE = "complete"  # a file in a checkpoint that was written to its end
_SAMPLE_TOKENS = 160
_LOOK_SECONDS = 0.5  # between two looks for a request to stop


# Gets the model and its loss on the held-out text; gives the fields of an event "sample", or nothing.
Writer = Callable[[Any, float], Event | None]


class Progress(TrainerCallback):
    """Writes the run's events, and steers the Trainer by what it finds in the folder and on the clock.

    Args:
        tokens_per_step: for the speed.
        write: lets the model write something after each look at the held-out text, when it is time.
    """

    def __init__(self, folder: RunFolder, config: AnyConfig, tokens_per_step: int, write: Writer) -> None:
        self._folder, self._config, self._tokens_per_step, self._write = folder, config, tokens_per_step, write
        self._seconds_before = 0.0
        self._begun = self._saved = self._looked = time.monotonic()
        self._first_loss = math.inf
        self._diverged = False
        self._stopped = ""
        self._marks: list[tuple[int, float]] = []

    def begin(self, checkpoint: Path | None) -> None:
        """Say that the work begins, or goes on from a checkpoint; from the start where there is none yet."""
        step = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
        before = [event for event in self._folder.events() if "step" in event]
        for event in before:
            if step and event["step"] <= step:
                self._seconds_before = max(self._seconds_before, event.get("seconds", 0.0))
                if event["type"] == "step" and math.isinf(self._first_loss) and event["loss"] is not None:
                    self._first_loss = event["loss"]
        if before:
            self._folder.append("resumed", step=step)
        self._begun = self._saved = time.monotonic()

    def raise_if_diverged(self) -> None:
        """Raises Diverged when that is why the training ended."""
        if self._diverged:
            raise errors.Diverged(rate=f"{self._config.pace.learning_rate:g}")

    def summary(self) -> dict[str, Any]:
        """What to keep of the run beside its loss."""
        return {"state": self._stopped or "finished", "seconds": self._seconds(), "peak_mb": _peak_mb()}

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Look at the clock, and now and then for a request to stop."""
        now = time.monotonic()
        self._marks = [*self._marks[-50:], (state.global_step, now)]
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            late = now - self._begun > 60 * self._config.minutes  # a run that goes on gets its minutes anew
            if self._folder.stop_wanted() or late:
                self._stopped = "stopped"
                control.should_training_stop = control.should_save = True
        # Where the Trainer also says its loss: the mean it says next then begins after the checkpoint, resumed or not.
        if now - self._saved > self._config.pace.checkpoint_seconds and state.global_step % args.logging_steps == 0:
            self._saved = now
            control.should_save = True
        return control

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TrainerControl:  # fmt: skip
        """The Trainer has numbers: of the steps since the last time, or of the held-out text."""
        if not logs or not state.is_world_process_zero:
            return control
        if "loss" in logs:
            loss = float(logs["loss"])
            self._first_loss = min(self._first_loss, loss) if math.isinf(self._first_loss) else self._first_loss
            self._folder.append(
                "step",
                step=state.global_step,
                loss=_finite(loss),
                learning_rate=float(logs["learning_rate"]),
                grad_norm=_finite(float(logs["grad_norm"])),
                tokens_per_second=self._speed(),
                memory_mb=_memory_mb(),
                seconds=self._seconds(),
                **_rewards(logs, "rewards/"),
            )
            if not math.isfinite(loss) or loss > self._first_loss + 2:
                self._diverged = True
                control.should_training_stop = True
        if "eval_loss" in logs:
            loss = float(logs["eval_loss"])
            rewards = _rewards(logs, "eval_rewards/")
            self._folder.append("eval", step=state.global_step, loss=_finite(loss), seconds=self._seconds(), **rewards)
            written = self._write(kwargs["model"], loss) if math.isfinite(loss) else None
            if written is not None:
                self._folder.append("sample", step=state.global_step, loss=loss, **written)
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """A checkpoint is there: mark it as whole."""
        if state.is_world_process_zero:
            place = self._folder.checkpoints / f"checkpoint-{state.global_step}"
            (place / _COMPLETE).touch()
            self._folder.append("checkpoint", step=state.global_step, seconds=self._seconds())
        return control

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._begun

    def _speed(self) -> float:
        """Tokens per second over the last fifty steps."""
        if len(self._marks) < 2:
            return 0.0
        (first, then), (last, now) = self._marks[0], self._marks[-1]
        return (last - first) * self._tokens_per_step / max(now - then, 1e-9)


class LossSamples:
    """Lets a model of text write when its loss has come down to one of ``config.sample_at`` for the first time."""

    def __init__(self, folder: RunFolder, config: ScratchConfig, tokenizer: PreTrainedTokenizerFast) -> None:
        self._folder, self._config, self._tokenizer = folder, config, tokenizer

    def __call__(self, model: Any, loss: float) -> Event | None:
        """See Writer. ``at`` is the lowest of the losses reached, ``text`` what it wrote."""
        done = min((event["at"] for event in self._folder.events() if event["type"] == "sample"), default=math.inf)
        reached = [at for at in self._config.sample_at if loss <= at < done]
        if not reached:
            return None
        return {"at": min(reached), "text": sample(model, self._tokenizer, self._config.opening)}


def last_checkpoint(folder: RunFolder) -> Path | None:
    """The newest checkpoint that was written to its end."""
    whole = [place for place in folder.checkpoints.glob("checkpoint-*") if (place / _COMPLETE).exists()]
    return max(whole, key=lambda place: int(place.name.rsplit("-", 1)[1]), default=None)


@torch.no_grad()
def sample(model: Any, tokenizer: PreTrainedTokenizerFast, opening: str, tokens: int = _SAMPLE_TOKENS) -> str:
    """What the model writes after ``opening`` at temperature 0.8 with a fixed seed; training goes on unmoved."""
    model = getattr(model, "module", model)
    before, training = torch.random.get_rng_state(), model.training
    torch.manual_seed(0)
    model.eval()
    ids = torch.tensor([tokenizer.encode(opening) or [tokenizer.eos_token_id]], device=model.device)
    context = model.config.max_position_embeddings
    try:
        for _ in range(tokens):
            logits = model(ids[:, -context:], use_cache=False).logits[0, -1].float()  # (vocabulary)
            logits[tokenizer.eos_token_id] = -torch.inf  # the text has no end in it that it could have learned from
            drawn = torch.multinomial(torch.softmax(logits / 0.8, dim=-1), 1)
            ids = torch.cat([ids, drawn[None]], dim=1)
    finally:
        model.train(training)
        torch.random.set_rng_state(before)
    return str(tokenizer.decode(ids[0]))


def _rewards(logs: dict[str, Any], prefix: str) -> dict[str, float]:
    """Of preferences: how far the preferred answers are ahead, and the part of the pairs in which they are."""
    names = {"margin": "margins", "accuracy": "accuracies"}
    return {name: float(logs[prefix + theirs]) for name, theirs in names.items() if prefix + theirs in logs}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _memory_mb() -> float:
    """Memory in use: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated() / 1e6
    return float(psutil.Process().memory_info().rss / 1e6)


def _peak_mb() -> float:
    return (torch.cuda.max_memory_allocated() if torch.cuda.is_available() else highest_bytes()) / 1e6
