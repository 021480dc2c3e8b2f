"""What a recorded run is, and the recorded runs there are: JSON files beside this one, pictures beside them.

Reading needs no model and none of their libraries. ``common.recipes.recordings`` makes the files, from live runs.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).with_name("runs")
# Tabs without a run of their own show that of another tab, in which the same happens.
_SHOWN_BY = {"scoreboard": "finetune"}


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Candidate(_Frozen):
    """A token that could have come, with its probability, 0 to 1."""

    text: str
    probability: float


class Written(_Frozen):
    """One token of a text.

    Attributes:
        id: place in the vocabulary.
        logprob: natural log of the model's own probability, before temperature and filters.
        candidates: the most probable tokens at this place, the best first.
    """

    id: int
    text: str
    logprob: float
    special: bool = False
    candidates: tuple[Candidate, ...] = ()


class TextPart(_Frozen):
    """A text that a language model wrote, token by token.

    Attributes:
        label: key of the text that says which of several it is; empty for the only one.
        prompt: what the model read, chat template included.
        request: everything needed to ask for it again, as ``GenerationRequest`` has it.
    """

    kind: Literal["text"] = "text"
    label: str = ""
    prompt: str
    request: dict[str, Any]
    tokens: tuple[Written, ...]


class AttentionPart(_Frozen):
    """What one attention head looks at, token by token.

    Attributes:
        layer, head: counted from 0.
        weights: for every token, those of the tokens up to it, in thousandths.
    """

    kind: Literal["attention"] = "attention"
    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    layer: int
    head: int
    weights: tuple[tuple[int, ...], ...]


class DecoderStep(_Frozen):
    """One step of a translation.

    Attributes:
        id, text: the token that was written.
        candidates: the most probable ones.
        cross: how much the decoder looks at each token of the source, mean of all heads, in thousandths.
    """

    id: int
    text: str
    candidates: tuple[Candidate, ...]
    cross: tuple[int, ...]


class TranslationPart(_Frozen):
    """A sentence translated step by step; languages as ISO 639-1 codes."""

    kind: Literal["translation"] = "translation"
    sentence: str
    source: str
    target: str
    pieces: tuple[str, ...]
    steps: tuple[DecoderStep, ...]
    translation: str


class LossPoint(_Frozen):
    """Where a training run was at a step: its loss, and that on what was held out, where it was asked for."""

    step: int
    loss: float
    held_out: float | None = None


class Sample(_Frozen):
    """What the model wrote at a step, when its held-out loss was ``loss``."""

    step: int
    loss: float
    text: str


class TrainingPart(_Frozen):
    """A training run.

    Attributes:
        config: what was asked for, without the folder of the base model.
        data: what it learned from: a sample text, or a set of examples.
        points: the curve.
        samples: what it wrote on the way.
        seconds: of work.
    """

    kind: Literal["training"] = "training"
    config: dict[str, Any]
    data: str
    points: tuple[LossPoint, ...]
    samples: tuple[Sample, ...] = ()
    seconds: float


class Strip(_Frozen):
    """Pictures of one kind, a step each, side by side in one file; ``label`` is the key of their name."""

    label: str
    file: str


class PicturesPart(_Frozen):
    """A picture in the making.

    Attributes:
        label: as for a text.
        prompt: what it shall show.
        settings: of the request.
        edge: of one picture in a strip, in pixels.
        noise_left: share of noise at each step, 0 to 1.
        strips: one for each kind of picture, all with a picture for each step.
        result: file of the finished picture.
    """

    kind: Literal["pictures"] = "pictures"
    label: str = ""
    prompt: str
    settings: dict[str, Any]
    edge: int
    noise_left: tuple[float, ...]
    strips: tuple[Strip, ...]
    result: str


Part = Annotated[TextPart | AttentionPart | TranslationPart | TrainingPart | PicturesPart, Field(discriminator="kind")]


class Recording(_Frozen):
    """A recorded run of one tab.

    Attributes:
        tab, space: whose it is.
        made: the day, as ISO 8601 writes it.
        models: titles of those that ran.
        machine: the processor that they ran on.
        parts: one, or several side by side.
    """

    tab: str
    space: str
    made: str
    models: tuple[str, ...]
    machine: str
    parts: tuple[Part, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the picture files beside it."""
        drawn = [part for part in self.parts if isinstance(part, PicturesPart)]
        return tuple(name for part in drawn for name in (*(strip.file for strip in part.strips), part.result))


def names() -> tuple[str, ...]:
    """The tabs that have a recorded run of their own."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def shown_by(tab: str) -> str | None:
    """The recorded run to show on a tab; None where there is none."""
    name = _SHOWN_BY.get(tab, tab)
    return name if name in names() else None


@lru_cache(maxsize=32)
def read(name: str) -> Recording:
    """A recorded run. Raises KeyError: there is none of this name."""
    if name not in names():
        raise KeyError(name)
    return Recording.model_validate_json((FOLDER / f"{name}.json").read_bytes())
