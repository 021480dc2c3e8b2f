"""A searchable index over chunks: by words at once, by meaning as far as the vectors have come.

Words: BM25 (Robertson and Zaragoza 2009, *The Probabilistic Relevance Framework*), through ``bm25s``. Meaning: cosine
of embeddings. Both rankings become one by reciprocal rank fusion, which needs no common scale: a chunk gets
1 / (60 + rank) from each (Cormack, Clarke and Büttcher 2009, *Reciprocal Rank Fusion outperforms Condorcet*).

It lives in memory only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.text.retrieval.chunks import Chunk
from common.text.retrieval.embedder import Embedder

RRF_K = 60
# How deep each ranking is read for the fusion.
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One chunk of a search.

    Attributes:
        place: in ``Index.chunks``.
        chunk: the chunk.
        bm25: its score by words; 0 when it shares none with the question.
        cosine: by meaning, -1 to 1; None when it has no vector yet.
        fused: sum over both rankings of 1 / (60 + rank).
    """

    place: int
    chunk: Chunk
    bm25: float
    cosine: float | None
    fused: float


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` chunks have their vector, after ``seconds``."""

    done: int
    total: int
    seconds: float


class Index:
    """The index of one visitor.

    Args:
        chunks: what can be found; at least one.
        embedder: gives the vectors.
    """

    def __init__(self, chunks: Sequence[Chunk], embedder: Embedder) -> None:
        import bm25s

        self.chunks = tuple(chunks)
        self._embedder = embedder
        self._words = bm25s.BM25(backend="numpy")
        tokens = bm25s.tokenize([chunk.text for chunk in chunks], stopwords=None, show_progress=False)
        self._words.index(tokens, show_progress=False)
        self._vectors: NDArray[np.float32] = np.zeros((len(chunks), 384), np.float32)
        self._embedded = np.zeros(len(chunks), np.bool_)

    @property
    def embedded(self) -> int:
        """How many chunks have their vector."""
        return int(self._embedded.sum())

    def embed(self) -> Iterator[Progress]:
        """Make the vectors that are missing; stop whenever you like. Raises ModelUnavailable, MissingPart."""
        start = time.perf_counter()
        missing = np.flatnonzero(~self._embedded)
        for places, vectors in self._embedder.embed_in_steps([self.chunks[place].text for place in missing]):
            self._vectors[missing[places]] = vectors
            self._embedded[missing[places]] = True
            yield Progress(self.embedded, len(self.chunks), time.perf_counter() - start)

    def search(self, question: str, top: int = 5) -> list[Found]:
        """The best chunks, best first. Exact: every chunk is compared."""
        import bm25s

        asked = bm25s.tokenize([question], stopwords=None, show_progress=False, return_ids=False)[0]
        known = [word for word in asked if word in self._words.vocab_dict]
        words = self._words.get_scores(known) if known else np.zeros(len(self.chunks), np.float32)
        cosines = self._vectors @ self._embedder.embed([question])[0]
        fused = np.zeros(len(self.chunks))
        for scores, counts in ((words, words > 0), (cosines, self._embedded)):
            depth = min(_DEPTH, int(counts.sum()))
            if depth:
                best = np.argsort(-np.where(counts, scores, -np.inf), kind="stable")[:depth]
                fused[best] += 1 / (RRF_K + 1 + np.arange(depth))
        order = np.argsort(-fused, kind="stable")[:top]
        return [
            Found(
                int(place),
                self.chunks[place],
                float(words[place]),
                float(cosines[place]) if self._embedded[place] else None,
                float(fused[place]),
            )
            for place in order
            if fused[place] > 0
        ]
