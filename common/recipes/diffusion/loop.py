"""The training loop that every stage shares: batches, EMA, a clean stop after some minutes, and resuming.

What is trained and what its loss is, the stages know (vae.py, unet.py, features.py). Accelerate places it on what the
machine has: one CPU, one GPU, or several with ``accelerate launch``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers.training_utils import EMAModel

_SAVE_SECONDS = 300.0
_SAY_STEPS = 50
# Steps after which the average reaches back its full length; before, it reaches back a tenth of the steps done.
_EMA_DECAY = 0.9995


@dataclass(frozen=True, slots=True)
class Stage:
    """How long and how fast one model is trained.

    Attributes:
        name: folder of its state.
        steps: batches in all; the learning rate falls to nothing towards them.
        batch: pictures in one.
        learning_rate: the highest, reached after ``warmup`` steps.
        minutes: stop cleanly after so much work in this call; 0 means not before the last step.
    """

    name: str
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 200
    minutes: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What the training came to: steps done, seconds of work over all calls, mean loss of the last 50 steps."""

    steps: int
    seconds: float
    loss: float


def train(
    stage: Stage,
    model: torch.nn.Module,
    rows: int,
    loss_of: Callable[[torch.nn.Module, torch.Tensor, torch.Generator], torch.Tensor],
    work: Path,
) -> Report:
    """Train ``model`` in place; at the end it holds the moving average of its weights.

    Whoever stops it, it goes on from its last saved state in ``work`` when called again.

    Args:
        rows: how many examples there are.
        loss_of: the loss of a batch, given model, row numbers (B,) and the generator for its random draws.
    """
    set_seed(stage.seed)
    accelerator = Accelerator(project_dir=str(work))
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, stage))
    model, optimizer, schedule = accelerator.prepare(model, optimizer, schedule)
    average = EMAModel(model.parameters(), decay=_EMA_DECAY, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    accelerator.register_for_checkpointing(average)
    state, note = work / stage.name, work / f"{stage.name}.json"
    done, seconds, loss_before = 0, 0.0, 0.0
    if note.exists():
        before = json.loads(note.read_text("utf-8"))
        done, seconds, loss_before = before["steps"], before["seconds"], before["loss"]
        accelerator.load_state(str(state), load_kwargs={"weights_only": True})
    average.to(accelerator.device)
    chance = torch.Generator().manual_seed(stage.seed + accelerator.process_index)
    losses: list[float] = []
    begun = saved = time.monotonic()

    def save() -> Report:
        recent = losses[-_SAY_STEPS:]
        report = Report(done, seconds + time.monotonic() - begun, sum(recent) / len(recent) if recent else loss_before)
        accelerator.save_state(str(state))
        if accelerator.is_main_process:
            part = note.with_suffix(".part")
            part.write_text(json.dumps(asdict(report)), "utf-8")
            part.replace(note)
        return report

    model.train()
    while done < stage.steps:
        # Every step draws its own numbers, so that a resumed run sees the batches an uninterrupted one would.
        chance.manual_seed(hash((stage.seed, accelerator.process_index, done)) % 2**63)
        batch = torch.randint(rows, (stage.batch,), generator=chance)
        loss = loss_of(model, batch, chance)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        average.step(model.parameters())
        losses.append(float(loss.detach()))
        done += 1
        now = time.monotonic()
        if done % _SAY_STEPS == 0 and accelerator.is_main_process:
            mean = sum(losses[-_SAY_STEPS:]) / len(losses[-_SAY_STEPS:])
            spent = (now - begun) / 60
            print(f"{stage.name}: step {done:,} of {stage.steps:,}, loss {mean:.4f}, {spent:.1f} min", flush=True)
        if stage.minutes and now - begun > 60 * stage.minutes:
            break
        if now - saved > _SAVE_SECONDS:
            save()
            saved = time.monotonic()
    report = save()
    average.copy_to(model.parameters())
    return report


def _rate(step: int, stage: Stage) -> float:
    """Part of the highest learning rate at a step: up in a line, then down as a half cosine."""
    if step < stage.warmup:
        return (step + 1) / stage.warmup
    part = min(1.0, (step - stage.warmup) / max(1, stage.steps - stage.warmup))
    return float(0.5 * (1 + torch.cos(torch.tensor(torch.pi * part))))
