"""The very small model of ``tiny.py``, written once, and a runner for it. Torch is loaded when a test asks for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from common.text.engines.loading import LoadedModel


@pytest.fixture(scope="session")
def chat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a chat template."""
    from tests.common.text import tiny

    return tiny.write_folder(tmp_path_factory.mktemp("tiny-chat"), chat=True)


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder without a chat template."""
    from tests.common.text import tiny

    return tiny.write_folder(tmp_path_factory.mktemp("tiny-base"), chat=False)


def options(folder: Path, **more: Any) -> dict[str, Any]:
    """Options of the transformers worker that make results exact."""
    return {"name": "tiny", "path": str(folder), "device": "cpu", "dtype": "float32", "threads": 1, **more}


@pytest.fixture(scope="session")
def loaded(chat_folder: Path) -> LoadedModel:
    """The model with the chat template, loaded in this process."""
    from common.text.engines.loading import load

    return load(options(chat_folder))
