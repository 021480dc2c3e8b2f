"""A file that a handler has made, saved by the visitor's browser: it travels as JSON and stays on no server.

A handler returns ``as_download(…)`` to a hidden text box; an event of that box, or the next step of the same one, runs
``SAVE`` with the box as input.
"""

from __future__ import annotations

import base64
import json

SAVE = """(file) => {
  if (!file) return;
  const {name, type, content} = JSON.parse(file);
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], {type}));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}"""


def as_download(name: str, kind: str, content: bytes) -> str:
    """The file as ``SAVE`` takes it; ``kind`` is its media type."""
    return json.dumps({"name": name, "type": kind, "content": base64.b64encode(content).decode("ascii")})
