"""The model catalogue, and how a model's name becomes files on disk.

A name is a catalogue id, a folder in transformers format, a ``.gguf`` file, or a hub id ``owner/name``. Fetching goes
through ``huggingface_hub`` and its cache. Knows nothing about engines or pages.

Tokenizers and translation models are entries too, but ``find`` looks for chat models only; ``with_task`` lists them.
"""

from __future__ import annotations

import importlib.util
import socket
import tomllib
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from common import errors
from common.config import settings
from common.errors import Phrase
from common.hub_files import fetch, here, safe_folder

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED_CHAT_MODEL = "smollm2-135m-instruct"
# Models whose weights are not one network's in one folder.
_PARTS = ("image", "image-part")
# In the name of a file with weights of 16 bits, where the one of 32 has the plain name.
_HALF = ".fp16"
_DOUBLES = ("*.bf16.*", "*non_ema*")


@dataclass(frozen=True, slots=True)
class Model:
    """One entry. Sizes in MB (10^6 bytes), ``context`` in tokens; see the head of catalog.toml.

    ``sources`` and ``targets`` are the languages (ISO 639-1) that a translation model reads and writes. ``size`` is the
    edge in pixels that a diffusion model was trained with; ``steps`` and ``guidance`` suit it (0, None: the usual
    ones); ``decoder`` is a tiny autoencoder for its latents, a hub id or a folder within the model's own; ``adapter`` a
    LoRA to put into it, a hub id or a folder of ``models``; ``base`` is the id of the model that an adapter belongs to,
    ``architecture`` what a family's member is: encoder, decoder, or both.
    """

    id: str
    title: str
    task: str
    where: str
    licence: str = ""
    parameters: int = 0
    size_mb: int = 0
    memory_mb: int = 0
    context: int = 0
    repo: str = ""
    gguf: str = ""
    package: str = ""
    folder: str = ""
    embedded: bool = False
    default_on: str = ""
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    size: int = 0
    steps: int = 0
    guidance: float | None = None
    decoder: str = ""
    adapter: str = ""
    base: str = ""
    architecture: str = ""

    @property
    def file(self) -> str:
        """The one file that matters where there is one; the other models are whole folders."""
        return self.gguf or ("tokenizer.json" if self.task == "tokenizer" else "")


@lru_cache
def entries() -> tuple[Model, ...]:
    """All catalogue entries, in the order of the file."""
    with (Path(__file__).parent / "catalog.toml").open("rb") as file:
        rows: list[dict[str, Any]] = tomllib.load(file)["model"]
    for row in rows:
        row.update({name: tuple(row[name]) for name in ("sources", "targets") if name in row})
    return tuple(Model(**row) for row in rows)


def with_task(task: str) -> tuple[Model, ...]:
    """The entries for one task."""
    return tuple(model for model in entries() if model.task == task)


def find(name: str) -> Model:
    """The entry for a model's name of any kind (see the head of this module).

    Raises:
        UnknownModel: no entry, no such folder or file, and not shaped like a hub id.
    """
    for model in entries():
        if model.id == name and model.task == "chat":
            return model
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return Model(id=path.stem, title=path.stem, task="chat", where="file", gguf=path.name, folder=str(path.parent))
    if (path / "config.json").is_file():
        return Model(id=path.name, title=path.name, task="chat", where="file", folder=str(path))
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and all(name.split("/")):
        return Model(id=name, title=name, task="chat", where="hub", repo=name)
    raise errors.UnknownModel(model=name, known=", ".join(model.id for model in entries() if model.task == "chat"))


def continues(folder: Path) -> bool:
    """Whether the model in this folder, in transformers format, has no chat template: it goes on with a text only."""
    settings = folder / "tokenizer_config.json"
    if not (folder / "config.json").is_file() or (folder / "chat_template.jinja").exists():
        return False
    return not settings.is_file() or '"chat_template"' not in settings.read_text("utf-8")


def locate(model: Model) -> Path:
    """The GGUF file, the ``tokenizer.json``, or the folder in transformers format; fetched when it is not here yet.

    Weights that are in torch's own format alone are converted to safetensors first.

    Raises:
        ModelUnavailable: the package is not installed, the hub cannot be reached, or it has no such model; or there is
            no way to safetensors.
        OutOfMemory: there is not enough for converting.
    """
    if model.where == "package":
        spec = importlib.util.find_spec(model.package)  # finds the file without running the package
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent / model.folder / model.gguf
        if beside(model).exists():
            return beside(model)
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("package_missing", package=model.package))
    if model.where == "models":
        return ROOT / "models" / model.folder / model.file
    if model.where == "file":
        path = Path(model.folder) / model.file
        return path if model.file or model.task in _PARTS else safe_folder(path)
    return _fetch(model)


def locate_adapter(model: Model) -> Path:
    """The folder of the LoRA that the entry puts into its model; fetched when it is not here yet.

    Raises:
        ModelUnavailable: as ``locate``.
    """
    if model.where == "models":
        return ROOT / "models" / model.adapter
    return locate(Model(model.adapter, model.adapter, "image-part", "hub", repo=model.adapter))


def locate_decoder(model: Model) -> Path:
    """The folder of the tiny autoencoder for the model's latents; fetched when it is not here yet.

    Raises:
        ModelUnavailable: as ``locate``.
    """
    if model.where == "file":
        return Path(model.folder) / model.decoder
    return locate(Model(model.decoder, model.decoder, "image-part", "hub", repo=model.decoder))


def has_files(model: Model) -> bool:
    """Whether the files of an embedded model are here, those of its LoRA included. Raises ModelUnavailable."""
    return locate(model).exists() and (not model.adapter or locate_adapter(model).exists())


def without_adapter(model: Model) -> Model:
    """The entry of the same files without the LoRA; the model itself when it has none."""
    return next((entry for entry in entries() if model.adapter and entry.id == model.base), model)


def beside(model: Model) -> Path:
    """Where a published Space has the files that come from a package here: it cannot install one without the rest."""
    return ROOT / "models" / model.package / model.folder / model.file


def _fetch(model: Model) -> Path:
    import httpx2
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    # The hub's client keeps trying for 20 seconds and more where there is no network.
    local_only = not hub_reachable()
    try:
        if model.file:
            return Path(hf_hub_download(model.repo, model.file, local_files_only=local_only))
        # A pipeline's weights are in its folders; single files beside them hold the same again.
        weights = "*/*.safetensors" if model.task == "image" else "*.safetensors"
        wanted = ["*.json", weights, "*.model", "*.spm", "*.jinja", "*.txt"]
        doubles = ["*.fp16.*", *_DOUBLES]
        if model.task not in _PARTS:
            return fetch(model.repo, wanted, doubles, local_only)
        if model.task == "image" and not local_only:
            doubles = doubled_weights(HfApi().list_repo_files(model.repo))
        return Path(
            snapshot_download(model.repo, allow_patterns=wanted, ignore_patterns=doubles, local_files_only=local_only)
        )
    except RepositoryNotFoundError as problem:
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("hub_has_none")) from problem
    except LocalEntryNotFoundError as problem:
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("hub_unreachable")) from problem
    except HfHubHTTPError as problem:
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("hub_refused")) from problem
    except httpx2.TransportError as problem:  # while a file was on its way
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("hub_broke_off")) from problem
    except OSError as problem:
        raise errors.ModelUnavailable(model=model.id, reason=Phrase("files_not_written")) from problem


def doubled_weights(files: Iterable[str]) -> list[str]:
    """Of a repository's files, as patterns, those that hold weights again that another one holds.

    Of a pipeline's part in several precisions the file of 16 bits is kept: half as much to fetch, and the models of the
    hub compute in 16 bits where the processor can.
    """
    weights = [name for name in files if name.endswith(".safetensors") and name.count("/") == 1]
    halved = {name.split("/")[0] for name in weights if _HALF in name and "non_ema" not in name}
    return [*_DOUBLES, *(name for name in weights if name.split("/")[0] in halved and _HALF not in name)]


def variant(folder: Path) -> str | None:
    """What diffusers calls the precision of a pipeline's weights in this folder; None for files with plain names.

    A part that is there in plain names alone is read as it is.
    """
    parts = {path.parent for path in folder.glob(f"*/*{_HALF}*.safetensors")}
    plain = {path.parent for path in folder.glob("*/*.safetensors") if _HALF not in path.name}
    return _HALF.strip(".") if parts - plain else None


def is_local(model: Model) -> bool:
    """Whether the files are on this machine already, so that loading needs no network."""
    if model.where != "hub":
        return True
    from huggingface_hub import try_to_load_from_cache

    if not model.file and model.task not in _PARTS:
        return here(model.repo) is not None
    file = model.file or ("model_index.json" if model.task == "image" else "config.json")
    return isinstance(try_to_load_from_cache(model.repo, file), str)


def hub_reachable(timeout: float = 1.5) -> bool:
    """Whether the model hub answers at all: one TCP connection, ``timeout`` in seconds; a proxy is trusted."""
    if settings().offline:
        return False
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if {"https", "all"} & set(urllib.request.getproxies()):
        return True
    host = constants.ENDPOINT.split("//", 1)[-1].split("/", 1)[0]
    name, _, port = host.partition(":")
    try:
        with socket.create_connection((name, int(port or 443)), timeout):
            return True
    except OSError:
        return False
