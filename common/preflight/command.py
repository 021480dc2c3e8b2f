"""``python -m common preflight``: every check as a line; the exit status says whether something will fail."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging

from common.config import settings
from common.preflight.finding import Finding
from common.preflight.generations import Services
from common.preflight.run import preflight

_SIGNS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="print one JSON document, for scripts")


def run(options: argparse.Namespace) -> int:
    """Do it; 0 when nothing is a problem, else 1."""
    logging.basicConfig(level=logging.ERROR)
    found = asyncio.run(_look(quiet=options.json))
    ready = all(finding.level != "problem" for finding in found)
    if options.json:
        print(json.dumps({"ready": ready, "findings": [finding.to_json() for finding in found]}, indent=1))
    else:
        problems = sum(finding.level == "problem" for finding in found)
        print("ready" if ready else f"not ready: {problems} problem{'s' if problems > 1 else ''}")
    return 0 if ready else 1


async def _look(quiet: bool) -> list[Finding]:
    found = []
    async with Services.opened(settings()) as services:
        async for finding in preflight(services):
            found.append(finding)
            if not quiet:
                print(_line(finding), flush=True)
    return found


def _line(finding: Finding) -> str:
    line = f"{_SIGNS[finding.level]}  {finding.check}: {finding.detail} [{finding.seconds:.1f} s]"
    return f"{line}\n         → {finding.advice}" if finding.advice else line
