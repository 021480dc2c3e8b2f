"""A Python environment that has certain packages and no other, made in a second: links to those installed here."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import canonicalize_name

from common.publish.requirements import installed_with


def environment(folder: Path, requirements: Iterable[str]) -> Path:
    """The interpreter of a new environment in ``folder`` with what these requirements bring."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    target = next(folder.glob("lib/python*/site-packages"))
    source = Path(sysconfig.get_path("purelib"))
    wanted = installed_with(requirements)
    owners: dict[str, set[str]] = defaultdict(set)
    files: dict[str, list[str]] = defaultdict(list)
    for found in importlib.metadata.distributions(path=[str(source)]):
        name = canonicalize_name(found.name)
        for file in found.files or []:
            if not file.parts[0].startswith("..") and "__pycache__" not in file.parts:
                owners[file.parts[0]].add(name)
                files[name].append(str(file))
    for name in wanted & set(files):
        for top in {Path(file).parts[0] for file in files[name]}:
            if owners[top] == {name}:
                _link(source / top, target / top)
        for file in files[name]:
            if len(owners[Path(file).parts[0]]) > 1:  # a folder that several packages share
                _link(source / file, target / file)
    return folder / "bin" / "python"


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists() and not target.exists():
        target.symlink_to(source)
