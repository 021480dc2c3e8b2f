"""PDF, DOCX and HTML are read in a process of their own, with an end to its time and its memory.

Their libraries follow what a file says, and a hostile one says "for ever" or "everything". Such a file ends this
process; the app lives on and has a sentence. Plain text needs none of it: reading it takes as long as it is large.

The file goes to the process by its standard input, and the document comes back as JSON, so that nothing a file can do
there is ever run here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import errors
from common.config import settings
from common.documents.document import Document, Paragraph
from common.errors import Phrase

# A thousand pages of text take some 20 seconds and 300 MB.
SECONDS, MEGABYTES = 60.0, 1500
_AT_ONCE = threading.BoundedSemaphore(2)
_LIMITS = ("max_document_pages", "max_document_chars", "max_unpacked_mb")


def read_apart(kind: str, data: bytes, name: str) -> Document:
    """The document, read by a process that ends with it. Blocks for ``SECONDS`` at most, and for those before it.

    Args:
        kind: "pdf", "docx" or "html".
        data: the file.
        name: its name for people.

    Raises:
        The errors of the readers; DocumentTooLong: too much time or memory; DocumentBroken: its reader died.
    """
    config = settings()
    task = {"kind": kind, "name": name, "megabytes": MEGABYTES, **{limit: getattr(config, limit) for limit in _LIMITS}}
    command = [sys.executable, "-m", "common.documents.child", json.dumps(task)]
    root = Path(__file__).resolve().parents[2]
    with _AT_ONCE:
        try:
            done = subprocess.run(command, input=data, cwd=root, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:  # it has been killed
            reason = Phrase("document_seconds", seconds=round(SECONDS))
            raise errors.DocumentTooLong(name=name, reason=reason) from None
    if done.returncode:
        raise errors.DocumentBroken(name=name, kind=kind.upper())
    answer = json.loads(done.stdout)
    if "problem" in answer:
        raise errors.from_json(answer["problem"])
    paragraphs = tuple(Paragraph(**values) for values in answer.pop("paragraphs"))
    return Document(paragraphs=paragraphs, **answer)


def _work(task: dict[str, Any], data: bytes) -> dict[str, Any]:
    """What the process answers."""
    from common.documents.read import reader

    for limit in _LIMITS:
        setattr(settings(), limit, task[limit])
    name = task["name"]
    try:
        return asdict(reader(task["kind"])(data, name))
    except MemoryError:
        pass
    except errors.DemystifyError as problem:
        if not isinstance(problem.__cause__, MemoryError):
            return {"problem": problem.to_json()}
    reason = Phrase("document_memory", limit=task["megabytes"])
    return {"problem": errors.DocumentTooLong(name=name, reason=reason).to_json()}


def _limit_memory(megabytes: int) -> None:
    """Where the system can: not on Windows."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1_000_000,) * 2)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    _limit_memory(given["megabytes"])
    sys.stdout.buffer.write(json.dumps(_work(given, sys.stdin.buffer.read())).encode())
