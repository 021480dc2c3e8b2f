"""Retrieval on questions over real documents: is the passage that answers a question among the first five?

The documents are the chapters of Python's language reference that come with Python (``pydoc_data.topics``), cut as the
Retrieval tab cuts them. The questions in ``python_questions.tsv`` are our own, in other words than the documents', each
with words of the passage that answers it; nothing was chosen on them. Chapters repeat each other in part: any chunk
with these words counts.
"""

from __future__ import annotations

import csv
from pathlib import Path
from pydoc_data.topics import topics

from bench.retrieval import quality
from bench.tables import machine, report
from common.documents import Document, Paragraph
from common.text.retrieval import chunks
from common.text.retrieval.embedder import embedder
from common.text.retrieval.index import Index

QUESTIONS = Path(__file__).parent / "python_questions.tsv"
SIZE, OVERLAP, DEPTH = 100, 20, 100


def questions() -> list[tuple[str, str]]:
    """(question, words of its passage)."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["question"], row["passage"]) for row in rows]


def documents() -> list[Document]:
    """The chapters; a paragraph is what stands between empty lines."""
    made = []
    for name, chapter in topics.items():
        paragraphs = (" ".join(block.split()) for block in chapter.split("\n\n"))
        made.append(Document(name, name, tuple(Paragraph(text) for text in paragraphs if text)))
    return made


def main() -> None:
    pieces = [
        piece for document in documents() for piece in chunks.cut(document, embedder().count_tokens, SIZE, OVERLAP)
    ]
    index = Index(pieces, embedder())
    list(index.embed())
    ranks: dict[str, list[int | None]] = {"words (BM25)": [], "meaning (cosine)": [], "both, fused": []}
    asked = [pair for pair in questions() if any(pair[1] in piece.text for piece in pieces)]
    for question, passage in asked:
        found = index.search(question, DEPTH)
        by = {
            "words (BM25)": sorted(found, key=lambda one: -one.bm25),
            "meaning (cosine)": sorted(found, key=lambda one: -(one.cosine or -1)),
            "both, fused": found,
        }
        for name, ranked in by.items():
            ranks[name].append(next((n for n, one in enumerate(ranked, 1) if passage in one.chunk.text), None))
    rows = [[name, *quality(found)] for name, found in ranks.items()]
    notes = [
        f"{len(asked)} questions on {len(pieces)} chunks of {len(topics)} chapters of Python's language reference; "
        f"{len(questions()) - len(asked)} more have their passage cut in two or not in this version.",
        f"{machine()}.",
    ]
    report(
        "retrieval_reference",
        "Retrieval: questions on Python's reference",
        ["found by", "recall@5", "MRR"],
        rows,
        notes,
    )


if __name__ == "__main__":
    main()
