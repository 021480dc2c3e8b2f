"""What a check of the pre-flight says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from common.errors import DemystifyError, Phrase

# ok; works, but there is something to know; will fail in front of people.
Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the pre-flight.

    Attributes:
        check: one of ``run.CHECKS``.
        level: how bad it is.
        detail: what was found; an error's sentence says what to do by itself.
        advice: what to do.
        seconds: how long the check took.
    """

    check: str
    level: Level
    detail: Phrase | DemystifyError
    advice: Phrase | None = None
    seconds: float = 0.0

    def after(self, seconds: float) -> Finding:
        """The same, with the time it took."""
        return replace(self, seconds=seconds)

    def to_json(self) -> dict[str, Any]:
        """For scripts, in English."""
        return {
            "check": self.check,
            "level": self.level,
            "detail": str(self.detail),
            "advice": str(self.advice) if self.advice else "",
            "seconds": round(self.seconds, 2),
        }
