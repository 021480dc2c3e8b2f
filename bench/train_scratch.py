"""A language model from scratch on a CPU: nanoGPT's setting for one, batch 12, against a plain loop of the same model.

    python -m bench.train_scratch tinyshakespeare.txt

The rival is what one writes first: the same transformer in fp32, batch and learning rate in an eager loop with AdamW
and random places of the text. Ours is the run that the tab starts, whose layers are compiled (fp32, too); what differs
from the loop besides: a fused AdamW, data in order, checkpoints, and threads whose number the run tries out; looks at
the held-out text and samples are in the run for the loss alone. nanoGPT publishes 1.88 for this setting for a CPU (4
layers, 4 heads, width 128, context 64, batch 12) after about 3 minutes. Both ways take turns, so that a busy machine
hits both; the first run of ours finds nothing compiled, and the time of the run for the loss counts from the start of
its process. Where others work on the same cores, only the processor's time can be compared: it is measured with one
thread, ours as the difference between a longer and a shorter run.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.tables import machine, median, report
from bench.training_run import run, speed
from common import hardware
from common.training import shape as shapes
from common.training.config import Pace, ScratchConfig, Shape
from common.training.folder import RunFolder
from common.training.speed import evaluate_every

SHAPE = Shape(layers=4, heads=4, width=128, context=64)
BATCH, RATE = 12, 3e-3
PLAIN_SECONDS = 20.0
TURN_STEPS = 400  # of a run of ours in a turn
NEVER = 10_000  # steps between two looks at the held-out text, which the rival does not have


def plain_speed(path: Path, threads: int = 0) -> tuple[float, float]:
    """The plain loop in a process of its own; see ``plain_loop``."""
    ours = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "bench.train_scratch", str(path), "--plain", "--threads", str(threads)],
        check=True,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    speed, seconds = done.stdout.split()[-2:]
    return float(speed), float(seconds)


def plain_loop(text: str, seconds: float, threads: int) -> tuple[float, float]:
    """The rival: tokens a second, and the processor's seconds for a step, medians. 0 threads are all cores."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads or hardware.cores())
    signs = {sign: number for number, sign in enumerate(sorted(set(text)))}
    ids = torch.tensor([signs[sign] for sign in text])
    config = shapes.hf_config(SHAPE, len(signs) + 2, len(signs) + 1)
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1)
    took: list[float] = []
    worked: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start, begun = time.perf_counter(), time.process_time()
        places = torch.randint(len(ids) - SHAPE.context, (BATCH,))
        batch = torch.stack([ids[at : at + SHAPE.context] for at in places])
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        took.append(time.perf_counter() - start)
        worked.append(time.process_time() - begun)
    return BATCH * SHAPE.context / median(took), median(worked)


def our_run(
    text: str, steps: int, place: Path, compiled: bool, cache: Path, threads: int = 0, every: int = 0
) -> tuple[RunFolder, float]:
    """A run as the tab starts it, in a process of its own; its folder, and the seconds from start to end.

    Args:
        cache: folder for what is compiled, as the app keeps it from run to run.
        threads, every: of the process, and steps between two looks at the held-out text; 0 as the tab has them.
    """
    pace = Pace(steps=steps, batch=BATCH, learning_rate=RATE, evaluate_every=every or evaluate_every(steps))
    config = ScratchConfig(name="bench", shape=SHAPE, pace=pace, compiled=compiled)
    return run(config, text, place, threads or hardware.cores(), {"TORCHINDUCTOR_CACHE_DIR": str(cache)})


def our_step(text: str, place: Path, compiled: bool, cache: Path) -> float:
    """The processor's seconds for a step of ours with one thread, without the start, the look and the end of a run."""
    used = []
    for steps in (100, 100 + TURN_STEPS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        our_run(text, steps, place / f"{steps}-{compiled}", compiled, cache, threads=1, every=NEVER)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (used[1] - used[0]) / TURN_STEPS


def compiling(folder: RunFolder) -> float:
    """Seconds that compiling took."""
    return next((event["took"] for event in folder.events() if event["type"] == "compiled"), None) or 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("text", type=Path, help="characters of tiny Shakespeare, as nanoGPT prepares them")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the run for the loss; 0 leaves it out")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help="time the plain loop alone")
    parser.add_argument("--threads", type=int, default=0, help="of the plain loop alone")
    options = parser.parse_args()
    text = options.text.read_text("utf-8")
    if options.plain:
        print(*plain_loop(text, PLAIN_SECONDS, options.threads))
        return
    plain: list[float] = []
    eager: list[float] = []
    fast: list[float] = []
    took: list[float] = []
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for turn in range(options.turns):
            plain.append(plain_speed(options.text)[0])
            for kind, speeds in ((False, eager), (True, fast)):
                folder, _ = our_run(text, TURN_STEPS, place / f"{turn}-{kind}", kind, place / "cache", every=NEVER)
                speeds.append(speed(folder, after=6))
                took += [compiling(folder)] if kind else []
        (place / "one").mkdir()
        our_run(text, 1, place / "one" / "warm", True, place / "cache", threads=1)  # compiled for one thread
        worked = [plain_speed(options.text, threads=1)[1]]
        ours = [our_step(text, place / "one", kind, place / "cache") for kind in (False, True)]
        worked.append(plain_speed(options.text, threads=1)[1])
        if options.minutes:
            # The process needs some seconds to begin, looks at the held-out text on its way, and writes samples.
            steps = int(median(fast) * (60 * options.minutes - 35) / (BATCH * SHAPE.context))
            folder, seconds = our_run(text, steps, place / "run", True, place / "cache")
            begun = folder.read_json("process.json")["begun"]
            looks = [event for event in folder.events() if event["type"] == "eval"]
            last = [event for event in looks if event["time"] - begun <= 60 * options.minutes][-1]
            result = folder.read_json("result.json")
            rows = [
                [
                    f"loss on the held-out tenth {options.minutes:g} minutes after the start of its process",
                    f"**{last['loss']:.2f}** after {last['step']:,} steps (nanoGPT publishes 1.88)",
                    "≤ 1.70",
                ],
                ["at the end", f"{result['test_loss']:.2f} after {steps:,} steps and {seconds:.0f} s in all", ""],
                ["highest memory", f"{result['peak_mb']:.0f} MB", ""],
            ]
    ratios = [one / theirs for one, theirs in zip(fast, plain, strict=True)]
    loop = sum(worked) / len(worked)
    report(
        "train_scratch",
        "A language model from scratch: nanoGPT's setting for a CPU, tiny Shakespeare by characters",
        ("what", "measured", "aim"),
        [
            ["plain eager loop of the same model", f"{median(plain):,.0f} tokens/s", ""],
            ["ours, layers not compiled", f"{median(eager):,.0f} tokens/s, {median(eager) / median(plain):.2f} ×", ""],
            [
                "ours, compiled",
                f"{median(fast):,.0f} tokens/s, **{median(fast) / median(plain):.2f} ×**",
                "≥ 1.2 ×",
            ],
            [
                "processor time of a step, one thread: the loop / ours / ours compiled",
                f"{1000 * loop:.1f} / {1000 * ours[0]:.1f} / {1000 * ours[1]:.1f} ms, "
                f"**{loop / ours[1]:.2f} ×** (not compiled {loop / ours[0]:.2f} ×)",
                "",
            ],
            ["compiling: the first time, and from then on", f"{took[0]:.0f} s, {median(took[1:] or took):.0f} s", ""],
            *rows,
        ],
        [
            f"Medians of {options.turns} turns, one after the other; by turn "
            f"{', '.join(f'{ratio:.2f}' for ratio in ratios)} ×. {machine()}."
        ],
    )


if __name__ == "__main__":
    main()
