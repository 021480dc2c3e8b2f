"""Runs side by side that were tested on the same conversations: what each learned, and what it took.

Only figures that were written down before; nothing is computed here. Two runs can be compared when their base model,
the conversations held out and the length of a row are the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.training.config import FinetuneConfig
from common.training.instructions import Example, from_jsonl, split
from common.training.prompted import known
from common.training.runs import Run


@dataclass(frozen=True, slots=True)
class Score:
    """One run on a board, or the base model (``run`` None).

    Attributes:
        run: the run.
        loss: on the held-out answers, per token, in nats.
        trainable, parameters: numbers that were learned, and all there are.
        megabytes: of the result on the disk.
        seconds: of training.
        peak_mb: most memory that its process held.
    """

    run: Run | None
    loss: float | None
    trainable: int = 0
    parameters: int = 0
    megabytes: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def perplexity(self) -> float | None:
        """exp(loss): among how many tokens the model seems to choose."""
        return None if self.loss is None else math.exp(self.loss)

    def cost(self, per_hour: float) -> float:
        """Price of the training at this price of an hour of the machine."""
        return self.seconds / 3600 * per_hour


@dataclass(frozen=True, slots=True)
class Board:
    """Runs that can be compared.

    Attributes:
        key: tells boards apart.
        title: of the base model.
        base: its folder.
        test: the conversations that no run has learned from.
        train: those that all have.
        scores: the base model first, then the runs, the best first.
        prompted: the loss of the base with examples in its prompt (prompted.py), once it was measured.
    """

    key: str
    title: str
    base: str
    test: tuple[Example, ...]
    train: tuple[Example, ...]
    scores: tuple[Score, ...]
    prompted: float | None = None


def boards(runs: Iterable[Run]) -> list[Board]:
    """The boards that these runs make, that of the newest run first. Reads files: call it in a thread."""
    together: dict[str, list[tuple[Run, Any]]] = {}
    for run in runs:
        result = run.folder.read_json("result.json")
        if isinstance(run.config, FinetuneConfig) and result and "test_loss" in result and run.folder.has_model:
            together.setdefault(_key(run), []).append((run, result))
    return [_board(key, found) for key, found in together.items()]


def _key(run: Run) -> str:
    config = run.config
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - boards() looked
    data = (run.folder.path / config.data_file).read_bytes()
    return hashlib.sha256(f"{config.base}\n{config.row}\n".encode() + data).hexdigest()[:16]


def _board(key: str, found: list[tuple[Run, Any]]) -> Board:
    newest = found[0][0]
    config = newest.config
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - boards() looked
    examples = split(from_jsonl((newest.folder.path / config.data_file).read_text("utf-8")))
    scores = sorted((_score(run, result) for run, result in found), key=lambda score: score.loss or math.inf)
    before = [event["loss"] for run, _ in found for event in run.folder.events() if event["type"] == "eval"][:1]
    base = Score(None, before[0] if before else None, 0, scores[0].parameters - _added(scores[0]))
    prompted = next((loss for run, _ in found if (loss := known(run.folder)) is not None), None)
    return Board(key, config.base_title, config.base, examples.test, examples.train, (base, *scores), prompted)


def _score(run: Run, result: Any) -> Score:
    data = run.folder.read_json("data.json") or {}
    model = sum(path.stat().st_size for path in run.folder.model.glob("*.safetensors"))
    return Score(
        run,
        result["test_loss"],
        data.get("trainable", 0),
        data.get("parameters", 0),
        model / 1e6,
        result.get("seconds", 0.0),
        result.get("peak_mb", 0.0),
    )


def _added(score: Score) -> int:
    """What the adapter adds to the model's own numbers."""
    run = score.run
    full = run is not None and isinstance(run.config, FinetuneConfig) and run.config.method == "full"
    return 0 if full else score.trainable
