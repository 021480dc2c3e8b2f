"""A running engine on the tiny model, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.diffusion.engine import DiffusionEngine
from common.diffusion.models import configured
from common.diffusion.opened import Opened, open_model


@pytest.fixture(scope="session")
def tiny_opened(tiny_diffusion: Path) -> Opened:
    """The tiny model, loaded."""
    return open_model(configured(str(tiny_diffusion)))


@pytest.fixture(scope="session")
def tiny_engine(tiny_opened: Opened) -> Iterator[DiffusionEngine]:
    """An engine on it that takes five requests at most."""
    engine = DiffusionEngine("tiny", lambda: tiny_opened, most=5)
    engine.opened()
    yield engine
    engine.close()
