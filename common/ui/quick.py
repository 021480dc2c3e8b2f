"""Import gradio, and build pages with it, in two thirds of the time.

For every class of component gradio reads and parses its own source, while it is imported, to renew a stub file for
editors (``.pyi``). Installed packages have theirs; there is no setting that says so. And nearly all that is made on the
way stays, so that the collector of reference cycles looks for them in vain. Knows nothing about pages.
"""

from __future__ import annotations

import gc
import inspect
from typing import Any
from unittest.mock import patch

from common.without import not_installed

# Where the kinds of gradio's classes that get a stub are defined.
_KINDS = ("gradio.component_meta", "gradio.blocks_events")


def import_gradio() -> None:
    """Import gradio, once and before anything else does, without renewing its stubs.

    The collector rests from here on; ``serve`` wakes it when the pages are built.
    """
    gc.disable()
    find = inspect.getfile

    def find_unless_component(thing: Any) -> str:
        if type(thing).__module__ in _KINDS:
            raise OSError("no stub wanted")  # what gradio takes as: this class has no file to put one beside
        return find(thing)

    # pandas, which gradio imports, takes pyarrow to read files that no page reads: 36 MB.
    with patch.object(inspect, "getfile", find_unless_component), not_installed("pyarrow"):
        import gradio  # noqa: F401
