"""Which translation models there are, which one translates a pair of languages, and each loaded once for everybody.

In order: the model a person configured (``DEMYSTIFY_TRANSLATOR``), one of the catalogue that is on this machine
already, the embedded models, and what the model hub has. Does not know how an engine works inside.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import catalog, errors, hardware
from common.catalog import Model
from common.config import Settings, settings
from common.memory import settle
from common.translation.codec import MANY, Codec, language_tokens, load_codec
from common.translation.convert import convert_apart
from common.translation.engine import Runner, TranslationEngine

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)
# What the embedded models know; a folder without an entry in the catalogue is taken to know the same.
EMBEDDED = ("sk", "cs", "de", "fr", "it", "en")
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Glass:
    """A model with its inside open: transformers, eager attention, float32.

    Attributes:
        model: a ``MarianMTModel`` or another encoder-decoder; one thread at a time may use it (``lock``).
        codec: text to tokens and back for this direction; ``codec.ids`` gives ids.
        name: the model's title.
        lock: held by whoever runs the model.
    """

    model: Any
    codec: Codec
    name: str
    lock: threading.Lock

    def encode(self, text: str) -> torch.Tensor:
        """Source token ids, (1, source)."""
        import torch

        unknown = self.codec.ids.get("<unk>", 0)
        return torch.tensor([[self.codec.ids.get(token, unknown) for token in self.codec.encode(text)]])

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The model for this thread alone, on one core.

        A step's matrices are small. Where others work too, sharing them between two cores takes several times as long,
        since each waits for the other at every layer.
        """
        import torch

        with self.lock:
            usual = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                yield
            finally:
                torch.set_num_threads(usual)


class TranslationModels:
    """The translation models of an app, shared by all visitors.

    Args:
        config: the settings; the process's own by default.
    """

    def __init__(self, config: Settings | None = None) -> None:
        self._config = config or settings()
        self._hub = False
        self._here: frozenset[str] | None = None  # ids of the hub's models whose files are on this machine
        self._own: Model | None = None  # the model a person configured
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[Any, threading.Lock]] = {}
        self._engines: dict[str, TranslationEngine] = {}
        self._codecs: dict[tuple[str, str, str], Codec] = {}

    def start(self, glass: bool = False) -> None:
        """Load the models that will be used first in the background; returns at once.

        Args:
            glass: also the one to look inside, which brings torch into this process (about 300 MB).
        """
        threading.Thread(target=self._start, args=(glass,), daemon=True, name="translation-models").start()

    def _start(self, glass: bool) -> None:
        self._hub = catalog.hub_reachable()
        try:
            for model in self.usable():
                if model.where != "hub":
                    self.engine(model).start()
            if glass:
                self.glass("sk", "en")
        except errors.DemystifyError as problem:
            log.error("%s", problem)
        settle()  # the libraries of the open model brought more objects than the page has

    def usable(self) -> tuple[Model, ...]:
        """The models that can be had now, the ones to prefer first."""
        if self._config.translator != AUTO:
            self._own = self._own or configured(self._config.translator)  # reads files that can be large
            return (self._own,)
        known = catalog.with_task("translation")
        if self._here is None:  # asks the disk a dozen times
            self._here = frozenset(model.id for model in known if not model.embedded and catalog.is_local(model))
        here = [model for model in known if model.id in self._here]
        embedded = [model for model in known if model.embedded]
        fetched = [model for model in known if self._hub and not model.embedded and model not in here]
        return (*here, *embedded, *fetched)

    def for_pair(self, source: str, target: str) -> tuple[Model, ...]:
        """The usable models for a direction, the one to prefer first; none when no model can do it."""
        return tuple(m for m in self.usable() if source != target and source in m.sources and target in m.targets)

    def languages(self) -> tuple[str, ...]:
        """Codes of all languages some usable model reads or writes: the embedded models' first."""
        found = {code for model in self.usable() for code in (*model.sources, *model.targets)}
        return (*(code for code in EMBEDDED if code in found), *sorted(found - set(EMBEDDED)))

    def find(self, source: str, target: str, name: str = AUTO) -> Model:
        """The model for a direction, by its id or the first that can do it.

        Raises:
            UnsupportedPair.
        """
        for model in self.for_pair(source, target):
            if name in (AUTO, model.id):
                return model
        raise errors.UnsupportedPair(source=source, target=target)

    def is_shared(self, model: Model, source: str, target: str) -> bool:
        """Whether the model is there for everybody: in memory, embedded, or what this direction takes by itself."""
        return model.embedded or model.id in self._engines or model.id == self.find(source, target).id

    def engine(self, model: Model) -> TranslationEngine:
        """The engine for a model; it loads with its first text, or when it is started."""
        with self._lock:
            if model.id not in self._engines:
                self._engines[model.id] = TranslationEngine(model.title, lambda: self._runner(model))
            return self._engines[model.id]

    def _runner(self, model: Model) -> Runner:
        free = hardware.free_memory_gb()
        if model.memory_mb / 1000 > free:
            raise errors.OutOfMemory(available=round(free, 1))
        folder = catalog.locate(model)
        self._here = None  # it has been fetched, if it was not here
        if hardware.has_nvidia_gpu():
            from common.translation.engines.transformers import TransformersRunner

            return TransformersRunner(folder)
        from common.translation.engines.ctranslate import CTranslateRunner

        return CTranslateRunner(convert_apart(folder), self._config.threads)

    def codec(self, model: Model, source: str, target: str) -> Codec:
        """The model's tokens for a direction.

        Raises:
            UnsupportedPair, ModelUnavailable.
        """
        key = (model.id, source, target)
        with self._lock:
            if key not in self._codecs:
                self._codecs[key] = load_codec(catalog.locate(model), source, target)
            return self._codecs[key]

    async def prepared(
        self, source: str, target: str, name: str = AUTO, check: Callable[[Model], None] = lambda model: None
    ) -> tuple[Model, Codec]:
        """``find`` and ``codec`` for an event loop, which waits for neither: at once when they have been asked before.

        Args:
            check: is shown the model before anything of it is opened; what it raises is raised.

        Raises:
            UnsupportedPair, ModelUnavailable.
        """
        known = self._here is not None or self._own is not None
        model = self.find(source, target, name) if known else await asyncio.to_thread(self.find, source, target, name)
        check(model)
        codec = self._codecs.get((model.id, source, target))
        if codec is None:
            codec = await asyncio.to_thread(self.codec, model, source, target)
        return model, codec

    def close(self) -> None:
        """End the engines' threads."""
        for engine in self._engines.values():
            engine.close()

    def glass(self, source: str, target: str, name: str = AUTO) -> Glass:
        """The model for a direction with its inside open; loaded on first use (seconds), then shared.

        Raises:
            UnsupportedPair, ModelUnavailable, OutOfMemory.
        """
        model = self.find(source, target, name)
        codec = self.codec(model, source, target)
        with self._lock:
            if model.id not in self._opened:
                self._opened[model.id] = (_open(model, catalog.locate(model)), threading.Lock())
            opened, lock = self._opened[model.id]
        return Glass(opened, codec, model.title, lock)


def configured(name: str) -> Model:
    """The translation model for a name a person gave: an id of the catalogue, or a folder in transformers format.

    Raises:
        UnknownModel: neither.
    """
    known = catalog.with_task("translation")
    for model in known:
        if model.id == name:
            return model
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        sources, targets = _languages_of(path)
        return Model(path.name, path.name, "translation", "file", folder=str(path), sources=sources, targets=targets)
    raise errors.UnknownModel(model=name, known=", ".join(model.id for model in known))


def _languages_of(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a folder's tokenizer says: the direction of an opus-mt model, or the languages that tokens are named after.

    M2M-100 and NLLB keep these tokens beside the vocabulary, in one of several files. Opus-mt and the embedded models
    name targets, and none where there is but one: English is taken to be on either side, too.
    """
    config, vocabulary = _read(folder / "tokenizer_config.json"), _read(folder / "vocab.json")
    tokens = {*vocabulary, *_read(folder / "added_tokens.json")}
    for part in (config, _read(folder / "special_tokens_map.json")):
        for name in ("additional_special_tokens", "extra_special_tokens"):
            tokens |= {_token(entry) for entry in part.get(name) or ()}
        tokens |= {_token(entry) for entry in part.get("added_tokens_decoder", {}).values()}
    named = tuple(token[2:-2] for token in vocabulary if re.fullmatch(r">>[a-z]{2}<<", token))
    if named:
        named = tuple(dict.fromkeys((*named, "en")))
    if not named and not (named := tuple(language_tokens(tokens))):  # the last file has megabytes
        tokens = {_token(entry) for entry in _read(folder / "tokenizer.json").get("added_tokens", ())}
        named = tuple(language_tokens(tokens))
    if not named and str(config.get("tokenizer_class")).startswith("M2M100Tokenizer"):  # adds the tokens itself
        named = MANY
    source, target = config.get("source_lang"), config.get("target_lang")
    return (source,) if source in EMBEDDED else named or EMBEDDED, (
        target,
    ) if target in EMBEDDED else named or EMBEDDED


def _read(path: Path) -> dict[str, Any]:
    """A file of a tokenizer, empty where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(entry: Any) -> str:
    """A token that stands by itself or among what is special about it."""
    return str(entry.get("content") if isinstance(entry, dict) else entry)


def _open(model: Model, folder: Path) -> Any:
    """The transformers model. Attention weights exist only with the eager implementation."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    free = hardware.free_memory_gb()
    if model.memory_mb / 1000 > free:
        raise errors.OutOfMemory(available=round(free, 1))
    try:
        opened = AutoModelForSeq2SeqLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=model.id, reason=errors.Phrase("files_unreadable")) from problem
    return opened.eval()
