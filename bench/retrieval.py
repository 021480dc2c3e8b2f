"""Retrieval: how fast documents are indexed and searched, how well things are found again, and the threshold.

    python -m bench.retrieval DESCRIPTIONS.jsonl.xz [--chunks N]

The documents are long descriptions, each with a one-line synopsis that somebody else wrote: the synopsis is the
question, its description what must be found (known-item search). Rival for the vectors: the same weights in torch.
"""

from __future__ import annotations

import argparse
import json
import lzma
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.tables import machine, median, percentile, report
from common.documents import Document, Paragraph, read_document
from common.text.retrieval import chunks
from common.text.retrieval.embedder import embedder, model_folder
from common.text.retrieval.index import Index

QUESTIONS, RIVAL_TEXTS = 300, 128
SAMPLES = Path(chunks.__file__).parent / "samples"


def rival_speed(texts: Sequence[str]) -> float:
    """Texts per second of torch, batches of eight of like length."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    model = AutoModel.from_pretrained(model_folder(), dtype=torch.float32).eval()
    ordered = sorted(texts, key=len)
    start = time.perf_counter()
    with torch.inference_mode():
        for place in range(0, len(ordered), 8):
            model(**tokenizer(ordered[place : place + 8], padding=True, truncation=True, return_tensors="pt"))
    return len(texts) / (time.perf_counter() - start)


def quality(ranks: Sequence[int | None]) -> tuple[str, str]:
    """Recall at 5 and mean reciprocal rank (None: not among those looked at)."""
    recall = sum(rank is not None and rank <= 5 for rank in ranks) / len(ranks)
    return f"{recall:.3f}", f"{sum(1 / rank for rank in ranks if rank) / len(ranks):.3f}"


def threshold() -> str:
    """The best cosines of the questions that the samples answer, and of those they do not."""
    made = [chunks.cut(read_document(path), embedder().count_tokens, 100, 20) for path in sorted(SAMPLES.glob("*.md"))]
    index = Index([chunk for found in made for chunk in found], embedder())
    list(index.embed())
    sets = tomllib.loads((Path(__file__).parent / "retrieval_questions.toml").read_text(encoding="utf-8"))
    there = [max(one.cosine or 0 for one in index.search(question, 3)) for question, _ in sets["there"]]
    hits = sum(any(words in one.chunk.text for one in index.search(q, 3)) for q, words in sets["there"])
    absent = [max(one.cosine or 0 for one in index.search(question, 3)) for question in sets["not_there"]]
    return (
        f"Samples: {hits} of {len(there)} questions have their answer among 3 passages; best cosine "
        f"{min(there):.2f} to {max(there):.2f} (median {median(there):.2f}), and "
        f"{min(absent):.2f} to {max(absent):.2f} "
        f"for {len(absent)} questions they do not answer."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--chunks", type=int, default=10_000)
    options = parser.parse_args()
    with lzma.open(options.path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    pieces: list[chunks.Chunk] = []
    owner: list[int] = []
    start = time.perf_counter()
    for place, row in enumerate(rows):
        document = Document(str(place), str(place), (Paragraph(" ".join(row["document"].split())),))
        found = chunks.cut(document, embedder().count_tokens, 100, 20)
        pieces += found
        owner += [place] * len(found)
        if len(pieces) >= options.chunks:
            break
    cutting = time.perf_counter() - start
    start = time.perf_counter()
    index = Index(pieces, embedder())
    words = time.perf_counter() - start
    embedder().embed(["warm"])
    start = time.perf_counter()
    list(index.embed())
    meaning = time.perf_counter() - start
    asked = np.random.default_rng(1).choice(owner[-1] + 1, min(QUESTIONS, owner[-1] + 1), replace=False)
    seconds: list[float] = []
    ranks: dict[str, list[int | None]] = {"BM25": [], "cosine": [], "both, fused": []}
    for place in asked:
        start = time.perf_counter()
        found_all = index.search(rows[place]["summary"], 100)
        seconds.append(time.perf_counter() - start)
        by = {
            "BM25": sorted(found_all, key=lambda one: -one.bm25),
            "cosine": sorted(found_all, key=lambda one: -(one.cosine or -1)),
            "both, fused": found_all,
        }
        for name, ranked in by.items():
            ranks[name].append(next((n for n, one in enumerate(ranked, 1) if owner[one.place] == place), None))
    mean = sum(chunk.tokens for chunk in pieces) / len(pieces)
    ours = len(pieces) / meaning
    rows_out = [
        ["cut", f"{cutting:.1f} s", ""],
        ["index by words (BM25)", f"{words:.1f} s", ""],
        ["index by meaning", f"{meaning:.0f} s, {ours:.0f} chunks/s", "10,000 in 60 s: 167 chunks/s"],
        ["rival: torch, same weights", f"{rival_speed([c.text for c in pieces[:RIVAL_TEXTS]]):.0f} chunks/s", ""],
        [
            "search, median / p95",
            f"{1000 * median(seconds):.0f} / {1000 * percentile(seconds, 0.95):.0f} ms",
            "≤ 100 ms",
        ],
    ]
    rows_out += [[f"recall@5 / MRR, {name}", " / ".join(quality(found)), ""] for name, found in ranks.items()]
    notes = [
        f"{len(pieces)} chunks of {mean:.0f} tokens on average; {len(asked)} synopses as questions.",
        threshold(),
        f"{machine()}.",
    ]
    report("retrieval", "Retrieval", ["what", "measured", "aim"], rows_out, notes)


if __name__ == "__main__":
    main()
