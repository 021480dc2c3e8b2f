"""Searching a visitor's own documents, as a tool: the best passage, word for word."""

from __future__ import annotations

import asyncio

from common.errors import Phrase
from common.text.actions.tool import WORDS, Tool, ToolFailed
from common.text.retrieval.index import Index

NAME = "search_documents"
_LONGEST = 400  # characters of a passage: the answer is written from it by a model that reads badly
# Below this cosine, and without a common word, a passage is about something else (bench/retrieval.py).
_LEAST_COSINE = 0.2


def search_tool(index: Index) -> Tool:
    """The tool for one visitor's index."""

    async def search(query: str) -> str:
        found = await asyncio.to_thread(index.search, query, 1)
        best = found[0]
        if best.bm25 == 0 and (best.cosine is None or best.cosine < _LEAST_COSINE):
            raise ToolFailed(Phrase("nothing_found", query=query))
        passage = " ".join(best.chunk.text.split())
        if len(passage) > _LONGEST:
            passage = passage[:_LONGEST].rsplit(" ", 1)[0] + " …"
        return f"{passage} ({best.chunk.document})"

    return Tool(
        NAME,
        "look something up in the user's documents",
        {"query": {"type": "string", "pattern": WORDS % 60}},
        search,
        (
            ("What do my documents say about owls?", {"query": "owls"}),
            ("Look up the opening hours in my documents.", {"query": "opening hours"}),
            ("Search my files for the price of the ticket.", {"query": "price of the ticket"}),
            ("Which of my notes mentions bicycles?", {"query": "bicycles"}),
            ("Find the passage on taxes in the uploaded text.", {"query": "taxes"}),
            ("According to my report, when does the project begin?", {"query": "project begin"}),
            ("What is written in my documents about the garden?", {"query": "garden"}),
            ("Look in my notes for the address.", {"query": "address"}),
        ),
        {"query": 6},
    )
