"""How a run's process is started: alone, or by accelerate on several GPUs or with a config of its own.

Knows nothing about the line of runs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from common.config import Settings, settings
from common.training.folder import RunFolder

_ROOT = Path(__file__).resolve().parents[2]


def cores(config: Settings) -> int:
    """Processor cores for one run."""
    import psutil

    return max(1, (config.threads or psutil.cpu_count(logical=False) or 1) // config.max_runs)


def command(folder: RunFolder, accelerate_config: str = "") -> list[str]:
    """What to start.

    Args:
        folder: the run's.
        accelerate_config: a config file of accelerate, for other ways to share out the work.
    """
    script = ["-m", "common.training.run", str(folder.path)]
    cards = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
    launch = [sys.executable, "-m", "accelerate.commands.launch"]
    if accelerate_config:
        return [*launch, "--config_file", str(Path(accelerate_config).resolve()), *script]
    if cards > 1:
        return [*launch, "--num_processes", str(cards), *script]
    return [sys.executable, *script]


def environment(cores: int = 1, kind: str = "") -> dict[str, str]:
    """The variables to start it with: its share of the cores, and threads that soon wait asleep for the page's sake.

    A thread that waits for the others stays awake for a tenth of a millisecond, and not for ten, as is usual: where
    others want the cores, it would keep them from who it waits for. A run from scratch, whose operations are short,
    finds out whether others do (``threads``) and may stay awake for one. What torch compiles is kept, so that only the
    first run with a shape waits for the compiler.

    Args:
        cores: threads it computes with.
        kind: of the run.
    """
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(settings().cache_dir / "compiled"),
        **os.environ,
        "OMP_NUM_THREADS": str(cores),
        "GOMP_SPINCOUNT": "30000" if kind == "scratch" else "3000",
        "PYTHONPATH": str(_ROOT),
        "TOKENIZERS_PARALLELISM": "false",
    }
