"""Text to train on from a data set of the hub: the beginning of its column of text, and none of its code.

``python -m common.training.hub_text OWNER/NAME [COLUMN]`` reads it in a process of its own, which is ended when it
takes too long. Knows nothing about pages, nor about what becomes of the text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from typing import Any

from common import catalog, errors
from common.apart import ask_module
from common.errors import Phrase
from common.training.uploads import listed

MOST_CHARACTERS = 1_000_000
_READING_SECONDS = 30.0  # then what has come by then is the text
_SECONDS = 90.0  # for everything; libraries and the list of files are most of it
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_USUAL = "text"


def check_id(name: str) -> str:
    """The id without spaces around it. Raises InvalidInput: it is not of the form owner/name."""
    name = name.strip()
    if not _ID.fullmatch(name):
        raise errors.InvalidInput(field="dataset", allowed=Phrase("dataset_id"))
    return name


async def fetch(name: str, column: str = "", seconds: float = _SECONDS) -> str:
    """The text of a data set of the hub, read in a process of its own.

    Args:
        name: its id, owner/name.
        column: the one with the text; empty: "text", or the only one that has texts.
        seconds: the longest that it may take.

    Raises:
        InvalidInput: no such id can be.
        DatasetUnavailable: the hub is out of reach or has none of that name, or it cannot be read.
        NoTextColumn: which columns there are.
    """
    name = check_id(name)
    if not await asyncio.to_thread(catalog.hub_reachable):
        raise errors.DatasetUnavailable(name=name, reason=Phrase("hub_unreachable"))
    try:
        asked = ask_module("common.training.hub_text", name, column.strip())
        return str((await asyncio.wait_for(asked, seconds))["text"])
    except TimeoutError as problem:
        raise errors.DatasetUnavailable(name=name, reason=Phrase("dataset_slow", seconds=round(seconds))) from problem


def read_dataset(place: str, column: str = "", most: int = MOST_CHARACTERS, seconds: float = _READING_SECONDS) -> str:
    """The beginning of a data set's texts, one row after the other.

    Args:
        place: what ``datasets.load_dataset`` takes: an id of the hub, or a folder.
        column: as ``fetch`` takes it.
        most: the longest text, in characters.
        seconds: after which no more rows are read.

    Raises:
        DatasetUnavailable, NoTextColumn: as ``fetch``.
    """
    from datasets import get_dataset_config_names, load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    try:
        # No token: a visitor must not read what only the account of this machine may. Code of its own is never run.
        names = get_dataset_config_names(place, token=False)
        config = "default" if "default" in names else names[0]
        splits = load_dataset(place, config, streaming=True, token=False)
        rows = splits["train"] if "train" in splits else next(iter(splits.values()))
        wanted = _column(place, next(iter(rows), {}), column)
        parts: list[str] = []
        size, end = 0, time.monotonic() + seconds
        for row in rows.select_columns([wanted]):
            parts.append(row[wanted] or "")
            size += len(parts[-1]) + 1
            if size >= most or time.monotonic() > end:
                break
    except DatasetNotFoundError as problem:
        raise errors.DatasetUnavailable(name=place, reason=Phrase("dataset_none")) from problem
    except ConnectionError as problem:
        raise errors.DatasetUnavailable(name=place, reason=Phrase("hub_unreachable")) from problem
    except (DatasetsError, RuntimeError, ValueError, OSError) as problem:
        raise errors.DatasetUnavailable(name=place, reason=Phrase("dataset_form")) from problem
    return "\n".join(parts)[:most]


def _column(place: str, row: dict[str, Any], wanted: str) -> str:
    """The name of the column with the text. Raises NoTextColumn."""
    texts = [name for name, value in row.items() if isinstance(value, str)]
    if not wanted and len(texts) == 1:
        return texts[0]
    wanted = wanted or _USUAL
    if wanted not in texts:
        raise errors.NoTextColumn(name=place, wanted=wanted, found=listed(texts))
    return wanted


def main(arguments: list[str] | None = None) -> int:
    """Say the text as JSON, or the error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("name")
    parser.add_argument("column", nargs="?", default="")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)  # an id of the hub that is also a folder here must not mean the folder
        try:
            answer, code = {"text": read_dataset(check_id(given.name), given.column)}, 0
        except errors.DemystifyError as problem:
            answer, code = problem.to_json(), 1
        os.chdir("/")
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(code)  # threads that still read ahead from the network would hold the process


if __name__ == "__main__":
    main()
