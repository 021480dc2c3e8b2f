"""What the measurements share: the machine in one line, percentiles, and a table that prints and is kept.

Every script prints a Markdown table and writes it to ``bench/results/<name>.md``; ``run_all.py`` puts them into the
README. Knows nothing about what is measured.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from common import hardware

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> str:
    """Processor, cores and system, such as stands above every table."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
        flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        flags = ""
    extensions = [
        name
        for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
        if f" {name} " in f"{flags} "
    ]
    return f"{model}, {hardware.cores()} cores ({', '.join(extensions) or 'no vector extensions named'})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def report(
    name: str, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> None:
    """Print a table with its title and notes, and keep it for the README."""
    lines = [f"**{title}**", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *(f"{note}  " for note in notes)] if notes else []
    text = "\n".join(lines).rstrip() + "\n"
    print(text, flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
