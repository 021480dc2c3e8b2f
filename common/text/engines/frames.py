"""Messages between the web process and a model process: a JSON header and, where needed, raw arrays.

One frame is two big-endian 32-bit lengths, the JSON header, then the arrays in safetensors format. Nothing here can
execute anything: no pickle. Knows nothing about what the messages mean.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors.numpy import load, save

_LENGTHS = struct.Struct(">II")
# Larger than any view asks for (the attentions of 30 layers of 9 heads over 512 tokens are 283 MB); a bigger number is
# a torn stream, and reading it as a length would exhaust memory.
MAX_BYTES = 1 << 30


def write_frame(stream: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> None:
    """Write one frame and flush. Raises OSError (BrokenPipeError) when the other side is gone."""
    head = orjson.dumps(dict(header))
    body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}) if arrays else b""
    stream.write(_LENGTHS.pack(len(head), len(body)) + head + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Read one frame: (header, arrays), or None at the end of the stream.

    Raises:
        ValueError: the stream is torn (lengths beyond ``MAX_BYTES``).
    """
    lengths = _read_exactly(stream, _LENGTHS.size)
    if lengths is None:
        return None
    head_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if head_bytes + body_bytes > MAX_BYTES:
        raise ValueError(f"frame of {head_bytes + body_bytes} bytes: the stream is torn")
    head = _read_exactly(stream, head_bytes)
    body = _read_exactly(stream, body_bytes) if body_bytes else b""
    if head is None or body is None:
        return None
    return orjson.loads(head), (load(body) if body else {})


def _read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    """``count`` bytes, or None when the stream ends first."""
    parts: list[bytes] = []
    while count:
        part = stream.read(count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
