"""Import gradio in three quarters of the time.

For every class of component gradio reads and parses its own source, while it is imported, to renew a stub file for
editors (``.pyi``). Installed packages have theirs; there is no setting that says so. Knows nothing about pages.
"""

from __future__ import annotations

import inspect
from typing import Any
from unittest.mock import patch

# Where the kinds of gradio's classes that get a stub are defined.
_KINDS = ("gradio.component_meta", "gradio.blocks_events")


def import_gradio() -> None:
    """Import gradio, once and before anything else does, without renewing its stubs."""
    find = inspect.getfile

    def find_unless_component(thing: Any) -> str:
        if type(thing).__module__ in _KINDS:
            raise OSError("no stub wanted")  # what gradio takes as: this class has no file to put one beside
        return find(thing)

    with patch.object(inspect, "getfile", find_unless_component):
        import gradio  # noqa: F401
