"""Calls of a lent GPU: the seconds that each asks for follow from its own arguments, within limits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from common import hardware
from common.diffusion import paint, turns
from common.diffusion.request import ImageRequest
from common.text.engine import GenerationRequest, SamplingSettings
from common.text.engines import inprocess
from common.text.engines.wire import request_to_wire
from common.translation.engines import transformers


def test_the_estimate_of_a_call_reaches_zerogpu(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def decorate(duration: Callable[..., int]) -> Callable[[Any], Any]:
        def lend(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*values: Any) -> Any:
                asked.append(duration(*values))
                return function(*values)

            return call

        return lend

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=decorate))

    @hardware.gpu(lambda number: hardware.lent_seconds(10.0 * number))
    def double(number: int) -> int:
        return 2 * number

    assert [double(number) for number in (1, 5, 90)] == [2, 10, 180]
    assert asked == [15, 50, 120]


def test_more_work_asks_for_more_seconds() -> None:
    def text(tokens: int) -> int:
        wire = request_to_wire(GenerationRequest(prompt="a", sampling=SamplingSettings(max_new_tokens=tokens)))
        return inprocess._lent_for("path", "name", wire, 1)

    picture = ImageRequest("a", size=512)

    def pictures(**changed: Any) -> int:
        return paint._lent_for("model", [replace(picture, **changed)])

    def sentences(count: int) -> int:
        return transformers._lent_for(print, input_ids=[[1]] * count)

    assert text(50) < text(500) < text(100_000) == 120
    assert pictures(steps=1) < pictures(steps=50) < pictures(steps=50, images=4)
    assert paint._lent_for("model", [picture] * 3) > pictures()
    assert sentences(1) < sentences(40) < sentences(1000) == 120
    assert turns._lent_for("model", lambda *_: iter(()), picture) < turns._lent_for(
        "model", lambda *_: iter(()), replace(picture, steps=60)
    )


def test_free_memory_is_that_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's: what its driver has left, and what torch holds and lends again; the processor's is another matter."""
    import torch

    monkeypatch.setattr(hardware, "free_memory_gb", lambda: 3.0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (7 * 10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 5 * 10**9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 4 * 10**9)
    assert hardware.free_gb("cpu") == 3.0
    assert hardware.free_gb("cuda") == 8.0
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert hardware.free_gb("cuda") == 3.0
