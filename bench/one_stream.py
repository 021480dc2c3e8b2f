"""One user, the embedded model: decode speed of our engine and of llama-cpp-python, in turn, on the same machine.

The limit of decoding is the memory: every token reads all weights once. So the table also gives the bytes that a
token reads, over the bandwidth that this machine was measured to have, and how near each engine comes.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.rival import PROMPT, LlamaCpp
from bench.tables import machine, median, report
from common import catalog, hardware
from common.config import settings
from common.text.engine import Finished, GenerationRequest, SamplingSettings, TextEngine
from common.text.models import Choice, build_engine

NEW_TOKENS, ROUNDS = 200, 7


async def ours(engine: TextEngine) -> float:
    """Tokens per second of one greedy stream, through the engine's process."""
    sampling = SamplingSettings(temperature=0, max_new_tokens=NEW_TOKENS, ignore_eos=True)
    async for event in engine.stream(GenerationRequest(prompt=PROMPT, sampling=sampling)):
        if isinstance(event, Finished):
            return event.tokens_per_second
    raise AssertionError("a stream without an end")


def build(reproducible: bool) -> TextEngine:
    """The embedded model's engine, as the app makes it."""
    config = settings().model_copy(update={"reproducible": reproducible})
    return build_engine(Choice(catalog.find(catalog.EMBEDDED_CHAT_MODEL), "openvino"), config)


def memory_bandwidth() -> float:
    """GB/s that all cores read together: sums over an array far larger than the caches, the best of several."""
    threads = hardware.cores()
    arrays = [np.ones(64_000_000, dtype=np.float32) for _ in range(threads)]  # 256 MB each
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(6):
            start = time.perf_counter()
            list(pool.map(lambda array: float(np.add.reduce(array)), arrays))  # numpy releases the interpreter lock
            best = max(best, threads * 0.256 / (time.perf_counter() - start))
    return best


def main() -> None:
    model = catalog.find(catalog.EMBEDDED_CHAT_MODEL)
    engines = {
        "demystify, reproducible (the default)": build(reproducible=True),
        "demystify, `DEMYSTIFY_REPRODUCIBLE=false`": build(reproducible=False),
    }
    rival = LlamaCpp()
    speeds: dict[str, list[float]] = {name: [] for name in engines}
    rival_speeds: list[float] = []

    async def run() -> None:
        for engine in engines.values():
            await engine.info()
        for counted in range(ROUNDS + 1):
            row = {name: await ours(engine) for name, engine in engines.items()}
            rival_speed = rival.tokens_per_second(PROMPT, NEW_TOKENS)
            if counted:  # the first round warms all up
                for name, speed in row.items():
                    speeds[name].append(speed)
                rival_speeds.append(rival_speed)
        for engine in engines.values():
            await engine.close()

    asyncio.run(run())
    bandwidth = memory_bandwidth()
    size = catalog.locate(model).stat().st_size / 1e9
    limit = bandwidth / size
    rival_median = median(rival_speeds)
    rows = []
    for name, found in speeds.items():
        ratio = median([a / b for a, b in zip(found, rival_speeds, strict=True)])
        rows.append([name, f"{median(found):.0f}", f"**{ratio:.2f} ×**", f"{median(found) / limit:.0%}"])
    rows.append(["llama-cpp-python", f"{rival_median:.0f}", "1 ×", f"{rival_median / limit:.0%}"])
    report(
        "one_stream",
        "One user: decode speed of the embedded model",
        ["engine", "tokens/s", "ratio", "of the memory's limit"],
        rows,
        [
            f"Medians of {ROUNDS} rounds in turn, {NEW_TOKENS} tokens each. {machine()}.",
            f"Limit: {size * 1000:.0f} MB of weights per token, {bandwidth:.1f} GB/s measured: {limit:.0f} tokens/s.",
        ],
    )


if __name__ == "__main__":
    main()
