"""A network's recorded passes: the same numbers, one recording for each shape, and its own way where none can be made.

CUDA is not needed: the recorder of these tests does a pass anew on what the inputs hold, into the same results, as the
replay of a CUDA graph does.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from common import hardware
from common.diffusion import replayed
from common.diffusion.opened import Opened
from common.diffusion.paint import paint
from common.diffusion.replayed import Replayed, Work
from common.diffusion.request import ImageRequest

CPU = torch.device("cpu")


class Recorder:
    """Counts what it records; its replays write over the results of the one before."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, work: Work) -> Work:
        self.recorded += 1
        results = work()

        def replay() -> tuple[torch.Tensor, ...]:
            self.replayed += 1
            for place, value in zip(results, work(), strict=True):
                place.copy_(value)
            return results

        return replay


def _given(unet: Any, rows: int = 2, seed: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a pipeline calls the tiny U-Net with."""
    chance = torch.Generator().manual_seed(seed)
    words = torch.randn(rows, 24, 32, generator=chance).to(unet.dtype)
    latents = torch.randn(rows, 4, 16, 16, generator=chance).to(unet.dtype)
    switches = {"cross_attention_kwargs": None, "added_cond_kwargs": None, "return_dict": False}
    return (latents, torch.tensor(500 + seed)), {"encoder_hidden_states": words, **switches}


@torch.inference_mode()
def test_a_pass_is_recorded_once_for_each_shape_and_gives_the_same_numbers(tiny_opened: Opened) -> None:
    unet, recorder = tiny_opened.network, Recorder()
    quick = Replayed(unet.forward, CPU, recorder)
    kept = []
    for rows, seed in ((2, 0), (2, 1), (4, 2), (2, 3)):
        args, kwargs = _given(unet, rows, seed)
        (ours,) = quick(*args, **kwargs)
        assert torch.equal(ours, unet(*args, **kwargs)[0])
        kept.append((ours, ours.clone()))
    assert (recorder.recorded, recorder.replayed) == (2, 4)
    assert all(torch.equal(ours, as_it_was) for ours, as_it_was in kept), "later passes have written over nothing"


@torch.inference_mode()
def test_tensors_inside_of_others_count_as_inputs() -> None:
    recorder = Recorder()
    quick = Replayed(lambda x, added, return_dict: (x + added["size"][0],), CPU, recorder)
    for number in (1.0, 2.0):
        given = {"size": [torch.tensor(number)]}
        assert quick(torch.zeros(3), given, return_dict=False)[0].tolist() == [number] * 3
    assert (recorder.recorded, recorder.replayed) == (1, 2)


@pytest.mark.parametrize(
    "change", [{"return_dict": True}, {"timestep": 500}, {"cross_attention_kwargs": {"scale": 0.5}}], ids=str
)
@torch.inference_mode()
def test_what_cannot_be_an_input_is_passed_on(tiny_opened: Opened, change: dict[str, Any]) -> None:
    (latents, timestep), kwargs = _given(tiny_opened.network)
    recorder = Recorder()
    Replayed(tiny_opened.network.forward, CPU, recorder)(latents, **({"timestep": timestep} | kwargs | change))
    assert recorder.recorded == 0


@torch.inference_mode()
def test_a_pass_that_cannot_be_recorded_is_done_as_ever(tiny_opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    tried = []

    def fails(work: Work) -> Work:
        tried.append(work)
        raise RuntimeError("operation not permitted when stream is capturing")

    quick = Replayed(tiny_opened.network.forward, CPU, fails)
    args, kwargs = _given(tiny_opened.network)
    with caplog.at_level(logging.WARNING):
        results = [quick(*args, **kwargs)[0] for _ in range(2)]
    wanted = tiny_opened.network(*args, **kwargs)[0]
    assert all(torch.equal(result, wanted) for result in results)
    assert len(tried) == len(caplog.records) == 1, "tried and told once"


@torch.inference_mode()
def test_of_many_shapes_the_last_used_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replayed, "_MOST", 2)
    recorder = Recorder()
    quick = Replayed(lambda x, return_dict: (x * 2,), CPU, recorder)
    for length in (1, 2, 1, 3, 1):  # 3 takes the place of 2
        quick(torch.ones(length), return_dict=False)
    assert recorder.recorded == 3
    quick(torch.ones(2), return_dict=False)
    assert recorder.recorded == 4


def test_a_batch_is_drawn_by_recorded_passes_and_the_network_is_its_own_again(tiny_opened: Opened) -> None:
    recorder = Recorder()
    quick = replace(tiny_opened, replayed=Replayed(tiny_opened.network.forward, CPU, recorder))
    requests = [ImageRequest("red apple", steps=4, size=32, seed=seed) for seed in (5, 6)]
    for _ in range(2):
        ours, plain = (paint(opened, requests) for opened in (quick, tiny_opened))
        for one, other in zip(ours, plain, strict=True):
            assert np.array_equal(np.asarray(one.images[0]), np.asarray(other.images[0]))
    assert (recorder.recorded, recorder.replayed) == (1, 8)
    assert "forward" not in vars(tiny_opened.network), "who looks into it sees its real passes"


def test_on_a_processor_nothing_is_recorded(tiny_opened: Opened) -> None:
    if hardware.device() != "cpu":
        pytest.skip("for a machine without a GPU")
    assert tiny_opened.replayed is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
def test_a_cuda_graph_gives_the_same_numbers(tiny_opened: Opened) -> None:
    assert tiny_opened.replayed is not None
    requests = [ImageRequest("red apple", steps=4, size=32, seed=seed) for seed in (5, 6)]
    ours = paint(tiny_opened, requests)
    plain = paint(replace(tiny_opened, replayed=None), requests)
    for one, other in zip(ours, plain, strict=True):
        assert np.abs(np.asarray(one.images[0]).astype(int) - np.asarray(other.images[0])).max() <= 2
