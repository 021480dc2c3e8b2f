"""What this machine is: device, dtype, threads, memory; and ZeroGPU's decorator, or nothing in its place.

Everything is found out on first use; importing this module costs nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda", "mps"]
F = TypeVar("F", bound=Callable[..., Any])
# Bounds of ``lent_seconds``: the model's way to the GPU, and what a day's quota of visitors bears.
_LEAST_LENT, _MOST_LENT = 15, 120


def on_zerogpu() -> bool:
    """Whether this is a Hugging Face Space with a GPU lent per call."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in {"1", "true"}


def gpu(duration: int | Callable[..., int] = 60) -> Callable[[F], F]:
    """Mark a function that needs the GPU for up to ``duration`` seconds; a callable tells them from the arguments.

    On ZeroGPU it becomes ``spaces.GPU(duration=…)``; anywhere else the function is returned as it is.
    Source: Hugging Face Hub documentation, *Spaces ZeroGPU*.
    """
    if not on_zerogpu():
        return lambda function: function
    import spaces

    decorate: Callable[[F], F] = spaces.GPU(duration=duration)  # type: ignore[attr-defined,unused-ignore]
    return decorate


def lent_seconds(estimated: float) -> int:
    """Seconds to ask a GPU for: the estimate within sensible limits. Too few end the call, too many cost quota."""
    return round(min(max(estimated, _LEAST_LENT), _MOST_LENT))


def has_nvidia_gpu() -> bool:
    """Whether an NVIDIA driver is loaded; costs no import of torch."""
    return os.path.exists("/proc/driver/nvidia/version") or os.path.exists("/dev/nvidiactl") or on_zerogpu()


@lru_cache
def device() -> Device:
    """The best device torch can use here. Imports torch."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def compute_dtype(place: Device) -> torch.dtype:
    """bfloat16 where the processor multiplies it natively (half the memory, as fast or faster), else float32."""
    import torch

    if place == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if place == "cpu" and cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


@lru_cache
def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 natively (AVX512-BF16 or AMX)."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:
            flags = file.read()
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def cpp_compiler() -> str | None:
    """The C++ compiler that torch would call; None: there is none, or one (on Windows) that torch has to be told of."""
    if sys.platform == "win32":
        return None
    return shutil.which(os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++"))


def processor() -> str:
    """The processor's name, as its maker calls it where the system tells."""
    import platform

    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """CPU cores this process may use (a container's share, not the host's count)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory_gb() -> float:
    """Memory that can be had now, in GB (10^9 bytes)."""
    import psutil

    return float(psutil.virtual_memory().available) / 1e9


def free_gb(place: str) -> float:
    """Memory that can be had now on a device, in GB (10^9 bytes): a GPU's own, else the processor's.

    On ZeroGPU it is the processor's, too: there is no GPU to ask between two calls.
    """
    if place != "cuda" or on_zerogpu():
        return free_memory_gb()
    import torch

    kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # torch has it, and lends it again
    return float(torch.cuda.mem_get_info()[0] + kept) / 1e9


def load(seconds: float) -> float:
    """Percent of all cores that were at work during so many seconds, for any process; waits for them to pass."""
    import psutil

    return float(psutil.cpu_percent(seconds))
