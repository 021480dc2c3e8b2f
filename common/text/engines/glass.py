"""The glass box's questions as calls to a worker: what ``GlassBox`` promises, for every engine that can call one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.text.engine import Candidate


class GlassBoxCalls(ABC):
    """Asks ``Runner.answer`` and reads its answers. See GlassBox for what the methods return."""

    @abstractmethod
    async def call(self, kind: str, **params: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """One question, one answer: header and arrays."""

    async def next_logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """See GlassBox.next_logits."""
        _, arrays = await self.call("next_logits", ids=list(ids))
        return arrays["logits"]

    async def candidates(self, ids: Sequence[int], start: int, top: int = 10) -> list[list[Candidate]]:
        """See GlassBox.candidates."""
        header, _ = await self.call("candidates", ids=list(ids), start=start, top=top)
        return _read(header["positions"])

    async def attentions(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """See GlassBox.attentions."""
        _, arrays = await self.call("attentions", ids=list(ids))
        return arrays["attentions"]

    async def attention(self, ids: Sequence[int], layer: int, head: int | None = None) -> NDArray[np.float32]:
        """See GlassBox.attention."""
        _, arrays = await self.call("attention", ids=list(ids), layer=layer, head=head)
        return arrays["attention"]

    async def attention_links(self, ids: Sequence[int], links: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """See GlassBox.attention_links."""
        _, arrays = await self.call("attention_links", ids=list(ids), links=[list(pair) for pair in links])
        return arrays["links"]

    async def hidden_states(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """See GlassBox.hidden_states."""
        _, arrays = await self.call("hidden_states", ids=list(ids))
        return arrays["hidden_states"]

    async def logit_lens(
        self, ids: Sequence[int], positions: Sequence[int] = (-1,), top: int = 5
    ) -> list[list[list[Candidate]]]:
        """See GlassBox.logit_lens."""
        header, _ = await self.call("logit_lens", ids=list(ids), positions=list(positions), top=top)
        return [_read(layer) for layer in header["layers"]]


def _read(places: list[list[list[Any]]]) -> list[list[Candidate]]:
    return [[Candidate(*fields) for fields in place] for place in places]
