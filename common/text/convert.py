"""A GGUF file converted once to a folder in transformers format, kept in the cache.

transformers can read a GGUF, but unpacks its weights at every start (about 20 seconds for 135 million parameters); the
converted folder loads in a fraction of a second. The weights become bfloat16 and need twice the file's bits or more.
Knows nothing about engines. Run ``python -m common.text.convert [catalogue id or file]`` to convert ahead of time.
"""

from __future__ import annotations

import argparse
import errno
import functools
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import catalog, errors, hardware
from common.apart import run_module
from common.config import settings
from common.text.gguf_header import read_header
from common.text.vocabularies import cutting_rule

_RECIPE = "2"  # part of the key: a change in what is written must not find the old folders


def converted_folder(gguf_path: Path) -> Path | None:
    """The folder converted from this file, or None when that has not been done yet."""
    folder = _folder_for(gguf_path)
    return folder if folder.is_dir() else None


def _folder_for(gguf_path: Path) -> Path:
    """The file's content decides: its size and a piece from every sixteenth of it, since all of it may be gigabytes.

    (A name says too little, and a date changes with every new installation.)
    """
    size = gguf_path.stat().st_size
    digest = hashlib.sha256(f"{_RECIPE} {size}".encode())
    with gguf_path.open("rb") as file:
        for place in range(16):
            file.seek(size * place // 16)
            digest.update(file.read(65_536))
    return settings().cache_dir / "converted" / f"{gguf_path.stem}-{digest.hexdigest()[:12]}"


def convert(gguf_path: Path) -> Path:
    """Convert the file unless that has been done; returns the folder.

    The folder appears whole or not at all, and of several processes one converts while the others wait for it.

    Raises:
        OutOfMemory: the unpacked weights do not fit in free memory.
        ModelUnavailable: the file is no GGUF that transformers reads, or the cache cannot be written.
    """
    from filelock import FileLock

    folder = _folder_for(gguf_path)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                partial = folder.with_name(f"{folder.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)  # left by a conversion that was killed
                try:
                    _write(gguf_path, partial)
                    partial.rename(folder)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=gguf_path.stem, reason=errors.Phrase("file_not_convertible")) from problem
    return folder


def convert_apart(gguf_path: Path) -> Path:
    """Like ``convert``, in a process of its own: unpacking needs far more memory than the model does later on.

    Raises:
        OutOfMemory, ModelUnavailable: as ``convert``.
    """
    folder = converted_folder(gguf_path)
    if folder is None:
        code = run_module("common.text.convert", str(gguf_path))
        folder = converted_folder(gguf_path)
        if code in (errno.ENOMEM, -signal.SIGKILL):  # SIGKILL is what the system sends when memory runs out
            raise errors.OutOfMemory(available=round(hardware.free_memory_gb(), 1))
        if folder is None:
            raise errors.ModelUnavailable(model=gguf_path.stem, reason=errors.Phrase("file_not_convertible"))
    return folder


def _write(gguf_path: Path, folder: Path) -> None:
    """Unpack the weights and write them with the tokenizer, its chat template included."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source, name = gguf_path.parent, gguf_path.name
    with _file_read_once():
        _check_memory(gguf_path)
        model = AutoModelForCausalLM.from_pretrained(
            source, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
        )
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
    # transformers does not read this from a GGUF, and takes GPT-2's rule.
    if (rule := cutting_rule(read_header(gguf_path).get("tokenizer.ggml.pre", ""))) is not None:
        tokenizer.backend_tokenizer.pre_tokenizer = rule
    # What is written is an ordinary model: without these two lines transformers refuses, or marks it as quantized.
    model.hf_quantizer = None  # type: ignore[assignment]
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _check_memory(gguf_path: Path) -> None:
    """Unpacking takes 2 bytes per parameter for bfloat16 and, tensor by tensor, more on the way: 3 in all."""
    from gguf import GGUFReader

    parameters = sum(int(tensor.n_elements) for tensor in GGUFReader(str(gguf_path)).tensors)
    free = hardware.free_memory_gb()
    if parameters * 3 / 1e9 > free:
        raise errors.OutOfMemory(available=round(free, 1))


@contextmanager
def _file_read_once() -> Iterator[None]:
    """transformers parses the file four times and makes the same table of tensor names once per module.

    Remembering both takes conversion from 20 to 8 seconds for the embedded model.
    """
    import gguf

    reader, names = gguf.GGUFReader, gguf.get_tensor_name_map
    gguf.GGUFReader = functools.lru_cache(maxsize=1)(reader)  # type: ignore[misc,assignment]
    gguf.get_tensor_name_map = functools.lru_cache(maxsize=None)(names)
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = reader, names  # type: ignore[misc]


def main() -> None:
    """Convert one model and say what was done."""
    parser = argparse.ArgumentParser(prog="python -m common.text.convert", description=__doc__.split("\n", 1)[0])
    parser.add_argument("model", nargs="?", default=catalog.EMBEDDED_CHAT_MODEL, help="catalogue id or .gguf file")
    name: str = parser.parse_args().model
    os.environ |= {"TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}
    try:
        path = catalog.locate(catalog.find(name))
        if path.suffix != ".gguf":
            print(f"{name} needs no conversion: {path}")
            return
        if (folder := converted_folder(path)) is not None:
            print(f"{name} is converted already: {folder}")
            return
        print(f"Converting {path} ({path.stat().st_size / 1e6:.0f} MB) ...", flush=True)
        start = time.perf_counter()
        folder = convert(path)
    except errors.OutOfMemory as problem:
        print(problem, file=sys.stderr)
        sys.exit(errno.ENOMEM)
    except errors.DemystifyError as problem:
        sys.exit(str(problem))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"Wrote {folder} ({size:.0f} MB) in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
