"""Same request, same seed: how often does the text differ, again alone, and in the company of others?

Adding numbers up in another order changes their last digits, and a token that was a near tie may fall the other way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.tables import machine, report
from common import catalog
from common.config import settings
from common.text.engine import GenerationRequest, Message, SamplingSettings, TextEngine, TokenBundle
from common.text.models import Choice, build_engine

TEXTS, NEW_TOKENS, COMPANY = 40, 60, 8


def request(number: int) -> GenerationRequest:
    """One of the texts: its own question and seed."""
    return GenerationRequest(
        messages=(Message("user", f"Tell me something about the number {number}."),),
        sampling=SamplingSettings(temperature=0.8, top_p=0.95, seed=number, max_new_tokens=NEW_TOKENS, ignore_eos=True),
    )


async def write(engine: TextEngine, number: int) -> list[int | None]:
    """The ids of one text."""
    ids: list[int | None] = []
    async for event in engine.stream(request(number)):
        if isinstance(event, TokenBundle):
            ids += [token.id for token in event.tokens]
    return ids


def compare(first: Sequence[Sequence[int | None]], second: Sequence[Sequence[int | None]]) -> tuple[int, float]:
    """How many texts are the same to the end, and the mean length of their common beginning."""
    common = [
        next((place for place, (a, b) in enumerate(zip(one, two, strict=True)) if a != b), len(one))
        for one, two in zip(first, second, strict=True)
    ]
    return sum(length == NEW_TOKENS for length in common), sum(common) / len(common)


async def run() -> list[list[str]]:
    engine = build_engine(Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), settings())
    await engine.info()
    numbers = range(TEXTS)
    alone = [await write(engine, number) for number in numbers]
    again = [await write(engine, number) for number in numbers]
    together = list(await asyncio.gather(*(write(engine, number) for number in numbers)))
    smaller: list[list[int | None]] = []
    for start in range(0, TEXTS, COMPANY):
        smaller += await asyncio.gather(*(write(engine, number) for number in numbers[start : start + COMPANY]))
    await engine.close()
    pairs = {
        "alone, and alone again": (alone, again),
        f"in a batch of {COMPANY}, and of {TEXTS}": (smaller, together),
        f"alone, and in a batch of {TEXTS}": (alone, together),
    }
    rows = []
    for name, (first, second) in pairs.items():
        same, common = compare(first, second)
        rows.append([name, f"{same} of {TEXTS}", f"{common:.0f} of {NEW_TOKENS} tokens"])
    return rows


def main() -> None:
    report(
        "batch_determinism",
        "Same request, same seed, embedded model: is it the same text?",
        ["written", "same text", "mean common beginning"],
        asyncio.run(run()),
        [machine() + "."],
    )


if __name__ == "__main__":
    main()
