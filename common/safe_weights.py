"""Weights in torch's own format rewritten as safetensors: ``python -m common.safe_weights FOLDER MADE``.

The old format is a pickle, which can hold code. Here torch reads numbers and nothing else of it (``weights_only``), and
this happens in a process of its own, which nobody's page runs in. The weights must be those of the architecture that
the folder's ``config.json`` names, none missing. Knows nothing about where the folder comes from.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any


def rewrite(folder: Path, made: Path) -> None:
    """Write ``made`` with the files of ``folder``, its weights in safetensors. It appears whole or not at all.

    Raises:
        ValueError: the weights hold more than numbers, are damaged, or are not those of the architecture.
        OSError: a file cannot be read or written.
    """
    import torch
    import transformers

    try:
        weights: dict[str, Any] = {}
        for part in sorted(folder.glob("pytorch_model*.bin")):
            # The oldest files are no zip archives, which alone can be read piece by piece.
            weights |= torch.load(part, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(part))
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError) as problem:
        raise ValueError(f"{folder.name} has weights that hold more than numbers, or are damaged") from problem
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    architecture = getattr(transformers, (config.architectures or [""])[0], None)
    if not (isinstance(architecture, type) and issubclass(architecture, transformers.PreTrainedModel)):
        raise ValueError(f"{folder.name} does not say a known architecture")
    loaded: Any = architecture.from_pretrained(
        None, config=config, state_dict=weights, dtype="auto", output_loading_info=True
    )
    model, said = loaded
    if said["missing_keys"] or said["mismatched_keys"]:
        raise ValueError(f"{folder.name} lacks weights: {sorted(said['missing_keys'])[:3]}")
    partial = made.with_name(f"{made.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a conversion that was killed
    try:
        model.save_pretrained(partial)
        for path in folder.iterdir():  # as they are: only the weights are rewritten
            if path.is_file() and not path.name.startswith("pytorch_model"):
                shutil.copyfile(path, partial / path.name)
        shutil.rmtree(made, ignore_errors=True)
        partial.rename(made)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main() -> None:
    """Rewrite one folder."""
    parser = argparse.ArgumentParser(prog="python -m common.safe_weights", description=__doc__)
    parser.add_argument("folder", type=Path, help="model folder in transformers format with pytorch_model.bin")
    parser.add_argument("made", type=Path, help="folder to write")
    chosen = parser.parse_args()
    try:
        rewrite(chosen.folder, chosen.made)
    except (OSError, ValueError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
