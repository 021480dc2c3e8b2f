"""A run's result as one file to take away: weights, tokenizer, model card, and the run as a script that does it again.

``python -m common.training.export RUN FILE.zip [--merged]`` does it in a process of its own: merging an adapter loads
the whole model. What is in the file loads with transformers alone (an unmerged adapter: with peft and its base).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from common import errors
from common.apart import ask_module
from common.training.config import AnyConfig, PreferenceConfig, TunedConfig
from common.training.folder import RunFolder
from common.training.launch import environment
from common.training.model_card import DESCRIPTION, card

_NOT_FOR_OTHERS = ("owner", "base", "adapter")  # who it was, and a path of this machine
_START = "start"  # the folder of the adapter that a run went on with
_SCRIPT = '''"""Trains this model again. Put this folder into the project that it comes from, and run there:

    python {name}/reproduce.py NEW_FOLDER{more}

The same seed and data give the same curve on a processor of the same kind.
"""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # the project; Python itself looks beside this file

from common.training.run import main

here, target = Path(__file__).resolve().parent, Path(sys.argv[1]).resolve()
target.mkdir(parents=True)
config = json.loads((here / "{description}").read_text("utf-8"))
{beginning}(target / "config.json").write_text(json.dumps(config), "utf-8")
shutil.copy(here / "{data}", target)
raise SystemExit(main(str(target), alone=True))
'''


def file_name(name: str) -> str:
    """What a run's file is called: letters and digits of its name."""
    return (re.sub(r"[^\w]+", "-", name).strip("-").lower()[:50] or "model") + ".zip"


def export(folder: RunFolder, target: Path, merged: bool = False) -> Path:
    """Write the run's model and what belongs to it into the zip file ``target``.

    Args:
        merged: of an adapter, the whole model with the adapter added to its weights.

    Raises:
        NotTrainedYet: the run has no model.
        OnlyMerged: an adapter to a model that only a run has.
        ModelUnavailable: the base of the adapter is gone.
        OSError: the disk is full.
    """
    if not folder.has_model:
        raise errors.NotTrainedYet()
    config = folder.config()
    name = file_name(config.name).removesuffix(".zip")
    adapter = (folder.model / "adapter_config.json").exists()
    own_base = isinstance(config, TunedConfig) and folder.is_of_a_run(config.base)
    if adapter and own_base and not merged:
        raise errors.OnlyMerged()
    start = _start(config)
    again = start is None or start.is_dir()  # the run that has it may have been deleted
    with (
        tempfile.TemporaryDirectory(dir=target.parent) as place,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
    ):
        model = _merge(folder, config, Path(place)) if adapter and merged else folder.model
        for path in sorted(model.iterdir()):
            if path.name == "adapter_config.json":
                archive.writestr(f"{name}/model/{path.name}", _without_path(path, config))
            elif path.is_file() and path.name != "README.md":  # the card is ours, beside the model
                archive.write(path, f"{name}/model/{path.name}")
        archive.writestr(f"{name}/README.md", card(folder, config, name, adapter and not merged, again))
        archive.writestr(f"{name}/{DESCRIPTION}", _portable(config))
        archive.write(folder.path / config.data_file, f"{name}/{config.data_file}")
        if again:
            archive.writestr(f"{name}/reproduce.py", _script(config, name, own_base))
            _add_start(archive, start, f"{name}/{_START}", config)
    return target


async def export_apart(folder: RunFolder, target: Path, merged: bool = False) -> None:
    """Like ``export``, in a process of its own that ends when the caller is cancelled. Raises what ``export`` does."""
    options = ["--merged"] if merged else []
    await ask_module("common.training.export", str(folder.path), str(target), *options, environment=environment())


def _merge(folder: RunFolder, config: AnyConfig, place: Path) -> Path:
    """The whole model in 16 bits with the adapter's part added, in transformers format."""
    import torch
    from peft import PeftModel

    from common.training.adapters import load

    assert isinstance(config, TunedConfig)  # noqa: S101 - no other kind has adapters
    model = PeftModel.from_pretrained(load(config.base, config.base_title), str(folder.model)).merge_and_unload()
    model.to(torch.bfloat16).save_pretrained(place)
    for path in folder.model.iterdir():
        if path.name.startswith(("tokenizer", "chat_template", "special_tokens")):
            shutil.copy(path, place)
    return place


def _start(config: AnyConfig) -> Path | None:
    """The folder of the adapter that the run went on with, where it did."""
    return Path(config.adapter) if isinstance(config, PreferenceConfig) and config.adapter else None


def _add_start(archive: zipfile.ZipFile, start: Path | None, name: str, config: AnyConfig) -> None:
    """Put the adapter that the run went on with into the file."""
    if start is not None:
        archive.writestr(f"{name}/adapter_config.json", _without_path(start / "adapter_config.json", config))
        archive.write(start / "adapter_model.safetensors", f"{name}/adapter_model.safetensors")


def _without_path(path: Path, config: AnyConfig) -> str:
    """The adapter's settings with its base by its public name."""
    values = json.loads(path.read_text("utf-8"))
    if isinstance(config, TunedConfig):
        values["base_model_name_or_path"] = config.base_repo or config.base_title
    return json.dumps(values, indent=1)


def _portable(config: AnyConfig) -> str:
    values = config.model_dump(mode="json")
    return json.dumps({name: value for name, value in values.items() if name not in _NOT_FOR_OTHERS}, indent=1)


def _script(config: AnyConfig, name: str, own_base: bool) -> str:
    more, lines = "", []
    if isinstance(config, TunedConfig):
        more = " FOLDER_OF_THE_BASE_MODEL"
        lines.append('config["base"] = str(Path(sys.argv[2]).resolve())')
    if own_base:
        more += "\n\nThe base model is a run of its own: the folder model/ of its file."
    if _start(config) is not None:
        lines.append(f'config["adapter"] = str(here / "{_START}")')
    beginning = "".join(f"{line}\n" for line in lines)
    return _SCRIPT.format(name=name, more=more, beginning=beginning, data=config.data_file, description=DESCRIPTION)


def main() -> None:
    """Export one run; the file's path, or the error that is met, goes to the standard output as JSON."""
    parser = argparse.ArgumentParser(prog="python -m common.training.export", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("target", type=Path, help="the zip file to write")
    parser.add_argument("--merged", action="store_true", help="the whole model instead of an adapter alone")
    options = parser.parse_args()
    try:
        written = export(RunFolder(options.run.resolve()), options.target.resolve(), options.merged)
    except errors.DemystifyError as problem:
        print(json.dumps(problem.to_json()))
        raise SystemExit(1) from problem
    except OSError as problem:
        print(json.dumps(errors.DiskFull().to_json()))
        raise SystemExit(1) from problem
    print(json.dumps({"file": str(written)}))


if __name__ == "__main__":
    main()
