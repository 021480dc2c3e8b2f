"""Which diffusion models there are, and each loaded once for everybody.

In order: the model a person configured (``DEMYSTIFY_IMAGE_MODEL``); with a GPU one of the catalogue that is on this
machine; the embedded model; what the model hub has. Beside the embedded model, one other stays in memory.
"""

from __future__ import annotations

import gc
import json
import logging
import threading
from pathlib import Path

from common import catalog, errors, hardware
from common.catalog import Model
from common.config import Settings, settings
from common.diffusion.engine import DiffusionEngine
from common.diffusion.opened import open_model

log = logging.getLogger(__name__)
AUTO = "auto"
# Where a folder of one's own may have a tiny autoencoder beside the full one.
_TINY = "tiny_vae"


class DiffusionModels:
    """The diffusion models of an app, shared by all visitors.

    Args:
        config: the settings; the process's own by default.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self._config = config or settings()
        self._hub = False
        self._lock = threading.Lock()
        self._engines: dict[str, DiffusionEngine] = {}

    def start(self) -> None:
        """Load the model that will be used first in the background; returns at once."""
        threading.Thread(target=self._start, daemon=True, name="diffusion-models").start()

    def _start(self) -> None:
        self._hub = catalog.hub_reachable()
        try:
            self.engine().start()
        except errors.DemystifyError as problem:
            log.error("%s", problem)

    def usable(self) -> tuple[Model, ...]:
        """The models that can be had now, the one to prefer first. Raises UnknownModel, from the settings."""
        if self._config.image_model != AUTO:
            return (configured(self._config.image_model),)
        known = catalog.with_task("image")
        embedded = [model for model in known if model.embedded and catalog.has_files(model)]
        here = [model for model in known if not model.embedded and catalog.is_local(model)]
        fetched = [model for model in known if self._hub and not model.embedded and model not in here]
        first, then = (here, embedded) if hardware.has_nvidia_gpu() else (embedded, here)
        return (*first, *then, *fetched)

    def find(self, name: str = AUTO) -> Model:
        """A usable model by its id, or the one to prefer.

        Raises:
            UnknownModel: it is not in the list.
            ModelUnavailable: there is none at all.
        """
        usable = self.usable()
        for model in usable:
            if name in (AUTO, model.id):
                return model
        if not usable:
            raise errors.ModelUnavailable(model="emoji-diffusion", reason=errors.Phrase("files_missing"))
        raise errors.UnknownModel(model=name, known=", ".join(model.id for model in usable))

    def engine(self, name: str = AUTO) -> DiffusionEngine:
        """The engine for a model; it loads with its first picture, or when it is started.

        Another large model that nobody waits for is let go of: ask for an engine only when something is to be drawn.

        Raises:
            UnknownModel, ModelUnavailable.
        """
        model = self.find(name)
        with self._lock:
            if model.id not in self._engines:
                for other in self._in_its_place(model):
                    if not self._engines[other].active and not self._engines[other].loading:
                        self._engines.pop(other).close()
                gc.collect()
                self._engines[model.id] = DiffusionEngine(model.title, lambda: open_model(model))
            return self._engines[model.id]

    def is_shared(self, name: str = AUTO) -> bool:
        """Whether the model is there for everybody anyway: nothing has to be let go of for it that others may want.

        That is one in memory, the embedded one, and the one that all pages draw with unless another is chosen.

        Raises:
            UnknownModel, ModelUnavailable.
        """
        model = self.find(name)
        return model.embedded or model.id in self._engines or model.id == self.find().id

    def held(self, name: str = AUTO) -> DiffusionEngine | None:
        """The engine for a model that somebody has already drawn with or that was started; changes nothing.

        Raises:
            UnknownModel, ModelUnavailable.
        """
        return self._engines.get(self.find(name).id)

    def beside_others(self, name: str = AUTO) -> DiffusionEngine | None:
        """The engine for a model like ``engine``, but None where another one would have to go.

        Raises:
            UnknownModel, ModelUnavailable.
        """
        model = self.find(name)
        if model.id not in self._engines and self._in_its_place(model):
            return None
        return self.engine(model.id)

    def _in_its_place(self, wanted: Model) -> list[str]:
        """The other large models that are held: there is room for one."""
        if wanted.embedded:
            return []
        known = {model.id: model for model in self.usable()}
        return [name for name in self._engines if not (name in known and known[name].embedded)]

    def close(self) -> None:
        """End the engines' threads and let go of their models."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()


def configured(name: str) -> Model:
    """The diffusion model for a name a person gave: an id of the catalogue, or a folder that diffusers reads.

    Raises:
        UnknownModel: neither.
    """
    known = catalog.with_task("image")
    for model in known:
        if model.id == name:
            return model
    path = Path(name).expanduser()
    if (path / "model_index.json").is_file():
        size, tiny = _trained_size(path), _TINY if (path / _TINY / "config.json").is_file() else ""
        return Model(path.name, path.name, "image", "file", folder=str(path), size=size, decoder=tiny)
    raise errors.UnknownModel(model=name, known=", ".join(model.id for model in known))


def _trained_size(folder: Path) -> int:
    """The pixels of a folder's pictures, from its configuration. Raises UnknownModel where that is no such folder."""
    try:
        network = next(place for name in ("unet", "transformer") if (place := folder / name / "config.json").is_file())
        latent = int(json.loads(network.read_text(encoding="utf-8"))["sample_size"])
        vae = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))
        halvings = len(vae["block_out_channels"]) - 1
        return latent << halvings
    except (StopIteration, OSError, ValueError, KeyError, TypeError) as problem:
        known = ", ".join(model.id for model in catalog.with_task("image"))
        raise errors.UnknownModel(model=folder.name, known=known) from problem
