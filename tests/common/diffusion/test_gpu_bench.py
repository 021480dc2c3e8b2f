"""The measurement for a GPU, at the size of the tiny model on a processor: all ways draw, and its table is right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench import gpu_diffusion
from bench.gpu_diffusion import OURS, RIVAL, Found, measure, table


def test_every_way_draws_the_rivals_pictures(tiny_diffusion: Path) -> None:
    found = measure(tiny_diffusion, list(gpu_diffusion.WAYS), rounds=2, steps=2, together=(1, 3))
    assert list(found) == list(gpu_diffusion.WAYS)
    for way in found.values():
        assert {count: len(seconds) for count, seconds in way.seconds.items()} == {1: 2, 3: 2}
        assert way.apart < 1, "of 255: the same seeds, whoever draws"
    assert found[RIVAL].apart == 0


def test_the_table_says_pictures_a_second_and_the_median_of_the_ratios() -> None:
    slow, quick = (
        Found({1: [2.0, 4.0, 2.0], 8: [8.0, 8.0, 8.0]}, 5000.0, 0.0),
        Found({1: [1.0, 1.0, 1.0], 8: [4.0, 4.0, 2.0]}, 6000.0, 1.25),
    )
    first, second = table({RIVAL: slow, OURS: quick})
    assert first[1:] == ["0.50 pictures/s", "1.00 pictures/s", "5000 MB", ""]
    assert second[1:] == [
        "1.00 pictures/s, **2.00 ×** (aim: 1.5 ×)",
        "2.00 pictures/s, **2.00 ×**",
        "6000 MB",
        "1.2 of 255",
    ]


@pytest.mark.skipif(torch.cuda.is_available(), reason="for a machine without a CUDA card")
def test_without_a_card_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu_diffusion"])
    gpu_diffusion.main()
    assert capsys.readouterr().out == "no CUDA card here: nothing measured\n"
