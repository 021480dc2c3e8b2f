"""What one visitor has handed in: documents and their index, in memory, for as long as the visit lasts."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.documents import Document
from common.text.retrieval.index import Index


@dataclass(slots=True)
class Library:
    """One visitor's documents, and their index."""

    documents: list[Document] = field(default_factory=list)
    index: Index | None = None

    def clear(self) -> None:
        """Forget everything."""
        self.documents.clear()
        self.index = None


def forget(library: Library | None) -> None:
    """Drop a library's content, whoever still holds it."""
    if library is not None:
        library.clear()
