"""On a CUDA card: the transformers engine at 1 and 64 streams, beside the model's own ``generate``, in the same run."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from bench.tables import machine, median, report
from common import catalog
from common.config import settings
from common.text.convert import convert
from common.text.engine import Finished, GenerationRequest, SamplingSettings, TextEngine
from common.text.models import Choice, build_engine

NEW_TOKENS, ROUNDS = 200, 3
PROMPT = tuple(range(100, 164))  # 64 ids: what they say makes no difference to speed


async def engine_speed(engine: TextEngine, streams: int) -> float:
    """Tokens per second of all streams together."""

    async def one(number: int) -> int:
        sampling = SamplingSettings(temperature=0.7, seed=number, max_new_tokens=NEW_TOKENS, ignore_eos=True)
        async for event in engine.stream(GenerationRequest(prompt_ids=(*PROMPT, 200 + number), sampling=sampling)):
            if isinstance(event, Finished):
                return event.new_tokens
        raise AssertionError("a stream without an end")

    start = time.perf_counter()
    counts = await asyncio.gather(*(one(number) for number in range(streams)))
    return sum(counts) / (time.perf_counter() - start)


def generate_speed(model: torch.nn.Module, streams: int) -> float:
    """The same with one call of ``generate`` on a fixed batch."""
    ids = torch.tensor([[*PROMPT, 200 + number] for number in range(streams)], device="cuda")
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True, temperature=0.7, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, pad_token_id=0
    )
    torch.cuda.synchronize()
    start = time.perf_counter()
    model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config)  # type: ignore[operator]
    torch.cuda.synchronize()
    return streams * NEW_TOKENS / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", default=catalog.EMBEDDED_CHAT_MODEL)
    name = parser.parse_args().model
    if not torch.cuda.is_available():
        print("no CUDA card here: nothing measured")
        return
    model = catalog.find(name)
    path = catalog.locate(model)
    folder = convert(path) if Path(path).suffix == ".gguf" else path
    engine = build_engine(Choice(model, "transformers"), settings())

    async def run() -> dict[int, float]:
        await engine.info()
        await engine_speed(engine, 2)
        found = {n: median([await engine_speed(engine, n) for _ in range(ROUNDS)]) for n in (1, 64)}
        await engine.close()
        return found

    ours = asyncio.run(run())
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, use_safetensors=True)
    plain.to(device="cuda").eval()  # type: ignore[call-arg]
    generate_speed(plain, 2)
    rows = []
    for streams, speed in ours.items():
        rival = median([generate_speed(plain, streams) for _ in range(ROUNDS)])
        rows.append([str(streams), f"{speed:.0f}", f"{rival:.0f}", f"**{speed / rival:.2f} ×**"])
    report(
        "gpu_streams",
        f"{model.title} on a GPU: the transformers engine and generate",
        ["streams", "engine, tokens/s", "generate, tokens/s", "ratio"],
        rows,
        [f"{torch.cuda.get_device_name()}, bf16, {NEW_TOKENS} tokens per stream. {machine()}."],
    )


if __name__ == "__main__":
    main()
