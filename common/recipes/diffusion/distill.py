"""Few steps instead of many: a LoRA on the finished U-Net, by latent consistency distillation (``consistency.py``).

python -m common.recipes.diffusion.distill --data PATH/emoji-twitter.parquet --model models/diffusion-emoji \\
    --out models/diffusion-emoji-lcm --minutes 60

The same command again goes on where the last one stopped; SIGTERM stops it with everything kept.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from peft import get_peft_model_state_dict

from common.recipes.diffusion import distill_card, features, pictures, vae
from common.recipes.diffusion.consistency import TARGET, TARGET_DECAY, Distillation
from common.recipes.diffusion.loop import Report
from common.recipes.diffusion.measure import GUIDANCE
from common.recipes.diffusion.pictures import Pictures, caption

_WARMUP = 50  # steps until the highest learning rate
_SAVE_SECONDS, _SAY_STEPS = 300.0, 25


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how fast the student is trained.

    Attributes:
        steps: batches in all; over the last third of them the learning rate falls to nothing.
        batch: latents in one.
        learning_rate: the highest.
        minutes: stop cleanly after so much work in this call; 0 means not before the last step.
    """

    steps: int
    batch: int
    learning_rate: float
    minutes: float = 0.0


def train(lesson: Distillation, latents: torch.Tensor, shown: Pictures, pace: Pace, work: Path) -> Report:
    """Train the student with latents (N, 4, h, w) and their captions; goes on from what is in ``work``.

    Raises:
        SystemExit: at SIGTERM, after everything has been kept.
    """
    optimizer = torch.optim.AdamW(lesson.weights, lr=pace.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    file = work / "distill.pt"
    done, seconds = 0, 0.0
    losses: list[float] = []  # of the last steps
    if file.exists():
        kept = torch.load(file, weights_only=True)
        done, seconds, losses = kept["steps"], kept["seconds"], kept["losses"]
        optimizer.load_state_dict(kept["optimizer"])
        for ours, before in zip([*lesson.weights, *lesson.average], kept["weights"], strict=True):
            ours.data.copy_(before)
    begun = saved = time.monotonic()

    def save() -> Report:
        report = Report(done, seconds + time.monotonic() - begun, sum(losses) / max(1, len(losses)))
        state: dict[str, Any] = {"steps": done, "seconds": report.seconds, "losses": losses}
        state |= {"optimizer": optimizer.state_dict(), "weights": [*lesson.weights, *lesson.average]}
        part = file.with_suffix(".part")
        torch.save(state, part)
        part.replace(file)
        return report

    stopped: list[int] = []
    usual = signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    while done < pace.steps and not stopped:
        # Every step draws its own numbers, so that a resumed run sees the batches an uninterrupted one would.
        chance, draw = torch.Generator().manual_seed(done), random.Random(done)  # noqa: S311 - no secret
        rows = torch.randint(len(shown), (pace.batch,), generator=chance)
        loss = lesson.loss(latents[rows], [caption(shown, int(row), draw) for row in rows], chance)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(lesson.weights, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = pace.learning_rate * _part_of_rate(done, pace.steps)
        optimizer.step()
        optimizer.zero_grad()
        lesson.follow(done)
        done += 1
        losses = [*losses[1 - _SAY_STEPS :], float(loss.detach())]
        now = time.monotonic()
        if done % _SAY_STEPS == 0:
            mean = sum(losses) / len(losses)
            print(f"step {done:,} of {pace.steps:,}, loss {mean:.4f}, {(now - begun) / 60:.1f} min", flush=True)
        if pace.minutes and now - begun > 60 * pace.minutes:
            break
        if now - saved > _SAVE_SECONDS:
            save()
            saved = now
    report = save()
    signal.signal(signal.SIGTERM, usual)
    if stopped:
        sys.exit(f"Stopped after {done:,} steps; the same command goes on from there.")
    return report


def _part_of_rate(step: int, steps: int) -> float:
    """Of the highest learning rate: up in a line, level, and down to nothing over the last third."""
    return min((step + 1) / _WARMUP, 1.0, 3 * (steps - step) / steps)


def save(lesson: Distillation, folder: Path) -> None:
    """Write the student's moving average in 16 bits, as ``load_lora_weights`` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(lesson.unet, adapter_name=TARGET)
    halved = {name: weight.detach().half().contiguous() for name, weight in weights.items()}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=halved)


def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from command-line arguments."""
    chosen = _parser().parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    for missing in (path for path in chosen.data if not path.is_file()):
        sys.exit(f"There is no file {missing}: give the path of a Parquet file of emoji.")
    if not (chosen.model / "model_index.json").is_file():
        sys.exit(f"There is no model in {chosen.model}: give the folder of a finished one.")
    chosen.work.mkdir(parents=True, exist_ok=True)
    _run(chosen)


def _run(chosen: argparse.Namespace) -> None:
    shown = pictures.read(chosen.data, chosen.groups.split(",") if chosen.groups else ())
    print(f"{len(shown):,} pictures, {len(set(shown.names)):,} names", flush=True)
    pipe = _open(chosen.model)
    latents = vae.means(pipe.vae, shown) * pipe.vae.config.scaling_factor
    torch.manual_seed(0)  # of the LoRA's first matrices
    lesson = Distillation(pipe, chosen.rank, chosen.skip)
    pace = Pace(chosen.steps, chosen.batch, chosen.learning_rate, chosen.minutes)
    report = train(lesson, latents, shown, pace, chosen.work)
    save(lesson, chosen.out)
    judge, _ = features.train(shown, chosen.judge_steps, chosen.work)
    scores = distill_card.score(_open(chosen.model), chosen.out, judge, shown, chosen.prompts)
    distill_card.write(chosen.out, report, _how(chosen), scores, chosen.data, shown)


def _open(model: Path) -> StableDiffusionPipeline:
    made: StableDiffusionPipeline = StableDiffusionPipeline.from_pretrained(
        model, dtype=torch.float32, use_safetensors=True, safety_checker=None
    )
    made.set_progress_bar_config(disable=True)
    return made


def _how(chosen: argparse.Namespace) -> str:
    """The settings, for the model card."""
    return (
        f"The teacher goes one DDIM step over {chosen.skip} timesteps, with guidance fixed at {GUIDANCE:g}. The "
        f"student is its U-Net with a LoRA of rank {chosen.rank} on attention, feed-forward layers and convolutions, "
        f"the target that LoRA's moving average ({TARGET_DECAY:g}). Huber loss, AdamW, highest learning rate "
        f"{chosen.learning_rate:g}, batches of {chosen.batch}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="Parquet files of emoji pictures")
    parser.add_argument("--model", type=Path, required=True, help="folder of the finished model, the teacher")
    parser.add_argument("--out", type=Path, required=True, help="folder for the LoRA")
    parser.add_argument("--work", type=Path, default=Path("build/distill"), help="folder for all that is kept")
    parser.add_argument("--groups", default=",".join(pictures.GROUPS), help="only these subcategories; empty: all")
    parser.add_argument("--minutes", type=float, default=0, help="for training in this call; 0: until its last step")
    parser.add_argument("--steps", type=int, default=300, help="batches in all (default 300)")
    parser.add_argument("--batch", type=int, default=16, help="latents in a batch (default 16)")
    parser.add_argument("--rank", type=int, default=24, help="of the LoRA (default 24)")
    parser.add_argument("--skip", type=int, default=50, help="timesteps in one step of the teacher (default 50)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="the highest (default 0.001)")
    parser.add_argument("--judge-steps", type=int, default=1_500, help="batches of 64 (default 1,500)")
    parser.add_argument("--prompts", type=int, default=200, help="names to measure with (default 200)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: PyTorch's choice)")
    return parser


if __name__ == "__main__":
    main()
