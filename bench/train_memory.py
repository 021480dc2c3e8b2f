"""The memory that training is said to take, beside the memory that a step takes, part by part, for three sizes.

    python -m bench.train_memory

What the Cost tab's button does, each size in a process of its own: AdamW steps of a GPT-2-style model in fp32.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench.tables import machine, report
from common.memory import without_holes
from common.training.budget import Model, Plan, memory

PARTS = ("weights", "gradients", "optimizer", "activations")
VOCABULARY = 8_000
# layers, width, texts in a batch, tokens of each
SIZES = ((4, 256, 16, 256), (8, 512, 8, 512), (12, 768, 4, 512))


def measured(
    layers: int, width: int, batch: int, context: int, place: str = "cpu", half: bool = False
) -> dict[str, float]:
    """Bytes by part, of a step in a process of its own; see ``probe.measure``."""
    asked = {"layers": layers, "width": width, "vocabulary": VOCABULARY, "batch": batch, "context": context}
    done = subprocess.run(
        [sys.executable, "-m", "common.training.probe", json.dumps({**asked, "place": place, "half": half})],
        check=True,
        env={**os.environ, **without_holes()},
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(layers: int, width: int, batch: int, context: int, place: str = "cpu", half: bool = False) -> list[str]:
    """A row of the table: what is said and what is measured, by part, and how far the sum is off."""
    model = Model(layers, width, max(1, width // 64), VOCABULARY, 4 * width)
    said = memory(model, Plan("mixed" if half else "fp32", batch=batch, context=context))
    real = measured(layers, width, batch, context, place, half)
    cells = [f"{layers} layers, width {width}, {model.parameters / 1e6:.0f} million, {batch} × {context} tokens"]
    cells += [f"{getattr(said, part) / 1e6:,.0f} / {real[part] / 1e6:,.0f}" for part in PARTS]
    off = 100 * said.total / real["peak"] - 100
    return [*cells, f"{said.total / 1e6:,.0f} / {real['peak'] / 1e6:,.0f}", f"**{off:+.0f} %**"]


def main() -> None:
    rows = [compared(*size) for size in SIZES]
    report(
        "train_memory",
        "Memory of a training step in MB: said / measured",
        ("model", *PARTS, "highest of the process", "off by"),
        rows,
        [f"Aim: within 15 %. AdamW, fp32, a vocabulary of {VOCABULARY:,}. {machine()}."],
    )


if __name__ == "__main__":
    main()
