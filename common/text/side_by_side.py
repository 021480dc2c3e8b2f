"""Two texts written at the same time: by two models, or twice by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from common.text.engine import GenerationRequest, TextEngine, TokenBundle

Writing = tuple[TextEngine, GenerationRequest]


async def side_by_side(first: Writing, second: Writing) -> AsyncGenerator[tuple[str, str], None]:
    """Both texts so far, whenever either has more. Leaving early stops both; what goes wrong in one is raised."""
    texts = ["", ""]
    news: asyncio.Queue[bool] = asyncio.Queue()  # whether one of them has ended

    async def write(place: int, engine: TextEngine, request: GenerationRequest) -> None:
        try:
            async with contextlib.aclosing(engine.stream(request)) as events:
                async for event in events:
                    if isinstance(event, TokenBundle):
                        texts[place] += "".join(token.text for token in event.tokens if not token.special)
                        news.put_nowait(False)
        finally:
            news.put_nowait(True)

    tasks = [asyncio.create_task(write(place, *what)) for place, what in enumerate((first, second))]
    try:
        left = len(tasks)
        while left:
            left -= await news.get()
            yield texts[0], texts[1]
        for task in tasks:
            await task  # raises what went wrong in it
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
