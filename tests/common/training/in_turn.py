"""Runs one after the other in the same processes, started as one is: ``… -m tests.common.training.in_turn FOLDER…``."""

from __future__ import annotations

import sys

from common.training.run import main

if __name__ == "__main__":
    raise SystemExit(max(main(path, alone=True) for path in sys.argv[1:]))
