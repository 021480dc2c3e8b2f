"""From a visitor's file to text to train on: documents as they are, tables by their column of text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common import errors
from common.config import settings
from common.documents import take_upload
from common.documents.plain import decode
from common.documents.read import display_name

KINDS = (".txt", ".md", ".csv", ".jsonl", ".pdf")
_COLUMN = "text"


def read_upload(path: Path) -> str:
    """The file's text; the file is deleted. Blocks for up to some seconds: call it in a thread.

    A CSV or JSONL gives its column ``text``, one row a line.

    Raises:
        UnsupportedDocument, DocumentTooLarge, DocumentNotText and others: see ``documents.read_document``.
        MissingColumn: the table has no column ``text``.
    """
    name, kind = display_name(path.name), path.suffix.lower()
    if kind == ".pdf":
        return "\n".join(paragraph.text for paragraph in take_upload(path).paragraphs)
    text = take_text(path, KINDS)
    if kind in (".csv", ".jsonl"):
        return "\n".join(_column(read_table(text, kind, name), name))
    return text


def take_text(path: Path, kinds: tuple[str, ...]) -> str:
    """What is in a file of text, which is deleted.

    Raises:
        UnsupportedDocument: its name ends with none of ``kinds``.
        DocumentTooLarge, DocumentNotText, UploadGone.
    """
    name = display_name(path.name)
    try:
        if path.suffix.lower() not in kinds:
            raise errors.UnsupportedDocument(name=name)
        limit = settings().max_upload_mb
        if path.stat().st_size > limit * 1_000_000:
            raise errors.DocumentTooLarge(name=name, size=round(path.stat().st_size / 1e6), limit=limit)
        return decode(path.read_bytes(), name)
    except FileNotFoundError as problem:
        raise errors.UploadGone(name=name) from problem
    finally:
        path.unlink(missing_ok=True)


def read_table(text: str, kind: str, name: str) -> list[dict[str, Any]]:
    """The rows of a table, each by its columns' names; of JSONL also rows that are no records, as ones without columns.

    Args:
        kind: ".csv" or ".jsonl".
        name: for the error.

    Raises:
        DocumentBroken.
    """
    try:
        if kind == ".csv":
            return list(csv.DictReader(io.StringIO(text)))
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (csv.Error, ValueError, RecursionError) as problem:
        raise errors.DocumentBroken(name=name, kind=kind[1:].upper()) from problem
    return [row if isinstance(row, dict) else {} for row in rows]


def listed(names: Iterable[object]) -> str:
    """Names of columns for a sentence: the first eight."""
    return ", ".join(display_name(str(name)) for name in list(names)[:8]) or "–"


def _column(rows: list[dict[str, Any]], name: str) -> list[str]:
    for row in rows:
        if not isinstance(row.get(_COLUMN, 0), str | None):
            raise errors.MissingColumn(name=name, wanted=_COLUMN, found=listed(row))
    return [row[_COLUMN] or "" for row in rows]
