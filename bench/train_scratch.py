"""A language model from scratch on a CPU: the preset "3 minutes on a laptop" against a plain loop of the same model.

    python -m bench.train_scratch tinyshakespeare.txt

The rival is what one writes first: the same transformer, batch and learning rate in an eager loop with AdamW and random
places of the text. nanoGPT publishes 1.88 for its setting for a CPU (4 layers, 4 heads, width 128, context 64) after
about 3 minutes. The plain loop is timed before and after the run, so that a busy machine hits both.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.tables import machine, median, report
from common import hardware
from common.training import shape as shapes
from common.training.config import Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.launch import command, environment
from common.training.speed import evaluate_every

SHAPE = Shape(layers=4, heads=4, width=128, context=64)
BATCH, RATE = 16, 3e-3
PLAIN_SECONDS = 30.0


def plain_speed(path: Path) -> float:
    """Tokens a second of the plain loop, in a process of its own with torch's own settings for threads."""
    ours = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "bench.train_scratch", str(path), "--plain"],
        check=True,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def plain_loop(text: str, seconds: float) -> float:
    """The rival; tokens a second, the median over its steps."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(hardware.cores())
    signs = {sign: number for number, sign in enumerate(sorted(set(text)))}
    ids = torch.tensor([signs[sign] for sign in text])
    config = shapes.hf_config(SHAPE, len(signs) + 2, len(signs) + 1)
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1)
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        places = torch.randint(len(ids) - SHAPE.context, (BATCH,))
        batch = torch.stack([ids[at : at + SHAPE.context] for at in places])
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        took.append(time.perf_counter() - start)
    return BATCH * SHAPE.context / median(took)


def our_run(text: str, steps: int, place: Path) -> tuple[RunFolder, float]:
    """A run as the tab starts it, in a process of its own; its folder, and the seconds from start to end."""
    place.mkdir()
    folder = RunFolder(place)
    pace = Pace(steps=steps, batch=BATCH, learning_rate=RATE, evaluate_every=evaluate_every(steps))
    config = ScratchConfig(name="bench", shape=SHAPE, pace=pace)
    folder.write_text("corpus.txt", text)
    folder.write_json("config.json", config.model_dump(mode="json"))
    start = time.perf_counter()
    subprocess.run(command(folder), check=True, env=environment(hardware.cores()))
    return folder, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("text", type=Path, help="characters of tiny Shakespeare, as nanoGPT prepares them")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--plain", action="store_true", help="time the plain loop alone")
    options = parser.parse_args()
    text = options.text.read_text("utf-8")
    if options.plain:
        print(plain_loop(text, PLAIN_SECONDS))
        return
    before = plain_speed(options.text)
    # The process needs some seconds to begin, and looks at the held-out text on its way.
    steps = int(before * (60 * options.minutes - 20) / (BATCH * SHAPE.context))
    with tempfile.TemporaryDirectory() as place:
        folder, seconds = our_run(text, steps, Path(place) / "run")
        events = list(folder.events())
        result = folder.read_json("result.json")
    after = plain_speed(options.text)
    ours = median([event["tokens_per_second"] for event in events if event["type"] == "step"][10:])
    plain = (before + after) / 2
    in_time = [event for event in events if event["type"] == "eval" and event["seconds"] <= 60 * options.minutes][-1]
    report(
        "train_scratch",
        "A language model from scratch: the preset of 3 minutes, tiny Shakespeare by characters",
        ("what", "measured", "aim"),
        [
            ["plain eager loop of the same model, before / after", f"{before:,.0f} / {after:,.0f} tokens/s", ""],
            ["ours, while it trains", f"{ours:,.0f} tokens/s, **{ours / plain:.2f} ×**", "≥ 1.2 ×"],
            [
                f"loss on the held-out tenth within {options.minutes:g} minutes",
                f"**{in_time['loss']:.2f}** after {in_time['step']:,} steps (nanoGPT publishes 1.88)",
                "≤ 1.70",
            ],
            ["at the end", f"{result['test_loss']:.2f} after {steps:,} steps and {seconds:.0f} s in all", ""],
            ["highest memory", f"{result['peak_mb']:.0f} MB", ""],
        ],
        [f"{machine()}."],
    )


if __name__ == "__main__":
    main()
