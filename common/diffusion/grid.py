"""Two knobs turned at once: a request for every pair of values, drawn in as few batches as can be, as one picture.

Knows nothing about pages; which values a visitor may ask for is checked before.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from common import errors
from common.diffusion.engine import DiffusionEngine, Finished, ImageRequest
from common.errors import Phrase

# What can be turned, and the part of a request that it is; a word is replaced in the prompt.
KNOBS = {"guidance": "guidance_scale", "steps": "steps", "seed": "seed", "scheduler": "scheduler", "word": "prompt"}
Value = float | int | str
# Of the saved picture, in pixels: edge of a picture at least, gap, size of letters.
_EDGE, _GAP, _LETTERS = 128, 8, 16


@dataclass(frozen=True, slots=True)
class Axis:
    """A knob and the values it takes, from left to right or from top to bottom."""

    knob: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of the grid: its place, and the request that draws it."""

    row: int
    column: int
    request: ImageRequest


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cell's picture; ``hidden`` by the model's safety checker."""

    cell: Cell
    image: Image.Image
    hidden: bool


def turn(request: ImageRequest, axis: Axis, value: Value) -> ImageRequest:
    """The request with the axis' knob at ``value``.

    Of a word, the first value of its axis is looked for in the prompt and replaced, as in other programs' grids.

    Raises:
        InvalidInput: that first value is not in the prompt.
    """
    if axis.knob != "word":
        turned: dict[str, Any] = {KNOBS[axis.knob]: value}
        return replace(request, **turned)
    first = str(axis.values[0])
    if first not in request.prompt:
        raise errors.InvalidInput(field="grid_values", allowed=Phrase("word_of_prompt"))
    return replace(request, prompt=request.prompt.replace(first, str(value)))


def cells(base: ImageRequest, across: Axis, down: Axis) -> list[Cell]:
    """Every pair of values, row by row."""
    return [
        Cell(row, column, turn(turn(base, across, wide), down, deep))
        for row, deep in enumerate(down.values)
        for column, wide in enumerate(across.values)
    ]


def batches(found: Sequence[Cell], most: int) -> list[list[Cell]]:
    """The cells in groups that can be drawn as one batch each: the same settings, ``most`` at a time."""

    def key(cell: Cell) -> str:
        return repr(cell.request.batch_key)

    groups = [list(group) for _, group in groupby(sorted(found, key=key), key)]
    return [group[place : place + most] for group in groups for place in range(0, len(group), most)]


async def draw(engine: DiffusionEngine, found: Sequence[Cell], most: int) -> AsyncGenerator[Drawn, None]:
    """The pictures as they are finished, one batch after another so that others get their turn between them.

    Closing the generator takes what is not finished out of the line.
    """

    async def one(cell: Cell) -> Drawn:
        async with contextlib.aclosing(engine.draw(cell.request)) as events:
            *_, last = [event async for event in events if isinstance(event, Finished)]
        return Drawn(cell, last.images[0], last.hidden[0])

    for batch in batches(found, most):
        tasks = [asyncio.ensure_future(one(cell)) for cell in batch]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def sheet(drawn: Sequence[Drawn], across: Sequence[str], down: Sequence[str]) -> bytes:
    """All pictures as one PNG on white, with the values at the edges; what is not finished stays empty.

    Args:
        across, down: what stands above the columns and beside the rows.
    """
    edge = max([_EDGE, *(one.image.width for one in drawn)])
    font = ImageFont.load_default(size=max(_LETTERS, edge // 10))
    left = _GAP * 2 + max(round(font.getlength(label)) for label in down)
    column = max(edge, *(round(font.getlength(label)) for label in across))
    top = _GAP * 2 + round(font.size) + _GAP  # type: ignore[union-attr]  # the default font has a size
    board = Image.new("RGB", (left + len(across) * (column + _GAP), top + len(down) * (edge + _GAP)), "white")
    pen = ImageDraw.Draw(board)
    for place, label in enumerate(across):
        pen.text((left + place * (column + _GAP) + column / 2, top - _GAP), label, "black", font, anchor="ms")
    for place, label in enumerate(down):
        pen.text((left - _GAP, top + place * (edge + _GAP) + edge / 2), label, "black", font, anchor="rm")
    for one in drawn:
        picture = one.image.convert("RGB").resize((edge, edge), Image.Resampling.BICUBIC)
        x = left + one.cell.column * (column + _GAP) + (column - edge) // 2
        board.paste(picture, (x, top + one.cell.row * (edge + _GAP)))
    file = io.BytesIO()
    board.save(file, "PNG")
    return file.getvalue()
