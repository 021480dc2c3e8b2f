"""All measurements one after the other, their tables put into the README. Nothing else should run meanwhile."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.tables import RESULTS

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = (
    "one_stream",
    "room",
    "use_cases",
    "startup",
    "batch_determinism",
    "tool_calls",
    "retrieval_reference",
    "translate",
    "diffusion",
    "large_diffusion",
    "train_estimate",
    "train_memory",
    "train_finetune",
    "gpu_streams",
    "gpu_diffusion",
    "gpu_training",
)
# What gpu_training writes: a table for each of its parts.
GPU_TABLES = ("gpu_pretraining", "gpu_finetuning", "gpu_memory")
# Needs a folder of data on its command line, or Chromium; run by hand, its table is kept like the others.
BY_HAND = ("front_page", "summaries", "retrieval", "train_scratch")
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def into_readme() -> None:
    """The kept tables between the two marks."""
    tables = [
        path.read_text(encoding="utf-8")
        for name in (*SCRIPTS, *GPU_TABLES, *BY_HAND)
        if (path := RESULTS / f"{name}.md").exists()
    ]
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text("\n".join([f"{before}{BEGIN}", "", *tables, f"{END}{after}"]), encoding="utf-8")


def main() -> None:
    failed = []
    for name in SCRIPTS:
        print(f"\n== {name} ({datetime.now(UTC):%H:%M} UTC)", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=ROOT, check=False).returncode:
            failed.append(name)
    into_readme()
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
