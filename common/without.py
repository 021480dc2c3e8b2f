"""Import a library without some of what it imports wherever that is installed: memory and time that nothing uses.

Knows nothing about the libraries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def not_installed(*names: str) -> Iterator[None]:
    """Let whoever looks for these packages find none, unless they have been imported before.

    Libraries that have been told so go on without; whoever asks later finds the packages again.
    """
    hidden = [name for name in names if name not in sys.modules]
    # None in this place is how Python itself marks a module that cannot be imported.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
