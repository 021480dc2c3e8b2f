"""Texts of our own to summarize, each with reference summaries, and short solved examples to put before a text.

All written for this project. The data is in ``summaries.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from common.text.tasks.summary_prompts import Form, Kind, Shot


@dataclass(frozen=True, slots=True)
class Sample:
    """A text to summarize, and a person's summary of it in every form."""

    id: str
    kind: Kind
    document: str
    references: dict[Form, str]


@dataclass(frozen=True, slots=True)
class Example:
    """A short text and its summary in every form."""

    id: str
    kind: Kind
    document: str
    summaries: dict[Form, str]

    def shot(self, form: Form) -> Shot:
        """The example with the summary in this form."""
        return Shot(self.document, self.summaries[form])


@lru_cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "summaries.json").read_text(encoding="utf-8"))
    return found


@lru_cache
def samples() -> tuple[Sample, ...]:
    """The texts; the first is what the tab opens with."""
    return tuple(Sample(**entry) for entry in _data()["samples"])


@lru_cache
def examples() -> tuple[Example, ...]:
    """The solved examples, three for each kind of text."""
    return tuple(Example(**entry) for entry in _data()["shots"])
