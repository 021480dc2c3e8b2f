"""Libraries that replace their own module while it is imported, made safe for threads that import them at once.

transformers and diffusers put a lazy module in their place at the end of their import. A thread that waited for it
meanwhile goes on with the module that was there before, which is empty: "cannot import name". Two visitors who are the
first to need a model would meet that. So the old module is told to ask the new one.

Source: PEP 562 (``__getattr__`` of a module); `importlib` in Python's documentation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

LIBRARIES = ("transformers", "diffusers")


class _Finder(MetaPathFinder):
    """Finds these libraries as Python does, and has something done after they are run."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in LIBRARIES else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_pass_on(module: ModuleType) -> None:
            run(module)
            present = sys.modules[name]
            if present is not module:
                module.__getattr__ = partial(getattr, present)  # type: ignore[method-assign]

        spec.loader.exec_module = run_and_pass_on  # type: ignore[method-assign]
        return spec


def pass_on() -> None:
    """From now on, for all threads of this process; once is enough."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
