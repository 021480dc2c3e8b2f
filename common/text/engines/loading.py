"""A model folder or GGUF file made ready to run with transformers. Safetensors only, and no code from model folders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import safe_open
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils.logging import disable_progress_bar

from common import catalog, errors, hardware
from common.hardware import Device
from common.text.convert import convert_apart
from common.text.engines.compact import compute_in_float32
from common.text.engines.prompts import PromptReader

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to run.

    Attributes:
        name: what users know it by.
        model: on its device, in evaluation mode.
        prompts: its text side.
        ends: ids that end a text.
        context: longest text in tokens, prompt and completion together.
    """

    name: str
    model: PreTrainedModel
    prompts: PromptReader
    ends: frozenset[int]
    context: int


def load(options: dict[str, Any]) -> LoadedModel:
    """Load a model.

    Args:
        options: ``name``, ``path`` (a folder, or a GGUF file, converted at the first use), ``device`` and ``dtype``
            ("auto" or names of torch), ``context`` (0: the model's own), ``threads`` (0: all cores but one),
            ``kv_cache_tokens``, which no text can exceed, and ``compact``: rather little memory than fast.

    Raises:
        OutOfMemory, ModelUnavailable.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    wanted = options.get("device", "auto")
    device: Device = hardware.device() if wanted == "auto" else wanted
    dtype_name = options.get("dtype", "auto")
    dtype = hardware.compute_dtype(device) if dtype_name == "auto" else getattr(torch, dtype_name)
    # One core stays free for the page: a thread that has to wait for a core keeps all the others waiting, 300 times per
    # token. On two busy cores two threads write 1 token a second, one thread 10; on idle ones it is 24 and 17.
    torch.set_num_threads(options.get("threads") or max(1, min(torch.get_num_threads(), hardware.cores() - 1)))
    path = Path(options["path"])
    folder = convert_apart(path) if path.suffix == ".gguf" else path
    # A converted GGUF file is in bfloat16: wider weights would hold no more than that.
    widen = bool(options.get("compact")) and path.suffix == ".gguf" and dtype is torch.float32
    kept_as = torch.bfloat16 if widen else dtype
    try:
        weights = _base_of(folder)
        _check_memory(weights, kept_as, device)
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            weights, dtype=kept_as, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
        if widen:
            compute_in_float32(cast(nn.Module, model))
        if weights != folder:
            model = _with_adapter(model, folder)
        words = (
            folder if (folder / "tokenizer_config.json").exists() else weights
        )  # an adapter may leave it to its base
        tokenizer = AutoTokenizer.from_pretrained(words, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=options["name"], reason=errors.Phrase("files_unreadable")) from problem
    ends = _end_ids(model, tokenizer.eos_token_id)
    # What a request does not ask for must not come from the folder.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    context = _context(model, options)
    cast(nn.Module, model).to(device).eval()
    return LoadedModel(
        name=options["name"],
        model=model,
        prompts=PromptReader(tokenizer, model.config.get_text_config().vocab_size, context),
        ends=ends,
        context=context,
    )


def _base_of(folder: Path) -> Path:
    """The folder of the whole model: this one, or the one that the adapter in it belongs to.

    Raises:
        ModelUnavailable: a catalogue's model that is not on this machine and cannot be fetched.
    """
    adapter = folder / "adapter_config.json"
    if not adapter.exists():
        return folder
    named = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
    known = next((model for model in catalog.with_task("chat") if model.repo == named), None)
    if known is None:  # an adapter of this machine's own names the folder
        return Path(named)
    path = catalog.locate(known)
    return convert_apart(path) if path.suffix == ".gguf" else path


def _with_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model with the adapter in ``folder`` added to its weights.

    Through peft: transformers' own way of loading leaves out the lengths that DoRA has learned.
    """
    from peft import PeftModel

    if not (folder / "adapter_model.safetensors").exists():
        raise OSError(f"{folder} has no adapter in safetensors")
    merged: PreTrainedModel = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    return merged


def _context(model: PreTrainedModel, options: dict[str, Any]) -> int:
    limits = [
        options.get("context"),
        getattr(model.config.get_text_config(), "max_position_embeddings", None),
        options.get("kv_cache_tokens"),
    ]
    return min(limit for limit in [*limits, 1 << 20] if limit)


def _end_ids(model: PreTrainedModel, tokenizer_end: int | None) -> frozenset[int]:
    """A chat model may have several ends (of a turn, of a text), named in different files."""
    found: set[int] = set()
    for named in (model.generation_config.eos_token_id, model.config.get_text_config().eos_token_id, tokenizer_end):
        found |= set(named) if isinstance(named, list) else {named} if named is not None else set()
    return frozenset(found)


def _check_memory(folder: Path, dtype: torch.dtype, device: Device) -> None:
    """Raises OutOfMemory when the weights alone are larger than the free memory."""
    parameters = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict: it cannot be iterated)
                size = 1
                for length in tensors.get_slice(name).get_shape():
                    size *= length
                parameters += size
    free = hardware.free_gb(device)
    if parameters * dtype.itemsize / 1e9 > free:
        raise errors.OutOfMemory(available=round(free, 1))
