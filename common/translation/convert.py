"""A model folder converted once to ctranslate2's 8-bit format, kept in the cache.

Reading the weights needs torch, whose memory a web process can do without: ``convert_apart`` does it in a process of
its own. Run ``python -m common.translation.convert [folder]`` to convert ahead of time; without a folder it converts
the embedded models. Knows nothing about engines.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

from common import catalog, errors
from common.apart import run_module
from common.config import settings

QUANTIZATION = "int8"
_READ_WHOLE = 64 * 2**20  # bytes
_RECIPE = "1"  # part of the key: a change in what is written must not find the old folders


def converted_folder(folder: Path, quantization: str = QUANTIZATION) -> Path:
    """Where the converted model of a folder is, or will be. The files' content decides.

    Of a file of gigabytes, which take seconds to read, a piece from every sixteenth, and when it was written.
    """
    digest = hashlib.sha256(f"{_RECIPE} {quantization}".encode())
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        found = path.stat()
        digest.update(f"{path.name} {found.st_size}".encode())
        with path.open("rb") as file:
            if found.st_size <= _READ_WHOLE:
                digest.update(hashlib.file_digest(file, "sha256").digest())
                continue
            digest.update(str(found.st_mtime_ns).encode())
            for place in range(16):
                file.seek(found.st_size * place // 16)
                digest.update(file.read(65_536))
    return settings().cache_dir / "ctranslate2" / f"{folder.name}-{quantization}-{digest.hexdigest()[:12]}"


def convert(folder: Path, quantization: str = QUANTIZATION) -> Path:
    """Convert unless that has been done; the result appears whole or not at all, and one of several processes makes it.

    Raises:
        ModelUnavailable: the folder holds no model that ctranslate2 runs, or the cache cannot be written.
    """
    from filelock import FileLock

    try:
        out = converted_folder(folder, quantization)
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_name(f"{out.name}.lock")):
            if not out.is_dir():
                partial = out.with_name(f"{out.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)  # left by a conversion that was killed
                try:
                    _write(folder, partial, quantization)
                    partial.rename(out)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        raise errors.ModelUnavailable(model=folder.name, reason=errors.Phrase("file_not_convertible")) from problem
    return out


def convert_apart(folder: Path) -> Path:
    """Like ``convert``, in a process of its own.

    Raises:
        ModelUnavailable: as ``convert``.
    """
    try:
        out = converted_folder(folder)
    except OSError as problem:
        raise errors.ModelUnavailable(model=folder.name, reason=errors.Phrase("files_unreadable")) from problem
    if not out.is_dir():
        run_module("common.translation.convert", str(folder.resolve()))
        if not out.is_dir():
            raise errors.ModelUnavailable(model=folder.name, reason=errors.Phrase("file_not_convertible"))
    return out


def _write(folder: Path, out: Path, quantization: str) -> None:
    from ctranslate2.converters import TransformersConverter
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if not any(folder.glob("*.safetensors")):
        raise ValueError("other formats of weights can carry code")

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_tokenizer(self, kind: Any, name: str, **options: Any) -> Any:
            """M2M-100's language tokens are in no list where ctranslate2 looks for them since transformers 5."""
            tokenizer = super().load_tokenizer(kind, name, **options)
            if languages := getattr(tokenizer, "lang_token_to_id", None):
                known = {**tokenizer.get_vocab(), **languages}
                tokenizer.get_vocab = lambda: known
            return tokenizer

    try:
        Converter(str(folder)).convert(str(out), quantization=quantization)
    except SafetensorError as problem:
        raise ValueError("damaged weights") from problem


def main() -> None:
    """Convert one folder, or the embedded models."""
    parser = argparse.ArgumentParser(prog="python -m common.translation.convert", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="model folder in transformers format")
    chosen: Path | None = parser.parse_args().folder
    embedded = [catalog.locate(model) for model in catalog.with_task("translation") if model.embedded]
    try:
        for folder in [chosen] if chosen else embedded:
            print(f"{folder} is ready for ctranslate2 in {convert(folder)}")
    except errors.DemystifyError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
