"""Memory that a process has freed goes back to the system."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from common.memory import highest_bytes, settle

# Twelve threads take memory at the same time; then glibc describes its pools, one <heap> each, on standard output.
_PROGRAM = """
import ctypes, sys, threading
from common.memory import give_back_freed
if sys.argv[1] == "set":
    assert give_back_freed()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
meeting = threading.Barrier(12)
def work():
    for _ in range(20):
        meeting.wait()
        libc.malloc(32_000)
    meeting.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_many_threads_share_two_pools() -> None:
    pools = {
        way: subprocess.run(
            [sys.executable, "-c", _PROGRAM, way], capture_output=True, text=True, check=True
        ).stdout.count("<heap nr=")
        for way in ("set", "not")
    }
    assert pools["set"] <= 2 < pools["not"]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_is_reused_is_not_asked_for_again() -> None:
    """Arrays of four megabytes come and go: how often the system has to hand out a page."""
    program = """
import ctypes, resource, sys
from common.memory import give_back_freed, reuse_freed
assert give_back_freed()
if sys.argv[1] == "reuse":
    assert reuse_freed()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    block = libc.malloc(4_000_000)
    ctypes.memset(block, 1, 4_000_000)
    libc.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = {
        way: int(
            subprocess.run([sys.executable, "-c", program, way], capture_output=True, text=True, check=True).stdout
        )
        for way in ("reuse", "not")
    }
    assert 10 * faults["reuse"] < faults["not"]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_settling_gives_back_what_lies_between_blocks_in_use() -> None:
    program = """
import ctypes
import psutil
from common.memory import settle
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(1000)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for place, block in enumerate(blocks):
    if place % 10:
        libc.free(block)
process = psutil.Process()
before = process.memory_info().rss
settle()
print(before - process.memory_info().rss)
"""
    given_back = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(given_back) > 50_000_000  # of 90 MB that were free


def test_settling_wakes_the_collector_and_spares_it_what_stays() -> None:
    gc.disable()
    try:
        settle()
        assert gc.isenabled() and gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
        gc.enable()


def test_the_most_memory_held_is_that_of_this_process_and_not_of_who_started_it() -> None:
    held = bytearray(400 * 10**6)
    held[::4096] = b"x" * len(held[::4096])  # touched, so that it is really there
    assert highest_bytes() > len(held)
    script = "from common.memory import highest_bytes; print(highest_bytes())"
    child = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)
    assert 5e6 < float(child.stdout) < len(held) / 4
