"""ROUGE of the embedded model's summaries, with no, one and three examples, beside methods that write nothing.

    python -m bench.summaries FOLDER [--items 50]

FOLDER has dialogues (``dialogsum.dev.jsonl.xz``: dialogue, summary) and package descriptions
(``debian-descriptions.train.jsonl.xz``: document, summary). Prompts, sampling and examples are those of the Summary
tab; nothing was trained or chosen on the items that are scored here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import lzma
import random
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bench.tables import machine, report
from common import catalog
from common.config import settings
from common.text.engine import SamplingSettings, TextEngine
from common.text.models import Choice, build_engine
from common.text.tasks.extract import candidates, lead, lexrank
from common.text.tasks.rouge import rouge
from common.text.tasks.samples import examples
from common.text.tasks.summarize import Job, Task, write_all
from common.text.tasks.summary_prompts import Form, Kind, Prompts
from common.text.tasks.wording import joined, units

# Form, longest length in words, and sentences of the extractive summaries: as long as the references are.
SHAPES: dict[Kind, tuple[Form, int, tuple[int, ...]]] = {
    "dialogue": ("abstract", 40, (3,)),
    "text": ("line", 20, (1, 3)),
}
SHOTS = (0, 1, 3)
# The first dialogues were looked at while the prompts were written.
FIRST_DIALOGUE, SHORTEST_DESCRIPTION = 100, 30
TOGETHER = 16
Pair = tuple[str, str]


def read(path: Path, source: str) -> list[Pair]:
    """The pairs (text, reference) of a file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(row[source], row["summary"]) for row in rows]


def pairs(folder: Path, items: int) -> dict[Kind, list[Pair]]:
    """Dialogues with names instead of the data's marks, and package descriptions of more than a sentence or two."""
    named = [
        (_named(text), _named(summary))
        for text, summary in read(folder / "dialogsum.dev.jsonl.xz", "dialogue")[FIRST_DIALOGUE:]
    ]
    described = [
        pair
        for pair in read(folder / "debian-descriptions.train.jsonl.xz", "document")
        if len(pair[0].split()) >= SHORTEST_DESCRIPTION
    ]
    return {"dialogue": named[:items], "text": random.Random(7).sample(described, items)}


def _named(text: str) -> str:
    names = {"1": "Anna", "2": "Ben"}
    return re.sub(r"#Person(\d)#", lambda found: names.get(found[1], "Carla"), text)


async def by_model(engine: TextEngine, kind: Kind, texts: Sequence[str], many: int, opening: str = "") -> list[str]:
    """The model's summaries with this many examples before each text."""
    form, words, _ = SHAPES[kind]
    shots = [example.shot(form) for example in examples() if example.kind == kind][:many]
    sampling = SamplingSettings(temperature=0.0, max_new_tokens=400, seed=1)
    task = Task("", kind, form, words, 3000, sampling, Prompts(opening=opening))
    jobs: list[Job] = [task.job(text, shots=shots) for text in texts]
    async for _ in write_all(engine, jobs, asyncio.Semaphore(TOGETHER)):
        pass
    for job in jobs:
        if job.problem is not None:
            raise job.problem
    return [job.summary for job in jobs]


def row(kind: Kind, name: str, summaries: Sequence[str], references: Sequence[str]) -> list[str]:
    """Mean F1 of the three measures, and the mean length."""
    scores = [rouge(summary, reference) for summary, reference in zip(summaries, references, strict=True)]
    means = [100 * fmean(score.all[place].f1 for score in scores) for place in range(3)]
    length = fmean(len(summary.split()) for summary in summaries)
    print(kind, name, [f"{mean:.1f}" for mean in means], flush=True)
    return [kind, name, *(f"{mean:.1f}" for mean in means), f"{length:.0f}"]


async def run(folder: Path, items: int) -> list[list[str]]:
    rows: list[list[str]] = []
    engine = build_engine(Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), settings())
    await engine.info()
    for kind, found in pairs(folder, items).items():
        texts, references = [text for text, _ in found], [reference for _, reference in found]
        cut = [units(text, kind == "dialogue") for text in texts]
        sentences = [one if kind == "dialogue" else candidates(one) for one in cut]
        for count in SHAPES[kind][2]:
            rows.append(row(kind, f"lead-{count}", [joined(lead(one, count)) for one in sentences], references))
            rows.append(row(kind, f"LexRank, {count}", [joined(lexrank(one, count)) for one in sentences], references))
        for many in SHOTS:
            name = "model, " + {0: "zero-shot", 1: "one-shot"}.get(many, f"few-shot ({many})")
            rows.append(row(kind, name, await by_model(engine, kind, texts, many), references))
        begun = f"The {kind} says that"
        summaries = await by_model(engine, kind, texts, 0, begun)
        rows.append(row(kind, f"model, zero-shot, answer begun “{begun}”", summaries, references))
    await engine.close()
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, help="folder with the two files")
    options.add_argument("--items", type=int, default=50, help="how many of each kind")
    chosen = options.parse_args()
    rows = asyncio.run(run(chosen.folder, chosen.items))
    report(
        "summaries",
        f"Summaries against references: ROUGE, mean F1 of {chosen.items} items each, embedded model",
        ("text", "summary", "ROUGE-1", "ROUGE-2", "ROUGE-L", "words"),
        rows,
        (
            "Dialogues of DialogSum (dev) in a paragraph; Debian package descriptions in one line. Greedy, prompts and "
            "examples as in the Summary tab.",
            f"{machine()}.",
        ),
    )


if __name__ == "__main__":
    main()
