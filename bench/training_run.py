"""A training run as a tab starts it, in a process of its own, for the measurements of training."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench.tables import median
from common.config import settings
from common.training.config import AnyConfig
from common.training.folder import RunFolder
from common.training.launch import command, cores, environment


def run(
    config: AnyConfig, data: str, place: Path, threads: int = 0, variables: Mapping[str, str] | None = None
) -> tuple[RunFolder, float]:
    """Do the run; its folder, and the seconds from start to end.

    Args:
        config: what is to be trained.
        data: what it learns from.
        place: the run's folder, which is made.
        threads: of the process; 0 as the app gives a run.
        variables: of its environment, besides those that the app sets.

    Raises:
        CalledProcessError: it failed; what went wrong is in its ``result.json``.
    """
    place.mkdir(parents=True)
    folder = RunFolder(place)
    folder.write_text(config.data_file, data)
    folder.write_json("config.json", config.model_dump(mode="json"))
    start = time.perf_counter()
    own = {**environment(threads or cores(settings()), config.kind), **(variables or {})}
    subprocess.run(command(folder), check=True, env=own)
    return folder, time.perf_counter() - start


def speed(folder: RunFolder, after: int) -> float:
    """Tokens a second, the median of what the run said after so many times of saying it, when it was warm."""
    return median([event["tokens_per_second"] for event in folder.events() if event["type"] == "step"][after:])
