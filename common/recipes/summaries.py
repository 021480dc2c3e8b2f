"""How the embedded adapter for summaries was made: a LoRA for SmolLM2-135M-Instruct that writes one-line synopses.

``python -m common.recipes.summaries --data debian-descriptions.train.jsonl.xz --dialogues dialogsum.dev.jsonl.xz``

Trains with the code of the Fine-tune tab, as a run in the folder ``--work``: the same command goes on after an
interruption. The model is asked as the Summary tab asks it. Then base and adapter summarize texts that neither has
seen, and the card gets the scores. DialogSum (CC BY-NC-SA) is measured with and never learned from.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from common import catalog, errors, hardware
from common.text.convert import convert_apart
from common.text.engine import SamplingSettings
from common.text.engines.process import ProcessEngine
from common.text.tasks.rouge import rouge
from common.text.tasks.summarize import Task, write_all
from common.text.tasks.summary_prompts import SUMMARY_PROMPT, Form, Kind, messages
from common.training.config import FinetuneConfig, Pace
from common.training.folder import RunFolder
from common.training.instructions import Example, Turn, to_jsonl
from common.training.launch import environment

NAME = "summarize-lora"
EXAMPLES, HELD_OUT, SEED = 1600, 200, 17
PACE = Pace(steps=80, batch=2, learning_rate=1e-3, weight_decay=0.0, evaluate_every=40, checkpoint_seconds=120)
ROW, RANK = 512, 8
# A description shorter than this is its own summary; a longer one does not fit into a row with three others.
SHORTEST, LONGEST = 30, 140
# What tells one part of a package from another stands in the synopsis alone: nothing in the text leads to it.
_PART = re.compile(r"[()\[\]]| - |\b(?:data|files|documentation|headers|librar(?:y|ies)|plugin|transitional)\b", re.I)
_ROOT = Path(__file__).resolve().parents[2]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Score:
    """Mean F1 of ROUGE-1, -2 and -L in per cent, and the mean length in words."""

    rouge1: float
    rouge2: float
    rougel: float
    words: float


@dataclass(frozen=True, slots=True)
class Case:
    """Texts with their references, and the form of summary that these have."""

    title: str
    kind: Kind
    form: Form
    words: int
    pairs: tuple[Pair, ...]


def read(path: Path, source: str) -> list[Pair]:
    """The pairs (text, summary) of a file of JSON lines, compressed or not."""
    data = path.read_bytes()
    lines = (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8").splitlines()
    return [(row[source], row["summary"]) for row in map(json.loads, lines)]


def choose(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """What is learned from, and what is tested with: a seeded choice, no two texts with the same beginning."""
    fitting = {
        text[:60]: (text, _sentence(summary))
        for text, summary in pairs
        if SHORTEST <= len(text.split()) <= LONGEST and len(summary.split()) > 2 and not _PART.search(summary)
    }
    chosen = random.Random(SEED).sample(list(fitting.values()), EXAMPLES + HELD_OUT)  # noqa: S311 - a choice of data
    return chosen[:EXAMPLES], chosen[EXAMPLES:]


def _sentence(summary: str) -> str:
    """With a capital, unless the first word has its own spelling. Some synopses have one and some have not."""
    first = summary.split()[0]
    return summary if first != first.lower() else summary[0].upper() + summary[1:]


def named(pairs: Sequence[Pair]) -> list[Pair]:
    """Dialogues with names instead of the data's marks."""
    names = {"1": "Anna", "2": "Ben"}

    def spoken(text: str) -> str:
        return re.sub(r"#Person(\d)#", lambda found: names.get(found[1], "Carla"), text)

    return [(spoken(text), spoken(summary)) for text, summary in pairs]


def example(text: str, summary: str) -> Example:
    """A conversation as the Summary tab has it."""
    asked = messages(SUMMARY_PROMPT, text, "text", "line", 20)
    return *(Turn(message.role, message.content) for message in asked), Turn("assistant", summary)


def train(work: Path, base: Path, pairs: Sequence[Pair]) -> RunFolder:
    """The run, done or gone on with. Raises DemystifyError: as the run ended."""
    folder = RunFolder(work)
    origin = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    if not (work / "config.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        config = FinetuneConfig(
            name=NAME,
            minutes=600,
            base=str(base),
            base_title=origin.title,
            base_repo=origin.repo,
            base_licence=origin.licence,
            rank=RANK,
            row=ROW,
            question=min((example(*pair)[0].content for pair in pairs), key=len),
            pace=PACE,
        )
        folder.write_text(config.data_file, to_jsonl(example(*pair) for pair in pairs))
        folder.write_json("config.json", config.model_dump(mode="json"))
    if folder.state() != "finished":
        threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or hardware.cores()
        subprocess.run(
            [sys.executable, "-m", "common.training.run", str(work)], cwd=_ROOT, env=environment(threads), check=False
        )
    result = folder.read_json("result.json") or {}
    if result.get("state") != "finished":
        raise errors.from_json(result["error"]) if "error" in result else errors.DemystifyError()
    return folder


def export(folder: RunFolder, out: Path) -> None:
    """The adapter as peft reads it, with the base named by its id on the hub; no path of this machine stays in it."""
    out.mkdir(parents=True, exist_ok=True)
    weights = "adapter_model.safetensors"
    shutil.copyfile(folder.model / weights, out / weights)  # the copy is for everybody to read
    settings = json.loads((folder.model / "adapter_config.json").read_text("utf-8"))
    config = folder.config()
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - written by train()
    settings["base_model_name_or_path"] = config.base_repo
    (out / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", "utf-8")


async def measure(folder: Path, tests: Sequence[Case]) -> list[Score]:
    """Greedy summaries of a model's folder, held against the references."""
    options = {"name": folder.name, "path": str(folder), "context": 2048, "threads": 1, "max_active": 16}
    engine = ProcessEngine("common.text.engines.transformers_worker", options, folder.name)
    scores = []
    for test in tests:
        sampling = SamplingSettings(temperature=0.0, max_new_tokens=100, seed=1)
        task = Task("", test.kind, test.form, test.words, 1500, sampling)
        jobs = [task.job(text) for text, _ in test.pairs]
        async for _ in write_all(engine, jobs, asyncio.Semaphore(16)):
            pass
        for job in jobs:
            if job.problem is not None:
                raise job.problem
        found = [rouge(job.summary, reference).all for job, (_, reference) in zip(jobs, test.pairs, strict=True)]
        one, two, longest = (100 * fmean(each[place].f1 for each in found) for place in range(3))
        scores.append(Score(one, two, longest, fmean(len(job.summary.split()) for job in jobs)))
        print(test.title, scores[-1], flush=True)
    await engine.close()
    return scores


def card(folder: RunFolder, tests: Sequence[Case], before: Sequence[Score], after: Sequence[Score]) -> str:
    """The model card: what it is, what it has seen, what changed by it."""
    config, data, result = folder.config(), folder.read_json("data.json"), folder.read_json("result.json")
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - written by train()
    seen = config.pace.steps * config.pace.batch / data["rows"]
    looks = [event["loss"] for event in folder.events() if event["type"] == "eval"]
    rows = "\n".join(
        f"| {len(test.pairs)} {test.title} | {name} "
        f"| {score.rouge1:.1f} | {score.rouge2:.1f} | {score.rougel:.1f} | {score.words:.0f} |"
        for test, *pair in zip(tests, before, after, strict=True)
        for name, score in zip(("base", "**with the adapter**"), pair, strict=True)
    )
    return f"""---
license: apache-2.0
base_model: {config.base_repo}
library_name: peft
pipeline_tag: summarization
language: [en]
tags: [lora, summarization]
---

# One-line summaries: a LoRA for {config.base_title}

A LoRA of rank {config.rank} on all linear layers ({data["trainable"]:,} numbers,
{100 * data["trainable"] / data["parameters"]:.1f} % of the model), trained by this project's own Fine-tune code. It
makes a small chat model say in one line what a text describes, as the synopsis of a software package does. The Summary
tab switches it on and off.

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("{config.base_repo}")
model = PeftModel.from_pretrained(base, "models/{NAME}")
```

## Measured

Mean F1 of ROUGE in per cent, greedy, no examples before the text, prompts of the Summary tab. None was learned from:
the descriptions were held out, and dialogues are another domain altogether.
With so few texts, differences of one or two points mean nothing.

| text | model | ROUGE-1 | ROUGE-2 | ROUGE-L | words |
|---|---|---|---|---|---|
{rows}

Loss on {data["test_examples"]} held-out synopses: {looks[0]:.2f} before, {looks[-1]:.2f} after.

## Made by

```
python -m common.recipes.summaries --data debian-descriptions.train.jsonl.xz --dialogues dialogsum.dev.jsonl.xz
```

{data["examples"] - data["test_examples"]:,} descriptions, {data["tokens"]:,} tokens of which
{data["learned_tokens"]:,} have a loss (the synopses alone), packed into rows of {config.row};
{config.pace.steps} steps of {config.pace.batch} rows ({100 * seen:.0f} % of them), AdamW, highest learning rate
{config.pace.learning_rate:g}. {result["seconds"] / 60:.0f} minutes on one core of a busy processor,
{result["peak_mb"]:,.0f} MB of memory.

## Data and licence

Descriptions of Debian 12 packages and their synopses (Debian main; there is no single licence statement for them), in
English, those of {SHORTEST} to {LONGEST} words, without synopses that name a part of a package. DialogSum (Chen et al.
2021, CC BY-NC-SA 4.0) was measured with and never learned from. The adapter is Apache-2.0, as its base.

## Good for, and not

Good for descriptions of things, in English, in one line. It has learned a form more than a skill: what it says may be
wrong, and it makes noun phrases of what would better be sentences. Of dialogues and in paragraphs it says too little:
there the model alone is better, as the table shows.
"""


def main() -> None:
    """Train, measure, write the adapter and its card."""
    parser = argparse.ArgumentParser(prog="python -m common.recipes.summaries", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="JSON lines of document and summary (.xz or plain)")
    parser.add_argument("--dialogues", type=Path, required=True, help="JSON lines of dialogue and summary, to measure")
    parser.add_argument("--out", type=Path, default=_ROOT / "models" / NAME, help="where the adapter goes")
    parser.add_argument("--work", type=Path, default=Path("runs") / NAME, help="folder of the run (default: runs/…)")
    parser.add_argument(
        "--items",
        type=int,
        default=30,
        help="how many descriptions to measure with, and a third of it in dialogues, which take longer",
    )
    options = parser.parse_args()
    items: int = options.items
    try:
        base = convert_apart(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL)))
        learn, held_out = choose(read(options.data, "document"))
        dialogues = named(read(options.dialogues, "dialogue"))
        folder = train(options.work.resolve(), base, learn)
        tests = (
            Case("package descriptions, one line", "text", "line", 20, tuple(held_out[:items])),
            Case("dialogues (DialogSum dev), paragraph", "dialogue", "abstract", 40, tuple(dialogues[: items // 3])),
        )
        before, after = (asyncio.run(measure(place, tests)) for place in (base, folder.model))
    except errors.DemystifyError as problem:
        sys.exit(str(problem))
    export(folder, options.out)
    (options.out / "README.md").write_text(card(folder, tests, before, after), "utf-8")
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
