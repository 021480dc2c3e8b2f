"""From a visitor's file to text to train on: documents as they are, tables by their column of text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

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
    try:
        if kind not in KINDS:
            raise errors.UnsupportedDocument(name=name)
        limit = settings().max_upload_mb
        if path.stat().st_size > limit * 1_000_000:
            raise errors.DocumentTooLarge(name=name, size=round(path.stat().st_size / 1e6), limit=limit)
        text = decode(path.read_bytes(), name)
    except FileNotFoundError as problem:
        raise errors.UploadGone(name=name) from problem
    finally:
        path.unlink(missing_ok=True)
    if kind in (".csv", ".jsonl"):
        return "\n".join(_csv_rows(text, name) if kind == ".csv" else _jsonl_rows(text, name))
    return text


def _csv_rows(text: str, name: str) -> list[str]:
    rows = csv.DictReader(io.StringIO(text))
    found = rows.fieldnames or []
    if _COLUMN not in found:
        raise errors.MissingColumn(name=name, wanted=_COLUMN, found=_listed(found))
    try:
        return [row[_COLUMN] or "" for row in rows]
    except csv.Error as problem:
        raise errors.DocumentBroken(name=name, kind="CSV") from problem


def _jsonl_rows(text: str, name: str) -> list[str]:
    rows: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        try:
            record = json.loads(line)
        except ValueError as problem:
            raise errors.DocumentBroken(name=name, kind="JSONL") from problem
        if not isinstance(record, dict) or not isinstance(record.get(_COLUMN), str):
            found = list(record) if isinstance(record, dict) else []
            raise errors.MissingColumn(name=name, wanted=_COLUMN, found=_listed(found))
        rows.append(record[_COLUMN])
    return rows


def _listed(names: object) -> str:
    return ", ".join(display_name(str(name)) for name in list(names)[:8]) or "–"  # type: ignore[call-overload]
