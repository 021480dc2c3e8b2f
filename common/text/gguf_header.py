"""What a GGUF file says about itself before its weights: names and values, among them a whole vocabulary.

The gguf package reads the same, but makes an array of every string: one to four seconds for 49,000 tokens and their
merges, in which a web page's other visitors wait. Going once through the bytes takes a twentieth of that. Knows
nothing about what the values mean.

Source: the GGUF specification, version 3 (github.com/ggml-org/ggml, docs/gguf.md).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

# The specification's numbers for the types of values.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)  # version 1 had shorter counts; big-endian files show another number here


def read_header(path: Path) -> dict[str, Any]:
    """All values by name; arrays as lists.

    Raises:
        ValueError: no GGUF, a version unknown here, or a file that ends too early.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            magic, version, _tensors, values = struct.unpack_from("<4sIQQ", data)
            if magic != b"GGUF" or version not in _VERSIONS:
                raise ValueError(f"{path.name} is no GGUF file of version 2 or 3")
            header: dict[str, Any] = {}
            place = struct.calcsize("<4sIQQ")
            for _ in range(values):
                name, place = _string(data, place)
                (kind,) = struct.unpack_from("<I", data, place)
                header[name], place = _value(data, place + 4, kind)
            return header
        except (struct.error, KeyError, MemoryError, RecursionError) as problem:
            raise ValueError(f"{path.name} is damaged") from problem


def _value(data: mmap.mmap, place: int, kind: int) -> tuple[Any, int]:
    """The value that begins at ``place``, and where the next thing begins."""
    if kind == _STRING:
        return _string(data, place)
    if kind != _ARRAY:
        layout = f"<{_SCALARS[kind]}"
        return struct.unpack_from(layout, data, place)[0], place + struct.calcsize(layout)
    kind, length = struct.unpack_from("<IQ", data, place)
    place += struct.calcsize("<IQ")
    if kind in _SCALARS:
        layout = f"<{length}{_SCALARS[kind]}"
        return list(struct.unpack_from(layout, data, place)), place + struct.calcsize(layout)
    items = []
    for _ in range(length):
        item, place = _value(data, place, kind)
        items.append(item)
    return items, place


def _string(data: mmap.mmap, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", data, place)
    end = place + 8 + length
    if end > len(data):
        raise struct.error("a string that ends beyond the file")
    return data[place + 8 : end].decode("utf-8", "replace"), end
