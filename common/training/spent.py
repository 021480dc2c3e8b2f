"""How much of the time to train a visitor has had lately: of the runs there are, and of those they have deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.training.folder import RunFolder

WINDOW_HOURS = 12  # a visit, with its breaks
_DELETED = "deleted.json"  # beside the runs


def worked_seconds(folder: RunFolder, now: float | None = None) -> float:
    """How long a run was at work within the window, by what it has written down.

    Args:
        now: seconds since 1970; the present by default.
    """
    since = (time.time() if now is None else now) - 3600 * WINDOW_HOURS
    before = last = 0.0
    for event in folder.events():
        last = max(last, event.get("seconds", 0.0))
        if event["time"] < since:
            before = last
    return last - before


def note_deleted(root: Path, folder: RunFolder) -> None:
    """Keep in mind what a run has taken that is about to be deleted; one that did nothing leaves no trace.

    Args:
        root: where the runs are. Nobody else may write there meanwhile.
    """
    if seconds := worked_seconds(folder):
        since = time.time() - 3600 * WINDOW_HOURS
        kept = [entry for entry in _deleted(root) if entry["time"] > since]
        entry = {"owner": folder.config().owner, "time": time.time(), "seconds": seconds}
        part = root / f".{_DELETED}.part"
        part.write_text(json.dumps([*kept, entry]), "utf-8")
        part.replace(root / _DELETED)


def spent_seconds(root: Path, owner: str, own: Sequence[RunFolder]) -> float:
    """What a visitor's runs have taken within the window.

    Args:
        root: where the runs are.
        own: the folders of theirs.
    """
    since = time.time() - 3600 * WINDOW_HOURS
    gone = sum(entry["seconds"] for entry in _deleted(root) if entry["owner"] == owner and entry["time"] > since)
    return float(gone + sum(map(worked_seconds, own)))


def _deleted(root: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads((root / _DELETED).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return found
