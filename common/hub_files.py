"""A repository of the model hub as a folder here, with its weights in safetensors, the one format that carries no code.

Many older repositories have their weights in torch's own format alone, on their main branch. In order, for these:

1. The hub's conversion: its bot offers one as a pull request that nobody has merged. It is taken as it stands, as
   transformers does, when it was made of the very weights that the main branch has. (Where there is none, transformers
   asks the hub to make one for everybody; nothing is asked of the hub here.)
2. A conversion here, in a process of its own (``common.safe_weights``), kept in the cache.

Knows nothing about the catalogue, nor which program loads the folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common import errors, hardware, safe_weights
from common.apart import run_module
from common.config import settings
from common.errors import Phrase

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_BOT, _TITLE = "SFconvertbot", "Adding `safetensors` variant of this model"
_INDEX, _TORCH_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"
_TORCH = ("pytorch_model.bin", "pytorch_model-*.bin", _TORCH_INDEX)
# Reading the old format and writing the new one, against the size of the file.
_MEMORY = 2.2


def fetch(repo: str, wanted: Sequence[str], unwanted: Sequence[str], offline: bool) -> Path:
    """The folder of a model's repository; what is not here yet is fetched.

    Args:
        repo: ``owner/name``.
        wanted, unwanted: patterns of the files.
        offline: ask the hub for nothing.

    Raises:
        ModelUnavailable: there are no weights in safetensors, and none that could be made so.
        OutOfMemory: for converting them.
        Exception: what huggingface_hub raises.
    """
    from filelock import FileLock
    from huggingface_hub import HfApi, snapshot_download

    def snapshot(revision: str | None) -> Path:
        return Path(
            snapshot_download(
                repo,
                revision=revision,
                allow_patterns=list(wanted),
                ignore_patterns=list(unwanted),
                local_files_only=offline,
            )
        )

    folder = snapshot(None)
    if has_weights(folder):
        return folder
    if found := _known(repo, folder):
        return found
    missing = errors.ModelUnavailable(model=repo, reason=Phrase("no_safe_weights"))
    if offline:
        raise missing
    if commit := _conversion(HfApi(), repo, folder.name):
        made = snapshot(commit)
        if has_weights(made):
            _note(repo, folder.name).parent.mkdir(parents=True, exist_ok=True)
            _note(repo, folder.name).write_text(commit, "utf-8")
            return made
    made = _kept(repo, folder.name)
    torch_files = made.with_name(f"{made.name}.torch")
    torch_files.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(torch_files.with_name(f"{torch_files.name}.lock")):
        # Not into the hub's cache: what was read once is of no more use. After a break it is gone on with.
        snapshot_download(repo, revision=folder.name, allow_patterns=list(_TORCH), local_dir=torch_files)
        try:
            if not has_torch_weights(torch_files):
                raise missing
            for path in folder.iterdir():
                if path.is_file():
                    shutil.copyfile(path, torch_files / path.name)
            return convert(torch_files, made)
        finally:
            shutil.rmtree(torch_files, ignore_errors=True)


def here(repo: str) -> Path | None:
    """The folder of a repository's main branch with weights in safetensors, if it is on this machine already."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repo, "config.json")
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if has_weights(folder) else _known(repo, folder)


def safe_folder(folder: Path) -> Path:
    """A person's own folder, or its converted twin in the cache where its weights are in torch's format alone.

    Raises:
        ModelUnavailable, OutOfMemory: as ``convert``.
    """
    if has_weights(folder) or not has_torch_weights(folder):
        return folder
    weights = [path for path in sorted(folder.iterdir()) if path.is_file()]
    stamp = "".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n" for path in weights)
    digest = hashlib.sha256(f"{folder.resolve()}\n{stamp}".encode()).hexdigest()
    return convert(folder, _kept(folder.name, digest))


def convert(folder: Path, made: Path) -> Path:
    """Write ``made``: the files of ``folder``, with the weights in safetensors instead of torch's format. Once only.

    Raises:
        ModelUnavailable: the weights are damaged, hold more than numbers, or are not those of the architecture.
        OutOfMemory: there is not enough for it.
    """
    from filelock import FileLock

    made.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(made.with_name(f"{made.name}.lock")):
        if not has_weights(made):
            size = sum(path.stat().st_size for path in folder.glob("pytorch_model*.bin")) / 1e9
            free = hardware.free_memory_gb()
            if _MEMORY * size > free:
                raise errors.OutOfMemory(available=round(free, 1))
            run_module(safe_weights.__name__, str(folder.resolve()), str(made.resolve()))
        if not has_weights(made):
            raise errors.ModelUnavailable(model=folder.name, reason=Phrase("file_not_convertible"))
    return made


def has_weights(folder: Path) -> bool:
    """Whether a folder has weights in safetensors, all parts of them."""
    if (folder / _INDEX).is_file():
        parts = set(json.loads((folder / _INDEX).read_text("utf-8"))["weight_map"].values())
        return all((folder / part).is_file() for part in parts)
    return any(folder.glob("*.safetensors"))


def has_torch_weights(folder: Path) -> bool:
    """Whether a folder has weights in torch's format."""
    return any(folder.glob("pytorch_model*.bin"))


def _conversion(api: HfApi, repo: str, commit: str) -> str | None:
    """The commit of the bot's conversion of the weights that ``commit`` has, the newest one."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        offers = [
            offer
            for offer in api.get_repo_discussions(repo, author=_BOT, discussion_type="pull_request")
            if offer.author == _BOT and offer.title == _TITLE and offer.status in ("open", "draft")
        ]
        ours = _torch_contents(api, repo, commit)
        for offer in sorted(offers, key=lambda offer: offer.num, reverse=True):
            revision = f"refs/pr/{offer.num}"
            if ours and _torch_contents(api, repo, revision) == ours:
                return api.model_info(repo, revision=revision).sha
    except HfHubHTTPError:  # a repository can have its discussions closed
        return None
    return None


def _torch_contents(api: HfApi, repo: str, revision: str) -> dict[str, str]:
    """What a revision has in torch's format: names and hashes of the contents."""
    found = api.get_paths_info(repo, ["pytorch_model.bin", _TORCH_INDEX], revision=revision)
    return {one.path: one.blob_id for one in found if hasattr(one, "blob_id")}


def _known(repo: str, folder: Path) -> Path | None:
    """A conversion of the weights of this snapshot that is here: made here, or fetched from the hub."""
    if has_weights(_kept(repo, folder.name)):
        return _kept(repo, folder.name)
    note = _note(repo, folder.name)
    fetched = folder.with_name(note.read_text("utf-8").strip()) if note.is_file() else None
    return fetched if fetched is not None and has_weights(fetched) else None


def _kept(name: str, stamp: str) -> Path:
    return settings().cache_dir / "safetensors" / f"{name.replace('/', '--')}-{stamp[:12]}"


def _note(repo: str, commit: str) -> Path:
    """Where the commit of the hub's conversion is noted."""
    kept = _kept(repo, commit)
    return kept.with_name(f"{kept.name}.commit")
