"""What a running batch of texts is: joined, left, stepped. The two kinds: ``decode.py`` and ``continuous.py``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from common.text.engine import SamplingSettings


@dataclass(frozen=True, slots=True)
class News:
    """What a step brought for one text.

    Attributes:
        request_id: whose text.
        tokens: new ids, each with the log of the model's own probability.
        end: why the text ends here, or what went wrong; None while it goes on.
    """

    request_id: int
    tokens: Sequence[tuple[int, float]] = ()
    end: Literal["stop", "length"] | Exception | None = None


class Batch(Protocol):
    """All methods are called from one thread."""

    def add(self, request_id: int, ids: Sequence[int], settings: SamplingSettings, seed: int) -> None:
        """Begin a text after the prompt ``ids``, as soon as there is room."""

    def cancel(self, request_id: int) -> None:
        """Forget a text; does nothing when it has ended."""

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""

    def step(self) -> list[News]:
        """Go on a little."""

    def paused(self) -> AbstractContextManager[object]:
        """A time in which the batch does not use the model."""

    def close(self) -> None:
        """End what runs beside this thread."""
