"""The models that runs have made, ready to write: what training leaves on the disk, read by the text engine.

It stands here, since neither of the two domains knows the other.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache

from common import errors, hardware
from common.text.engine import TextEngine
from common.text.engines.inprocess import InProcessEngine
from common.text.engines.process import ProcessEngine
from common.training.config import ScratchConfig
from common.training.runs import Run

_IDLE_SECONDS = 120.0
_MOST_OPEN = 3
_ENGINE = "common.text.engines.transformers_worker"


@lru_cache
def trained_models() -> TrainedModels:
    """Those of this app, for all its pages."""
    return TrainedModels()


class TrainedModels:
    """Models of runs and those they began with, each in a process of its own that ends when nobody writes with it.

    Where a GPU is lent for each call (ZeroGPU) they are in this process, since another one would have no GPU.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, ProcessEngine | InProcessEngine] = OrderedDict()

    async def engine(self, run: Run) -> TextEngine:
        """The run's model. Raises NotTrainedYet."""
        if not run.folder.has_model:
            raise errors.NotTrainedYet()
        context = run.config.shape.context if isinstance(run.config, ScratchConfig) else 0
        return await self._engine(str(run.folder.model), run.config.name, context)

    async def base(self, folder: str, title: str) -> TextEngine:
        """A model as it was before its training."""
        return await self._engine(folder, title, 0)

    async def close(self) -> None:
        """End all their processes."""
        while self._open:
            await self._open.popitem()[1].close()

    async def _engine(self, folder: str, name: str, context: int) -> TextEngine:
        """Raises QueueFull: there is no room for another, and somebody reads from each that is open."""
        engine = self._open.pop(folder, None)
        if engine is None:
            await self._make_room()
            options = {"name": name, "path": folder, "context": context, "threads": 1, "max_active": 8}
            if hardware.on_zerogpu():
                engine = InProcessEngine(options, name)
            else:
                engine = ProcessEngine(_ENGINE, options, name, idle_seconds=_IDLE_SECONDS)
        self._open[folder] = engine
        return engine

    async def _make_room(self) -> None:
        """Close the one that has not been asked for longest among those that write nothing now."""
        while len(self._open) >= _MOST_OPEN:
            idle = next((folder for folder, engine in self._open.items() if not engine.active), None)
            if idle is None:
                raise errors.QueueFull(waiting=sum(engine.active for engine in self._open.values()))
            await self._open.pop(idle).close()
