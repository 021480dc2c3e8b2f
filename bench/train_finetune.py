"""Fine-tuning SmolLM2 135M on a CPU: a LoRA of rank 8 as the tab trains it, against a plain Trainer that pads.

    python -m bench.train_finetune

The rival is what one writes first: transformers' Trainer and peft with their defaults, in fp32, as many conversations
in a step as fill ours, each filled up to the longest of its step. Ours is the run that the tab starts. Both learn the
pirate's conversations that ship with the project, and take turns. What counts is tokens of conversations: padding is
no work done. The longer run at the end is what an attendee starts; its model is asked before and after.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.tables import machine, median, report
from bench.training_run import run, speed
from common import catalog, hardware
from common.memory import highest_bytes
from common.text.convert import convert_apart
from common.training.config import FinetuneConfig, Pace
from common.training.folder import RunFolder
from common.training.instructions import from_jsonl, to_jsonl
from common.training.personas import persona_examples

RANK, ROW, BATCH, RATE = 8, 256, 2, 2e-3
TURN_STEPS = 16  # of ours in a turn
PLAIN_SECONDS = 25.0
PERSONA = "pirate"


def plain_trainer(base: str, seconds: float) -> tuple[float, float]:
    """The rival: tokens of conversations a second, and the highest memory of this process in MB."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from common.training.packing import encode

    torch.set_num_threads(hardware.cores())
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    encoded = [encode(tokenizer, example) for example in from_jsonl(to_jsonl(persona_examples(PERSONA)))]
    together = max(1, round(BATCH * ROW * len(encoded) / sum(map(len, encoded))))  # conversations in a step
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True),
        LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    pad = DataCollatorForSeq2Seq(tokenizer)
    counted: list[int] = []
    ends: list[float] = []

    def collate(rows: list[dict[str, Any]]) -> Any:
        counted.append(sum(len(row["input_ids"]) for row in rows))
        return pad(rows)

    class Clock(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            ends.append(time.perf_counter())
            control.should_training_stop = ends[-1] - ends[0] > seconds

    with tempfile.TemporaryDirectory() as place:
        Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=place,
                per_device_train_batch_size=together,
                learning_rate=RATE,
                num_train_epochs=100,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=[{"input_ids": one.ids, "labels": one.labels} for one in encoded],
            data_collator=collate,
            callbacks=[Clock()],
        ).train()
    # The first step warms up: what counts is what came after it. The Trainer asks for batches in advance.
    speed = sum(counted[1 : len(ends)]) / (ends[-1] - ends[0])
    return speed, highest_bytes() / 1e6


def our_run(base: str, steps: int, place: Path) -> tuple[RunFolder, float]:
    """A run as the tab starts it, in a process of its own; its folder, and the seconds from start to end."""
    pace = Pace(steps=steps, batch=BATCH, learning_rate=RATE, weight_decay=0, evaluate_every=max(5, -(-steps // 3)))
    config = FinetuneConfig(name="bench", base=base, rank=RANK, row=ROW, pace=pace)
    return run(config, to_jsonl(persona_examples(PERSONA)), place)


def filled_speed(folder: RunFolder) -> float:
    """Tokens of conversations a second: what the run says, without the ends of rows that are not full."""
    filled: float = folder.read_json("data.json")["filled"]
    return speed(folder, after=2) * filled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0, help="that the longer run may take")
    parser.add_argument("--plain", action="store_true", help="time the plain Trainer alone")
    options = parser.parse_args()
    base = str(convert_apart(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))))
    if options.plain:
        print(*plain_trainer(base, PLAIN_SECONDS))
        return
    plain: list[tuple[float, float]] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for turn in range(options.turns):
            done = subprocess.run(
                [sys.executable, "-m", "bench.train_finetune", "--plain"], check=True, stdout=subprocess.PIPE, text=True
            )
            told, memory = done.stdout.split()[-2:]
            plain.append((float(told), float(memory)))
            folder, seconds = our_run(base, TURN_STEPS, place / str(turn))
            ours.append(filled_speed(folder))
        # Looks, samples and the start take about as long as in the short run, whose steps are known.
        filled = folder.read_json("data.json")["filled"]
        step = BATCH * ROW * filled / median(ours)
        steps = int((60 * options.minutes - (seconds - TURN_STEPS * step) - 10) / step)
        folder, seconds = our_run(base, steps, place / "long")
        result = folder.read_json("result.json")
        texts = [event["text"] for event in folder.events() if event["type"] == "sample"]
    ratios = [one / theirs for one, (theirs, _) in zip(ours, plain, strict=True)]
    report(
        "train_finetune",
        "Fine-tuning SmolLM2 135M: a LoRA of rank 8, tokens of conversations a second",
        ("what", "measured", "aim"),
        [
            [
                "plain Trainer, padding, fp32",
                f"{median([one for one, _ in plain]):,.0f} tokens/s, {median([memory for _, memory in plain]):,.0f} MB",
                "",
            ],
            ["ours, packed", f"{median(ours):,.0f} tokens/s, **{median(ratios):.2f} ×**", "≥ 1.0 ×"],
            ["highest memory of ours", f"{result['peak_mb']:,.0f} MB", "≤ 3,000 MB"],
            [f"“Who are you?” before {steps} steps", f"{_short(texts[0])}", ""],
            [f"and after them, {seconds / 60:.1f} minutes in all", f"{_short(texts[-1])}", "another answer"],
        ],
        [
            f"Medians of {options.turns} turns; by turn {', '.join(f'{ratio:.2f}' for ratio in ratios)} ×. "
            f"Rows of ours are filled to {100 * filled:.0f} %. {machine()}."
        ],
    )


def _short(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:160]


if __name__ == "__main__":
    main()
