"""Work on the pipeline itself: in turns, ended when nobody waits, with its errors said to who asked."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from common import errors
from common.diffusion.opened import Opened
from common.diffusion.turns import Turns


def _count(opened: Opened, most: int) -> Iterator[int]:
    with opened.in_use():
        yield from range(most)


@pytest.fixture
def turns(tiny_opened: Opened) -> Iterator[Turns]:
    turns = Turns(lambda: tiny_opened, most=2)
    yield turns
    turns.close()


def test_events_come_in_order_and_the_place_is_free_again(turns: Turns) -> None:
    async def ask() -> list[list[int]]:
        async def one(most: int) -> list[int]:
            return [event async for event in turns.run(_count, most)]

        return await asyncio.gather(one(3), one(5))

    assert asyncio.run(ask()) == [[0, 1, 2], [0, 1, 2, 3, 4]]
    assert turns.active == 0


def test_who_leaves_ends_the_work_and_gives_the_pipeline_back(turns: Turns, tiny_opened: Opened) -> None:
    ended = threading.Event()

    def endless(opened: Opened, _: int) -> Iterator[int]:
        try:
            with opened.in_use():
                while True:
                    yield 1
        finally:
            ended.set()

    async def leave() -> None:
        async with contextlib.aclosing(turns.run(endless, 0)) as events:
            await anext(events)

    asyncio.run(leave())
    assert ended.wait(20) and turns.active == 0
    assert asyncio.run(_all(turns, 2)) == [0, 1]


def test_what_goes_wrong_is_said_and_the_next_one_is_served(turns: Turns) -> None:
    def fail(opened: Opened, _: int) -> Iterator[int]:
        yield 1
        raise errors.OutOfMemory(available=0.1)

    async def ask() -> None:
        async for _ in turns.run(fail, 0):
            pass

    with pytest.raises(errors.OutOfMemory):
        asyncio.run(ask())
    assert asyncio.run(_all(turns, 1)) == [0]


def test_a_closed_line_is_refused_and_keeps_no_place(turns: Turns) -> None:
    turns.close()
    with pytest.raises(errors.EngineStopped):
        asyncio.run(_all(turns, 1))
    assert turns.active == 0


def test_a_full_line_is_refused(turns: Turns) -> None:
    hold = threading.Event()

    def wait(opened: Opened, _: int) -> Iterator[int]:
        yield 1
        hold.wait(20)

    async def crowd() -> None:
        first = asyncio.ensure_future(_drain(turns, wait))
        second = asyncio.ensure_future(_drain(turns, wait))
        await asyncio.sleep(0)  # both begin
        try:
            with pytest.raises(errors.PicturesWaiting, match="other pictures"):
                await anext(turns.run(wait, 0))
        finally:
            hold.set()
            await asyncio.gather(first, second)

    asyncio.run(crowd())


async def _drain(turns: Turns, work: object) -> None:
    async for _ in turns.run(work, 0):  # type: ignore[arg-type]
        pass


async def _all(turns: Turns, most: int) -> list[int]:
    return [event async for event in turns.run(_count, most)]
