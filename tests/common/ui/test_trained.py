"""Models of runs that are open at the same time: the idle one that waited longest makes room, never one at work."""

from __future__ import annotations

import asyncio

import pytest

from common import errors
from common.text.engines.inprocess import InProcessEngine
from common.text.engines.process import ProcessEngine
from common.ui.trained import TrainedModels


def test_only_an_idle_model_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    busy: set[ProcessEngine] = set()
    monkeypatch.setattr(ProcessEngine, "active", property(lambda engine: int(engine in busy)))
    models = TrainedModels()

    async def visits() -> None:
        first, second, _ = [await models.base(folder, folder) for folder in "abc"]
        assert isinstance(first, ProcessEngine) and isinstance(second, ProcessEngine)
        assert await models.base("a", "a") is first
        busy.add(second)  # now the one that waited longest, but somebody reads from it
        await models.base("d", "d")
        assert await models.base("b", "b") is second and await models.base("a", "a") is first
        assert "c" not in models._open
        busy.update(engine for engine in models._open.values())
        with pytest.raises(errors.QueueFull, match="3 at the moment"):
            await models.base("e", "e")
        assert await models.base("a", "a") is first
        busy.clear()
        await models.base("e", "e")
        assert len(models._open) == 3

    asyncio.run(visits())


def test_on_a_lent_gpu_models_stay_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process would have no GPU."""
    monkeypatch.setattr(InProcessEngine, "_load", lambda engine: None)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    models = TrainedModels()
    assert isinstance(asyncio.run(models.base("a", "a")), InProcessEngine)
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert isinstance(asyncio.run(models.base("b", "b")), ProcessEngine)
