"""The sizes of well-known language models, as on the slide and as published (language-models.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Size:
    """One model.

    Attributes:
        year, parameters: published; parameters None where its makers give no number.
        slide_year, slide_parameters: as on the slide.
        kind: which part of the transformer it is.
        source: where the published figures stand.
        remark: what else is to be said, by the end of its key in the translations.
    """

    name: str
    year: int
    slide_year: int
    slide_parameters: float
    kind: Literal["encoder", "decoder", "both"]
    source: str
    parameters: float | None = None
    remark: str = ""

    @property
    def differs(self) -> bool:
        """Whether slide and publication say different things, by more than a tenth in size."""
        if self.parameters is None or self.year != self.slide_year:
            return True
        return abs(self.parameters / self.slide_parameters - 1) > 0.1


@lru_cache
def sizes() -> tuple[Size, ...]:
    """All of them, in the order of publication."""
    values = tomllib.loads(Path(__file__).with_name("language-models.toml").read_text("utf-8"))["model"]
    return tuple(sorted((Size(**value) for value in values), key=lambda size: (size.year, size.parameters or 0)))
