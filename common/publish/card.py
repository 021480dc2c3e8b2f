"""The README of a Space: the metadata that the platform reads at its head, checked here, and what people read below it.

What only a person can say (title, emoji, colours, a sentence) stands at the head of the README.md in the space's
folder; what follows from the bundle is filled in. Source: Hugging Face Hub documentation, *Spaces Configuration
Reference* and *Spaces ZeroGPU*.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from huggingface_hub import SpaceCard, SpaceCardData, SpaceHardware
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from yaml import YAMLError

from common.publish.problem import PublishProblem

Colour = Literal["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"]
PYTHON = "3.12"
# Python on ZeroGPU, by the documentation of 2026: 3.10.13 and 3.12.12.
_ZEROGPU_PYTHON = ("3.10", "3.10.13", "3.12", "3.12.12")


class Words(BaseModel):
    """What a person writes at the head of a space's README."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=80)
    emoji: str
    colorFrom: Colour
    colorTo: Colour
    short_description: str = Field(min_length=1, max_length=60)
    tags: list[str] = []

    @field_validator("emoji")
    @classmethod
    def _one_emoji(cls, value: str) -> str:
        if not re.fullmatch(r"[\U0001f000-\U0001faff\u2190-\u2bff][\ufe0f\U0001f3fb-\U0001f3ff]?", value):
            raise ValueError("one emoji")
        return value


class Metadata(Words):
    """The whole metadata of a Gradio Space of ours."""

    sdk: Literal["gradio"] = "gradio"
    sdk_version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    python_version: str = Field(PYTHON, pattern=r"^3\.\d+(\.\d+)?$")
    app_file: str
    license: str = "apache-2.0"
    suggested_hardware: SpaceHardware
    models: list[str] = []
    preload_from_hub: list[str] = []
    pinned: bool = False
    hf_oauth: bool = False
    hf_oauth_scopes: list[str] = []
    fullWidth: bool = True

    @field_validator("models")
    @classmethod
    def _ids(cls, value: list[str]) -> list[str]:
        if not all(re.fullmatch(r"[\w.-]+/[\w.-]+", name) for name in value):
            raise ValueError("ids such as owner/name")
        return value


def read_words(path: Path) -> tuple[Words, str]:
    """The head of a space's README, and the text below it.

    Raises:
        PublishProblem: there is none, or the platform would refuse it.
    """
    try:
        card = SpaceCard(path.read_text(encoding="utf-8"))
        return Words.model_validate(_values(card)), str(card.text).strip()
    except FileNotFoundError as problem:
        raise PublishProblem(
            f"There is no {path}: write one, with title, emoji, colours and a sentence at its head."
        ) from (problem)
    except (ValueError, YAMLError) as problem:
        raise PublishProblem(f"The head of {path} cannot be used: {_first(problem)}.") from problem


def card(metadata: Metadata, words: str) -> str:
    """The README as the Space gets it."""
    values = metadata.model_dump(mode="json", exclude_defaults=False)
    kept = {name: value for name, value in values.items() if value not in ([], False)}
    return f"---\n{SpaceCardData(**kept).to_yaml()}\n---\n\n{words}\n"


def check(readme: str, files: set[str]) -> Metadata:
    """The metadata of a finished README, read back as the platform reads it.

    Args:
        files: paths in the bundle.

    Raises:
        PublishProblem: the platform would refuse it.
    """
    try:
        found = Metadata.model_validate(_values(SpaceCard(readme)))
    except (ValueError, YAMLError) as problem:
        raise PublishProblem(f"The Space's card would be refused: {_first(problem)}.") from problem
    if found.app_file not in files:
        raise PublishProblem(f"The Space's card names {found.app_file}, which is not in the bundle.")
    zerogpu = found.suggested_hardware == SpaceHardware.ZERO_A10G
    if zerogpu and found.python_version not in _ZEROGPU_PYTHON:
        raise PublishProblem(
            f"ZeroGPU has no Python {found.python_version}: choose one of {', '.join(_ZEROGPU_PYTHON)}."
        )
    return found


def _values(card: SpaceCard) -> dict[str, object]:
    return dict(card.data.to_dict())  # type: ignore[no-untyped-call]  # huggingface_hub's


def _first(problem: Exception) -> str:
    """The first thing that is wrong, in a line."""
    if isinstance(problem, ValidationError):
        detail = problem.errors()[0]
        return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
    return (str(problem).splitlines() or [type(problem).__name__])[0]
