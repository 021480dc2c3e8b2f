"""What a program imports, followed through the project: read from the source with ``ast``, nothing is run.

Imports inside functions count, since they will happen; those under ``if TYPE_CHECKING`` do not. A module that is named
in a string, such as ``"common.text.convert"``, is one that the program starts as a process: it counts too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_MODULE_NAME = re.compile(r"common(\.\w+)+")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a set of source files needs.

    Attributes:
        modules: files of the project's package ``common``, by module name.
        outside: top-level names of everything else that is imported, Python's own modules among them.
        gpu: modules of ``common`` with a function that asks for the GPU (``hardware.gpu``).
    """

    modules: dict[str, Path] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    gpu: set[str] = field(default_factory=set)


def needs(root: Path, starts: Iterable[Path], unused: Collection[str] = ()) -> Needs:
    """Follow the imports of some files.

    Args:
        root: the project's folder, with ``common`` in it.
        starts: source files; modules beside them are theirs and are not followed by name.
        unused: modules of ``common`` that are imported somewhere, and not by anything that these files set off.
    """
    found = Needs()
    pending: list[tuple[str, Path]] = [("", path) for path in starts]
    own = {path.stem for _, path in pending}
    while pending:
        module, path = pending.pop()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if module and _asks_for_gpu(tree):
            found.gpu.add(module)
        for name in _names(tree, module, path):
            top = name.split(".")[0]
            if name in unused:
                continue
            if top == "common":
                pending += _take(root, name, found.modules)
            elif top not in own:
                found.outside.add(top)
    return found


def _take(root: Path, name: str, taken: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """The module called so and the packages it is in, those that are new. A name inside a module leads to it."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        place = root.joinpath(*parts[:length])
        path = next((p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file()), None)
        if path is not None and module not in taken:
            taken[module] = path
            yield module, path
        main = place / "__main__.py"  # `python -m package`
        if length == len(parts) and main.is_file() and f"{module}.__main__" not in taken and module != "common":
            taken[f"{module}.__main__"] = main
            yield f"{module}.__main__", main


def _names(tree: ast.AST, module: str, path: Path) -> Iterator[str]:
    """Full names of everything that the source imports or starts."""
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:  # from . import x
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*up, *filter(None, [node.module])])
            yield source
            if source.split(".")[0] == "common":
                yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value):
            yield node.value


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, without what is for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield other
                yield from _walk(other)
            continue
        yield node
        yield from _walk(node)


def _asks_for_gpu(tree: ast.AST) -> bool:
    """Whether a function carries the decorator ``gpu(…)`` or ``hardware.gpu(…)``."""
    return any(
        isinstance(mark, ast.Call) and getattr(mark.func, "attr", getattr(mark.func, "id", "")) == "gpu"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for mark in node.decorator_list
    )
