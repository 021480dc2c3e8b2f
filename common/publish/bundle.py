"""The files of a Space: one of the project's spaces or the whole hub, with what it needs of ``common`` and ``models``.

A single space lies flat in the Space's folder, ``common`` and ``models`` beside it; the hub keeps the project's layout.
Models that come as a Python package here are copied in as files: their packages ask for dependencies that would be
compiled on the Space, and a requirements.txt cannot say "without them".
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import SpaceHardware

from common import catalog
from common.catalog import Model
from common.publish import card, requirements
from common.publish.imports import Needs, needs
from common.publish.problem import PublishProblem

ROOT = Path(__file__).resolve().parents[2]
HUB = "hub"
ZEROGPU = "zero-a10g"
START = "start.py"
# The modules below ``common`` that open models of a task: who has one of them needs the embedded models of that task.
# (Not by their names: whoever takes this module along would be thought to start them.)
_OPENED_BY = {
    "chat": {"text/models", "text/convert"},
    "tokenizer": {"text/vocabularies"},
    "embedding": {"text/retrieval/embedder"},
    "translation": {"translation/models"},
    "image": {"diffusion/models"},
    "adapter": {"text/engines/loading"},
}
# Kinds of training run that a space never starts: what they import would be the most of what its Space installs.
_UNUSED = {"diffusion": ("common.training.finetune", "common.training.preference")}
_NO_DATA = {".py", ".pyc"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a Space will hold.

    Attributes:
        space: name of the space, or ``HUB``.
        hardware: the platform's name for the machine it is made for.
        copied: source by path in the Space.
        written: text by path in the Space: README, requirements, start.
        missing: ids of embedded models whose files are not in the project; the Space will do without them.
    """

    space: str
    hardware: str
    copied: dict[str, Path]
    written: dict[str, str]
    missing: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.copied.values()) + sum(
            len(text.encode()) for text in self.written.values()
        )

    def write(self, folder: Path) -> None:
        """Put the files into an empty or new folder.

        Raises:
            PublishProblem: there is something in it.
        """
        if folder.exists() and any(folder.iterdir()):
            raise PublishProblem(f"The folder {folder} is not empty: choose another one.")
        for name, path in self.copied.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        for name, text in self.written.items():
            (folder / name).write_text(text, encoding="utf-8")


def spaces(root: Path = ROOT) -> tuple[str, ...]:
    """The spaces there are."""
    return tuple(sorted(path.parent.name for path in root.glob("spaces/*/app.py")))


def bundle(space: str, hardware: str = ZEROGPU, root: Path = ROOT) -> Bundle:
    """Gather a space, or the hub, for a machine of the platform.

    Raises:
        PublishProblem: no such space, an incomplete card, or no function that would use the lent GPU.
        ModelUnavailable: the package of an embedded model is not installed.
    """
    own = _own_files(space, root)
    code = [path for path in own.values() if path.suffix == ".py"]
    found = needs(root, code, _UNUSED.get(space, ()))
    copied = {**own, **{path.relative_to(root).as_posix(): path for path in found.modules.values()}}
    copied |= _data(root, found)
    wanted = _models(found)
    models = [model for model in wanted if model.where == "code" or catalog.has_files(model)]
    for model in models:
        copied |= _model_files(root, model)
    copied["LICENSE"] = root / "LICENSE"
    zerogpu = hardware == ZEROGPU
    written = {}
    if zerogpu:
        if not found.gpu:
            raise PublishProblem(
                f"No function of {space} asks for the GPU, and ZeroGPU refuses such a Space: "
                "choose --hardware cpu-basic."
            )
        written[START] = _start(found.gpu)
    try:
        lines = requirements.lines(root, found.outside, zerogpu)
    except LookupError as problem:
        raise PublishProblem(f"{problem}: add it there.") from problem
    written["requirements.txt"] = "\n".join(lines) + "\n"
    metadata, words = _metadata(space, hardware, root, models)
    written["README.md"] = card.card(metadata, words)
    card.check(written["README.md"], {*copied, *written})
    missing = tuple(model.id for model in wanted if model not in models)
    return Bundle(space, hardware, dict(sorted(copied.items())), written, missing)


def _own_files(space: str, root: Path) -> dict[str, Path]:
    """The space's own files, by their path in the Space."""
    if space == HUB:
        own = {"app.py": root / "app.py"}
        for name in spaces(root):
            own |= {f"spaces/{name}/{path}": file for path, file in _files(root / "spaces" / name).items()}
        return own
    if space not in spaces(root):
        raise PublishProblem(f"There is no space “{space}”: choose one of {', '.join((HUB, *spaces(root)))}.")
    return _files(root / "spaces" / space)


def _files(folder: Path) -> dict[str, Path]:
    """Files below a folder that belong on a Space, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc" and path.name != "README.md" and "__pycache__" not in path.parts
    }


def _data(root: Path, found: Needs) -> dict[str, Path]:
    """Files that are no code and lie in, or below, a folder with a module that goes along."""
    folders = {path.parent for path in found.modules.values()}
    copied = {}
    for path in sorted((root / "common").rglob("*")):
        if path.is_dir() or path.suffix in _NO_DATA or "__pycache__" in path.parts:
            continue
        holder = next(folder for folder in path.parents if any(folder.glob("*.py")))
        if holder in folders:
            copied[path.relative_to(root).as_posix()] = path
    return copied


def _models(found: Needs) -> list[Model]:
    """The embedded models of the tasks that the modules work on."""
    there = {name.removeprefix("common.").replace(".", "/") for name in found.modules}
    tasks = {task for task, modules in _OPENED_BY.items() if modules & there}
    return [model for model in catalog.entries() if model.embedded and model.task in tasks]


def _model_files(root: Path, model: Model) -> dict[str, Path]:
    """A model's files by their path in the Space: where ``catalog.locate`` looks for them."""
    if model.where == "code":
        return {}
    place = catalog.locate(model)
    if model.where == "models":
        folders = [root / "models" / name for name in (model.folder, model.adapter) if name]
        files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(root).as_posix(): path for path in files}
    target = catalog.beside(model).relative_to(catalog.ROOT)
    if place.is_file():
        return {target.as_posix(): place}
    return {(target / path.relative_to(place)).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}


def _start(gpu: set[str]) -> str:
    """Where a ZeroGPU Space begins."""
    imports = "\n".join(f"import {module}  # has a function that asks for the GPU" for module in sorted(gpu))
    return (
        '"""Starts the app on ZeroGPU: its package first, then whatever asks for the GPU, to be known by then."""\n'
        f"\nimport spaces  # before torch\n\n{imports}\nimport app\n\napp.main()\n"
    )


def _metadata(space: str, hardware: str, root: Path, models: list[Model]) -> tuple[card.Metadata, str]:
    """What the card says, and the words below it."""
    place = Path(__file__).with_name("hub-card.md") if space == HUB else root / "spaces" / space / "README.md"
    words, text = card.read_words(place)
    zerogpu = hardware == ZEROGPU
    tasks = {model.task for model in models}
    # A Space with a GPU takes these; fetched while it is built, they need not be fetched by the first visitor.
    larger = [
        model.repo for model in catalog.entries() if zerogpu and model.default_on == "cuda" and model.task in tasks
    ]
    publishes = space in ("train", HUB)  # what a visitor has trained goes into the visitor's own account
    metadata = card.Metadata(
        **words.model_dump(),
        hf_oauth=publishes,
        hf_oauth_scopes=["manage-repos", "write-repos"] if publishes else [],
        sdk_version=requirements.pinned_version(root, "gradio"),
        app_file=START if zerogpu else "app.py",
        suggested_hardware=SpaceHardware(hardware),
        models=sorted({*larger, *(model.repo for model in models if model.repo)}),
        preload_from_hub=larger,
    )
    return metadata, text
