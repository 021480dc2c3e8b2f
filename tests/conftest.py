"""What all tests share: the settings of a machine without network, and the real embedded engine, started once."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ["DEMYSTIFY_OFFLINE"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# Several workers share the cores: threads that wait must sleep, and each worker computes on one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # or processes are started that import torch
os.environ["DEMYSTIFY_RUNS_DIR"] = tempfile.mkdtemp(prefix="demystify-runs-")

from common import catalog
from common.config import settings
from common.memory import settle
from common.text.engines.process import ProcessEngine
from common.text.models import Choice, build_engine
from tests.tiny_diffusion import build as build_tiny_diffusion
from tests.tiny_diffusion import build_checked as build_checked_diffusion
from tests.tiny_llama import build as build_tiny_llama

gc.disable()  # until all modules with tests are imported: what they import stays

# On a busy machine a pause in the middle of an example is no fault.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first, then those with real models, then those with a browser.

    Where several workers take a file at a time, files with real models come first: with the quick ones, which are left,
    the workers end at the same time.
    """
    items.sort(key=lambda item: ("browser" in item.path.parts, item.get_closest_marker("slow") is not None))
    if "PYTEST_XDIST_WORKER" in os.environ:
        long = {item.path for item in items if item.get_closest_marker("slow") is not None}
        items.sort(key=lambda item: ("browser" in item.path.parts, item.path not in long))


def pytest_collection_finish() -> None:
    """What was imported is there to the end: the garbage collector wakes, and passes over it."""
    settle()


@pytest.fixture(scope="session")
def tiny_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny, untrained Stable Diffusion model."""
    return build_tiny_diffusion(tmp_path_factory.mktemp("models") / "tiny-diffusion")


@pytest.fixture(scope="session")
def tiny_diffusion_hiding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a model with a safety checker that hides every picture."""
    return build_checked_diffusion(tmp_path_factory.mktemp("models") / "tiny-diffusion-hiding", hides=True)


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny, untrained chat model."""
    return build_tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def engine() -> Iterator[ProcessEngine]:
    """The embedded model on openvino-genai, as the app runs it. Usable from any event loop."""
    model = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    running = build_engine(Choice(model, "openvino"), settings())
    assert isinstance(running, ProcessEngine)
    running.start()
    yield running
    asyncio.run(running.close())
