"""From imported names to the lines of a requirements.txt: only what is used, and nothing newer than what is tested."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# What a library needs for what this project does with it, and does not ask for by itself.
_IMPLIED = {
    "transformers": ("accelerate",),  # its Trainer, and loading without a second copy in memory
    "diffusers": ("peft",),  # adapters such as LCM-LoRA
    "trl": ("bitsandbytes",),  # its trainers take the 4-bit weights of QLoRA
    "gradio": ("mcp",),
    "zoneinfo": ("tzdata",),
}
# What the platform itself brings: gradio by the card's `sdk_version`, and ZeroGPU's own package.
_PLATFORM = {"gradio", "spaces"}
# Source: Hugging Face Hub documentation, *Spaces ZeroGPU*: torch 2.8 to 2.11.
_ZEROGPU_TORCH = "torch>=2.8,<2.12"
# Without it, pip takes the build of torch that brings CUDA along: ten times the size.
_CPU_TORCH = "--extra-index-url https://download.pytorch.org/whl/cpu"


def lines(root: Path, outside: Iterable[str], zerogpu: bool) -> list[str]:
    """The lines for a program that imports these top-level names.

    Args:
        root: the project's folder, with requirements.txt and constraints.txt.
        outside: see ``imports.Needs``.
        zerogpu: the Space gets its GPU lent, which limits torch; otherwise it gets torch for CPUs.

    Raises:
        LookupError: a name that no line of requirements.txt brings; the project's own list is incomplete.
    """
    declared: dict[str, Requirement] = {
        canonicalize_name(item.name): item for item in _declared(root / "requirements.txt")
    }
    tested = _tested(root / "constraints.txt")
    names = set(outside)
    names |= {extra for name in names for extra in _IMPLIED.get(name, ())}
    providers = _providers()
    wanted: set[str] = set()
    others: dict[str, set[str]] = {}
    for name in names - set(sys.stdlib_module_names) - _PLATFORM:
        of_name: set[str] = {canonicalize_name(provider) for provider in providers.get(name, [name])}
        if of_name & set(declared):
            wanted |= of_name & set(declared)
        else:
            others[name] = of_name
    brought = installed_with([str(declared[name]) for name in wanted] + ["gradio"])
    for name, of_name in others.items():
        if not of_name & brought:
            raise LookupError(f"{name} is imported, and nothing in requirements.txt brings it")
    found = [_line(declared[name], tested.get(name), zerogpu) for name in sorted(wanted)]
    return found if zerogpu or "torch" not in wanted else [_CPU_TORCH, *found]


def pinned_version(root: Path, name: str) -> str:
    """The version of a package that the project is tested with."""
    return str(_tested(root / "constraints.txt")[canonicalize_name(name)])


def installed_with(requirements: Iterable[str]) -> set[str]:
    """The distributions that these requirements bring, those they need in turn included, as they are installed here."""
    found: set[str] = set()
    pending = [Requirement(line) for line in requirements if not line.startswith("-")]
    seen: set[str] = set()
    while pending:
        item = pending.pop()
        if str(item) in seen:
            continue
        seen.add(str(item))
        if item.marker is not None and not item.marker.evaluate({"extra": ""}):
            continue
        found.add(canonicalize_name(item.name))
        for further in _required_by(item.name):
            extras = item.extras or {""}
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                needed = Requirement(str(further))
                needed.marker = None
                pending.append(needed)
    return found


@lru_cache
def _providers() -> Mapping[str, list[str]]:
    """The distributions installed here, by the names they can be imported as."""
    return importlib.metadata.packages_distributions()


@cache
def _required_by(name: str) -> tuple[Requirement, ...]:
    """What a distribution asks for itself; nothing when it is not installed here."""
    try:
        return tuple(map(Requirement, importlib.metadata.requires(name) or ()))
    except importlib.metadata.PackageNotFoundError:
        return ()


def _line(item: Requirement, tested: Version | None, zerogpu: bool) -> str:
    """The project's own range, with the tested version as its upper end."""
    if zerogpu and item.name == "torch":
        return _ZEROGPU_TORCH
    extras = f"[{','.join(sorted(item.extras))}]" if item.extras else ""
    bounds = [str(part) for part in item.specifier if not part.operator.startswith("<")]
    bounds += [f"<={tested}"] if tested else []
    marker = f"; {item.marker}" if item.marker else ""
    return f"{item.name}{extras}{','.join(bounds)}{marker}"


def _declared(path: Path) -> list[Requirement]:
    rows = (row.split("#")[0].strip() for row in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(row) for row in rows if row and not row.startswith("-")]


def _tested(path: Path) -> dict[str, Version]:
    pins = re.findall(r"^([\w.-]+)==(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}
