"""Make the C library give freed memory back to the system, for processes that live as long as the room does.

By itself glibc keeps a pool of memory for each of many threads and holds on to what is freed; a server with a hundred
threads then takes a third more than it uses. Elsewhere than on Linux with glibc nothing is changed.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from pathlib import Path

# Numbers of the parameters in glibc's malloc.h; their meaning is in the manual page mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# One pool for Python, whose threads take turns anyway, and one for the threads of a model's library.
_POOLS = 2
# Free memory at the end of a pool beyond this goes back.
_KEPT_BYTES = 128 * 1024
# The same where arrays come and go; and the size from which on an array is asked for alone and given back alone.
_REUSED_BYTES, _ALONE_BYTES = 16 * 1024 * 1024, 32 * 1024 * 1024


def give_back_freed() -> bool:
    """Set the C library's allocator, once and early in a process; says whether there was one to set.

    What the environment sets (``MALLOC_ARENA_MAX``) is overruled.
    """
    return _set((_M_ARENA_MAX, _POOLS), (_M_TRIM_THRESHOLD, _KEPT_BYTES))


def reuse_freed() -> bool:
    """For a process in which arrays of up to some megabytes come and go all the time: let it keep what they took.

    The system fills all memory with zeros before it hands it out, again and again. Search with ctranslate2 in two
    threads takes a third less of the processor's time without that, and the process 10 MB more. Overrules
    ``give_back_freed`` where both say something; returns whether there was an allocator to set.
    """
    return _set((_M_TRIM_THRESHOLD, _REUSED_BYTES), (_M_MMAP_THRESHOLD, _ALONE_BYTES))


def _set(*parameters: tuple[int, int]) -> bool:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:  # musl has none
        return False
    return all(bool(mallopt(name, value)) for name, value in parameters)


def settle() -> None:
    """For the moment when all is loaded that stays: collect what went with loading, and give it back.

    What is left is not looked through again: the collector's later rounds cost a process of a million objects half a
    second each. Free memory in the middle of the pools goes back as well.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    if sys.platform == "linux" and (malloc_trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        malloc_trim(0)


def without_holes() -> dict[str, str]:
    """Variables for a process whose highest memory is to be what its arrays take.

    By itself glibc keeps what it has had, with holes between what is in use: training a model, the highest memory grows
    over the first steps by half. Asking the system for every larger block takes longer.
    """
    return {"MALLOC_MMAP_THRESHOLD_": str(256 * 1024)}


def highest_bytes() -> float:
    """The most memory that this process has held.

    Not what getrusage says on Linux: there it begins with what the process that started this one held.
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return 1024.0 * int(found[1])
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
