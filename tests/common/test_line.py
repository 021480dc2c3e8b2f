"""A line for heavy work: one place for each visitor, a bound for all, and turns in the order of coming."""

from __future__ import annotations

import asyncio

import pytest

from common import errors
from common.line import Line


def test_few_work_at_once_and_the_rest_in_the_order_in_which_they_came() -> None:
    async def room() -> tuple[list[str], list[int], int]:
        line, begun, ahead, working, most = Line(2, 10), [], [], 0, 0

        async def visit(name: str) -> None:
            nonlocal working, most
            with line.join(name):
                ahead.append(line.ahead)
                async with line.turn:
                    begun.append(name)
                    working += 1
                    most = max(most, working)
                    await asyncio.sleep(0)
                    working -= 1

        await asyncio.gather(*map(visit, "abcde"))
        return begun, ahead, most

    assert asyncio.run(room()) == (list("abcde"), [0, 0, 1, 2, 3], 2)


def test_one_place_for_each_visitor_and_a_bound_for_all() -> None:
    line = Line(1, 2)
    with line.join("a"):
        with pytest.raises(errors.StillAtWork), line.join("a"):
            pass
        with line.join("b"), pytest.raises(errors.LineFull) as refused, line.join("c"):
            pass
        assert refused.value.params == {"waiting": 2}
        with line.join("c"):  # the place of "b" is free again
            pass
    with line.join("a"):
        assert line.ahead == 0


def test_who_leaves_while_waiting_gives_place_and_turn_to_others() -> None:
    async def room() -> bool:
        line, free = Line(1, 2), asyncio.Event()

        async def visit(name: str) -> bool:
            with line.join(name):
                async with line.turn:
                    await free.wait()
            return True

        working, waiting = asyncio.create_task(visit("a")), asyncio.create_task(visit("b"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        follows = asyncio.create_task(visit("c"))
        await asyncio.sleep(0)
        free.set()
        return all(await asyncio.gather(working, follows))

    assert asyncio.run(room())
