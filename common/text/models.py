"""Which model answers here, and which engine runs it: chosen once, from the settings and the machine.

With nothing configured: a GPU gets the catalogue's GPU model, a CPU gets the embedded one at once; when the model hub
answers, the catalogue's larger CPU model is fetched in the background and takes over once it has loaded. Anything a
person configures is used as it is, or fails with its reason. Does not know how engines work inside.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import threading
from dataclasses import dataclass
from typing import Literal, cast

from common import catalog, errors, hardware
from common.catalog import Model
from common.config import Settings, settings
from common.text.engine import GlassBox, TextEngine
from common.text.engines.process import ProcessEngine

log = logging.getLogger(__name__)

Place = Literal["cpu", "gpu", "zerogpu", "remote"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A model (None for a remote server's own) and the engine for it."""

    model: Model | None
    engine: Literal["openvino", "transformers", "remote"]


def choose(config: Settings) -> Choice:
    """The model and engine for these settings on this machine.

    Raises:
        UnknownModel, MissingPart.
    """
    if config.engine == "remote" or (config.engine == "auto" and (config.remote_url or config.remote_provider)):
        return Choice(None, "remote")
    if config.model != "auto":
        model = catalog.find(config.model)
    elif hardware.has_nvidia_gpu():
        model = _default_on("cuda")
        if not (catalog.is_local(model) or catalog.hub_reachable()):
            model = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    else:
        model = _default_on("cpu")
        if not catalog.is_local(model):
            model = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    return Choice(model, _engine_for(model, config))


def _default_on(place: str) -> Model:
    return next(model for model in catalog.entries() if model.default_on == place)


def _engine_for(model: Model, config: Settings) -> Literal["openvino", "transformers"]:
    if config.engine == "openvino":
        if not model.gguf:
            raise errors.NotSupported(what=errors.Phrase("gguf_only", model=model.id))
        if importlib.util.find_spec("openvino_genai") is None:
            raise errors.MissingPart(package="openvino-genai", command="pip install openvino-genai")
        return "openvino"
    if config.engine == "transformers" or not model.gguf or hardware.has_nvidia_gpu():
        return "transformers"
    return "openvino" if importlib.util.find_spec("openvino_genai") is not None else "transformers"


def build_engine(choice: Choice, config: Settings) -> TextEngine:
    """The engine for a choice, not yet started. Files are fetched here when they are not on this machine.

    Raises:
        ModelUnavailable, OutOfMemory.
    """
    if choice.model is None:
        from common.text.engines.remote import RemoteEngine

        return RemoteEngine(config)
    model = choice.model
    path = str(catalog.locate(model))
    free = hardware.free_memory_gb()
    if model.memory_mb / 1000 > free:
        raise errors.OutOfMemory(available=round(free, 1))
    options = {
        "name": model.id,
        "path": path,
        "context": model.context,
        "threads": config.threads,
        "max_active": config.max_active,
        "kv_cache_tokens": config.kv_cache_tokens,
    }
    if choice.engine == "openvino":
        options["reproducible"] = config.reproducible
        return ProcessEngine("common.text.engines.openvino_worker", options, model.id)
    if hardware.on_zerogpu():
        from common.text.engines.inprocess import InProcessEngine

        return InProcessEngine(options, model.id)
    return ProcessEngine("common.text.engines.transformers_worker", options, model.id)


class TextModels:
    """The text model of an app: one engine for all visitors, and the glass box beside it.

    Args:
        config: the settings; the process's own by default.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self._config = config or settings()
        self._lock = threading.Lock()
        self._choice: Choice | None = None
        self._engine: TextEngine | None = None
        self._glass: ProcessEngine | None = None
        self._fetching = ""

    def start(self) -> None:
        """Begin to load the model; returns at once. What goes wrong is said to whoever asks for the engine."""
        threading.Thread(target=self._start, daemon=True, name="text-model").start()

    def _start(self) -> None:
        try:
            engine = self.engine()
        except errors.DemystifyError as problem:
            log.error("%s", problem)
            return
        if isinstance(engine, ProcessEngine):
            engine.start()
        self._fetch_larger()

    def engine(self) -> TextEngine:
        """The engine in use. Raises UnknownModel, ModelUnavailable, OutOfMemory, MissingPart."""
        with self._lock:
            if self._engine is None:
                self._choice = choose(self._config)
                self._engine = build_engine(self._choice, self._config)
            return self._engine

    def glass_box(self) -> GlassBox:
        """The same model with its inside open: the engine itself, or a second process that ends when idle.

        Raises:
            NotSupported: the model runs on a remote server.
        """
        engine = self.engine()
        with self._lock:
            choice = cast(Choice, self._choice)
            if choice.engine == "transformers":
                return cast(GlassBox, engine)
            if choice.model is None:
                raise errors.NotSupported(what=errors.Phrase("look_inside"))
            if self._glass is None or self._glass.name != choice.model.id:
                options = {
                    "name": choice.model.id,
                    "path": str(catalog.locate(choice.model)),
                    "context": choice.model.context,
                    "threads": self._config.threads,
                    "max_active": 1,
                    "compact": True,
                }
                self._glass = ProcessEngine(
                    "common.text.engines.transformers_worker",
                    options,
                    choice.model.id,
                    idle_seconds=self._config.inspect_idle,
                )
            return cast(GlassBox, self._glass)

    @property
    def fetching(self) -> str:
        """Title of the model that is being fetched in the background, or nothing."""
        return self._fetching

    def _fetch_larger(self) -> None:
        """On a CPU with the hub in reach: fetch the larger model, load it, and let it take over."""
        choice = self._choice
        automatic = self._config.model == "auto" and self._config.engine in ("auto", "openvino")
        if not automatic or choice is None or choice.engine != "openvino" or choice.model is None:
            return
        larger = _default_on("cpu")
        room = hardware.free_memory_gb() > 2 * larger.memory_mb / 1000
        if choice.model.id == larger.id or not room or not catalog.hub_reachable():
            return
        self._fetching = larger.title
        try:
            next_choice = Choice(larger, "openvino")
            engine = build_engine(next_choice, self._config)
            asyncio.run(engine.info())
        except errors.DemystifyError as problem:
            log.warning("the larger model stays away: %s", problem)
            return
        finally:
            self._fetching = ""
        with self._lock:
            old, self._engine, self._choice = cast(ProcessEngine, self._engine), engine, next_choice
        while old.active:
            threading.Event().wait(1.0)
        asyncio.run(old.close())

    async def close(self) -> None:
        """End all processes."""
        for engine in (self._engine, self._glass):
            if engine is not None:
                await engine.close()
