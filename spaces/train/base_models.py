"""The models that can be trained further: the catalogue's chat models as folders, and their shapes before that."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from common import catalog, errors
from common.text.convert import convert_apart, converted_folder
from common.text.gguf_header import read_header
from common.training import lora
from common.training.lora import Shapes

_MOST_PARAMETERS = 4e9  # more takes longer than a seminar on any single card
# What a GGUF file calls the values of a config.json.
_NAMES = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "vocab_size": "vocab_size",
}

IDS = tuple(model.id for model in catalog.with_task("chat") if model.parameters <= _MOST_PARAMETERS)


def title(model_id: str) -> str:
    """What people call it."""
    return catalog.find(model_id).title


def origin(model_id: str) -> dict[str, str]:
    """The fields of a run's config that say where the model is from."""
    model = catalog.find(model_id)
    return {"base_title": model.title, "base_repo": model.repo, "base_licence": model.licence}


async def folder(model_id: str) -> Path:
    """The model's folder in transformers format; fetched and converted when that has not been done yet.

    Raises:
        ModelUnavailable, OutOfMemory.
    """
    path = await asyncio.to_thread(catalog.locate, catalog.find(model_id))
    return await asyncio.to_thread(convert_apart, path) if path.suffix == ".gguf" else path


async def ready_folder(model_id: str) -> Path | None:
    """As ``folder``, or None where something would have to be fetched or converted for it."""
    model = catalog.find(model_id)
    if not catalog.is_local(model):
        return None
    path = await asyncio.to_thread(catalog.locate, model)
    return await asyncio.to_thread(converted_folder, path) if path.suffix == ".gguf" else path


async def shapes(model_id: str) -> Shapes | None:
    """The sizes of its matrices, or None while it is not on this machine."""
    model = catalog.find(model_id)
    if not catalog.is_local(model):
        return None
    path = await asyncio.to_thread(catalog.locate, model)
    try:
        return await asyncio.to_thread(_read, path)
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=model.title, reason=errors.Phrase("files_unreadable")) from problem


def _read(path: Path) -> Shapes:
    if path.suffix != ".gguf":
        return lora.shapes(json.loads((path / "config.json").read_text("utf-8")))
    header = read_header(path)
    kind = header["general.architecture"]
    values = {name: header[f"{kind}.{theirs}"] for name, theirs in _NAMES.items()}
    return lora.shapes({**values, "head_dim": header.get(f"{kind}.attention.key_length")})
