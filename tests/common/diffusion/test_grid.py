"""Two knobs at once: every pair once, equal settings together, each picture the one that its request alone gives."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common import errors
from common.diffusion import grid
from common.diffusion.engine import DiffusionEngine, Finished, ImageRequest
from common.diffusion.grid import Axis, Cell, Drawn

BASE = ImageRequest("red apple", steps=2, guidance_scale=2.0, seed=5, size=32)
GUIDANCE, SEEDS = Axis("guidance", (1.0, 3.0)), Axis("seed", (5, 9))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True), st.integers(1, 7))
def test_every_cell_is_in_one_batch_of_equals(seeds: list[int], most: int) -> None:
    found = grid.cells(BASE, GUIDANCE, Axis("seed", tuple(seeds)))
    groups = grid.batches(found, most)
    assert sorted((c.row, c.column) for group in groups for c in group) == sorted((c.row, c.column) for c in found)
    assert all(len(group) <= most and len({c.request.batch_key for c in group}) == 1 for group in groups)
    assert len(groups) == 2 * -(-len(seeds) // most), "no more batches than needed"


def test_rows_go_down_and_columns_across() -> None:
    found = grid.cells(BASE, GUIDANCE, SEEDS)
    assert [(c.row, c.column, c.request.guidance_scale, c.request.seed) for c in found] == [
        (0, 0, 1.0, 5),
        (0, 1, 3.0, 5),
        (1, 0, 1.0, 9),
        (1, 1, 3.0, 9),
    ]


def test_the_first_word_is_replaced_in_the_prompt() -> None:
    words = Axis("word", ("apple", "pear"))
    found = grid.cells(BASE, words, Axis("scheduler", ("ddim",)))
    assert [(c.request.prompt, c.request.scheduler) for c in found] == [("red apple", "ddim"), ("red pear", "ddim")]
    with pytest.raises(errors.InvalidInput, match="in the prompt"):
        grid.cells(BASE, Axis("word", ("fox", "pear")), SEEDS)


def test_each_picture_is_what_its_request_gives_alone(tiny_engine: DiffusionEngine) -> None:
    async def both() -> tuple[list[Drawn], Image.Image]:
        drawn = [one async for one in grid.draw(tiny_engine, grid.cells(BASE, GUIDANCE, SEEDS), 4)]
        request = next(one.cell.request for one in drawn if (one.cell.row, one.cell.column) == (1, 1))
        events = [event async for event in tiny_engine.draw(request)]
        assert isinstance(events[-1], Finished)
        return drawn, events[-1].images[0]

    drawn, alone = asyncio.run(both())
    assert len(drawn) == 4 and len({one.image.tobytes() for one in drawn}) == 4
    corner = next(one.image for one in drawn if (one.cell.row, one.cell.column) == (1, 1))
    assert np.abs(np.asarray(corner).astype(int) - np.asarray(alone)).max() <= 2


def test_who_leaves_frees_the_places(tiny_engine: DiffusionEngine) -> None:
    async def leave() -> None:
        pictures = grid.draw(tiny_engine, grid.cells(BASE, GUIDANCE, SEEDS), 4)
        await anext(pictures)
        await pictures.aclose()

    asyncio.run(leave())
    assert tiny_engine.active == 0


def test_one_picture_has_every_cell_in_its_place() -> None:
    colours = {(0, 0): "red", (0, 1): "blue", (1, 1): "lime"}
    drawn = [Drawn(Cell(*place, BASE), Image.new("RGB", (64, 64), colour), False) for place, colour in colours.items()]
    board = Image.open(io.BytesIO(grid.sheet(drawn, ["guidance 1", "guidance 3"], ["seed 5", "seed 9"])))
    pixels = np.asarray(board.convert("RGB")).astype(int)
    middles = {}
    for place, rgb in (((0, 0), (255, 0, 0)), ((0, 1), (0, 0, 255)), ((1, 1), (0, 255, 0))):
        down, across = np.nonzero((pixels == rgb).all(2))
        assert len(down) >= 128 * 128
        middles[place] = down.mean(), across.mean()
    assert middles[0, 0][0] == middles[0, 1][0] < middles[1, 1][0]
    assert middles[0, 0][1] < middles[0, 1][1] == middles[1, 1][1]
    margin = int(middles[0, 0][1]) - 64
    assert (pixels[:, : margin - 2] < 100).any(), "the rows have their names"
