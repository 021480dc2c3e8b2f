"""Our own modules run in processes of their own, which are gone afterwards with all their memory.

Knows nothing about what they do: a module to run has a ``main`` that reads its arguments and says JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import errors

ROOT = Path(__file__).resolve().parents[1]


async def ask_module(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    died: type[errors.DemystifyError] = errors.DemystifyError,
) -> dict[str, Any]:
    """What a module answers: the JSON object that is its last line. Its process ends when the caller is cancelled.

    Args:
        module: such as ``common.text.families``; an error that it meets is its answer, with a code that is not 0.
        environment: its variables; ours if None.
        died: what to raise when there is no answer, as when the system killed it for its memory.

    Raises:
        DemystifyError: the module's own, or ``died``.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    last = said.decode().strip().split("\n")[-1]
    if not last.startswith("{"):
        raise died()
    answer: dict[str, Any] = json.loads(last)
    if process.returncode:
        raise errors.from_json(answer)
    return answer


def run_module(module: str, *arguments: str) -> int:
    """Run a module to its end; what it says goes to our standard error. Returns its exit code."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
