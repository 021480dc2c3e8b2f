"""The embedded diffusion model: one picture, 16 people at once against one after the other, and what the player costs.

The rival is diffusers' own pipeline with the same weights, dtype, threads and settings, called once for each picture.
Against the model's own 20 steps with guidance stand 4 steps of its version that was distilled to need no more.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import json
import time
import urllib.request
from dataclasses import replace

import httpx2
import numpy as np
import psutil
from PIL import Image

from bench.room import free_port, start_app
from bench.startup import memory_mb
from bench.tables import machine, median, report
from bench.use_cases import Page, nothing, together
from common.catalog import Model
from common.config import Settings
from common.diffusion import walk
from common.diffusion.engine import DiffusionEngine, Finished, ImageRequest
from common.diffusion.models import DiffusionModels, configured
from common.diffusion.opened import Opened, open_model

USERS = 16
_STILL = 10  # seconds without a change after which a space is at rest
STEPS = 20
FEW_STEPS, FEW_STEPS_MODEL = 4, "emoji-diffusion-lcm"
PROMPTS = ("red apple", "fox", "ghost", "rocket", "octopus", "pizza", "snowman", "sunflower")


def rival_seconds(opened: Opened, request: ImageRequest) -> float:
    """The pipeline alone, nobody watching."""
    import torch

    with opened.in_use() as pipe:
        start = time.perf_counter()
        pipe(
            request.prompt,
            negative_prompt="",
            num_inference_steps=request.steps,
            guidance_scale=request.guidance_scale,
            height=request.size,
            width=request.size,
            generator=torch.Generator().manual_seed(request.seed),
        )
        return time.perf_counter() - start


async def _seconds(engine: DiffusionEngine, request: ImageRequest) -> float:
    ends = [event async for event in engine.draw(request) if isinstance(event, Finished)]
    return ends[0].seconds


def in_turn(rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of a picture, in turn: diffusers alone, ours, ours with every step kept."""
    models = DiffusionModels(Settings(offline=True))
    engine = models.engine()
    opened = engine.opened()
    request = ImageRequest("red apple", steps=STEPS, guidance_scale=opened.guidance, size=opened.native)
    plain: list[float] = []
    ours: list[float] = []
    traced: list[float] = []
    for number in range(rounds):
        now = replace(request, seed=number)
        plain.append(rival_seconds(opened, now))
        ours.append(asyncio.run(_seconds(engine, now)))
        traced.append(asyncio.run(_seconds(engine, replace(now, trace=True))))
    models.close()
    return plain, ours, traced


def decoders_apart() -> float:
    """Mean difference, of 255, between what the full and the small decoder make of the same finished latents."""
    opened = open_model(configured("emoji-diffusion"))
    import torch  # after the model: torch reads how its threads shall wait when it is loaded

    settings = {"num_inference_steps": STEPS, "guidance_scale": opened.guidance}
    with opened.in_use() as pipe, torch.inference_mode():
        chances = [torch.Generator().manual_seed(number) for number in range(len(PROMPTS))]
        latents = pipe(list(PROMPTS), generator=chances, output_type="latent", **settings).images
        full = np.stack([np.asarray(picture, np.float32) for picture in walk.to_pictures(pipe, latents)])
    return float(np.abs(full - np.stack(opened.preview.pixels(latents))).mean())


class _Two(DiffusionModels):
    """The embedded models as if they were large ones: of those, only one stays in memory."""

    def usable(self) -> tuple[Model, ...]:
        """Both."""
        return tuple(replace(configured(name), embedded=False) for name in ("emoji-diffusion", FEW_STEPS_MODEL))


def memory_after_swaps(swaps: int = 20) -> tuple[float, float]:
    """Resident MB after the fifth and after the last time that one model made room for the other and drew."""
    models, used = _Two(Settings(offline=True)), []
    for number in range(swaps):
        model = models.usable()[number % 2]
        request = ImageRequest("red apple", steps=FEW_STEPS, guidance_scale=model.guidance or 1.0, size=model.size)
        asyncio.run(_seconds(models.engine(model.id), request))
        gc.collect()
        used.append(psutil.Process().memory_info().rss / 1e6)
    models.close()
    return used[4], used[-1]


async def room(
    url: str, users: int, at_once: bool, steps: int = STEPS, model: str = "auto"
) -> tuple[float, list[float]]:
    """Pictures per second of all users, and the seconds each waited."""
    waits: list[float] = []

    async def user(client: httpx2.AsyncClient, number: int) -> None:
        start = time.perf_counter()
        body = {"data": [PROMPTS[number % len(PROMPTS)], "", steps, -1, number, 0, "own", model]}
        answer = await client.post(f"{url}/gradio_api/call/draw", json=body)
        event = answer.raise_for_status().json()["event_id"]
        async with client.stream("GET", f"{url}/gradio_api/call/draw/{event}") as stream:
            lines = [line async for line in stream.aiter_lines() if line]
        data = json.loads(lines[-1].removeprefix("data: "))
        picture = await client.get(data[0]["url"])
        Image.open(io.BytesIO(picture.raise_for_status().content)).load()
        waits.append(time.perf_counter() - start)

    async with httpx2.AsyncClient(timeout=300, limits=httpx2.Limits(max_connections=4 * users)) as client:
        start = time.perf_counter()
        if at_once:
            await asyncio.gather(*(user(client, number) for number in range(users)))
        else:
            for number in range(users):
                await user(client, number)
        seconds = time.perf_counter() - start
    return users / seconds, waits


async def _drawn(page: Page, number: int) -> None:
    await page.press("image-go", {"image-seed": number})


async def _played(page: Page, number: int) -> None:
    await page.press("denoise-go", {"denoise-seed": number})


def through_the_pages(url: str, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a picture in the tab Text to image and in the Denoising player, in turn, as their pages ask for it."""
    with urllib.request.urlopen(f"{url}/config") as page:
        description = json.load(page)
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for work, found in zip((_drawn, _played), seconds, strict=True):
            once = asyncio.run(together(url, description, (nothing, work), [number]))
            if once.answers[0].failure:
                raise RuntimeError(once.answers[0].failure)
            found.append(once.seconds)
    return seconds


def at_rest(process: psutil.Process) -> float:
    """Memory in MB of an app that has loaded all it loads by itself: when it has not moved for ten seconds."""
    seen: list[float] = []
    while len(seen) < _STILL or max(seen[-_STILL:]) - min(seen[-_STILL:]) > 1:
        time.sleep(1)
        seen.append(memory_mb(process))
    return seen[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    plain, ours, traced = in_turn(rounds)
    early, late = memory_after_swaps()
    apart = decoders_apart()
    port = free_port()
    app = start_app(port, "diffusion")
    url = f"http://127.0.0.1:{port}"
    try:
        idle = at_rest(psutil.Process(app.pid))  # the model is loaded while nobody has asked for anything
        asyncio.run(room(url, 1, True))
        used = memory_mb(psutil.Process(app.pid))
        alone, together, quick = [], [], []
        for _ in range(max(2, rounds // 2)):  # in turn, so that a busy machine hits both
            alone.append(asyncio.run(room(url, USERS // 2, False)))
            together.append(asyncio.run(room(url, USERS, True)))
        drawn, played = through_the_pages(url, rounds)
        most = memory_mb(psutil.Process(app.pid))
        asyncio.run(room(url, 1, True, FEW_STEPS, FEW_STEPS_MODEL))
        for _ in range(max(2, rounds // 2)):
            alone.append(asyncio.run(room(url, USERS // 2, False)))
            quick.append(asyncio.run(room(url, USERS // 2, False, FEW_STEPS, FEW_STEPS_MODEL)))
        both = memory_mb(psutil.Process(app.pid))
    finally:
        app.terminate()
        app.wait(20)
    one, all_ = median([speed for speed, _ in alone]), median([speed for speed, _ in together])
    first = median([wait for _, waits in alone for wait in waits])
    few = median([wait for _, waits in quick for wait in waits])
    slowest = max(wait for _, waits in together for wait in waits)
    kept, watched, page = (
        100 * (median([b / a for a, b in zip(before, after, strict=True)]) - 1)
        for before, after in ((ours, traced), (plain, ours), (drawn, played))
    )
    report(
        "diffusion",
        f"Drawing, embedded model, {STEPS} steps",
        ("what", "measured", "aim"),
        [
            ["one picture through the web app, prompt to PNG", f"{first:.2f} s", "≤ 3 s"],
            [
                f"the same in {FEW_STEPS} steps, without guidance (LCM-LoRA)",
                f"{few:.2f} s, **{first / few:.1f} ×** as fast",
                "",
            ],
            ["diffusers' own pipeline, one picture", f"{median(plain):.2f} s", ""],
            ["one visitor after the other, through the web app", f"{one:.2f} pictures/s", ""],
            [
                f"{USERS} visitors at once, through the web app",
                f"{all_:.2f} pictures/s, **{all_ / one:.1f} ×**; the last has waited {slowest:.1f} s",
                "≥ 3 ×",
            ],
            ["over the plain pipeline: a preview at every step", f"{watched:+.0f} %", ""],
            ["over that: everything the Denoising player shows", f"{kept:+.0f} %", "≤ 15 %"],
            [
                "… as the pages ask for it: the player over Text to image",
                f"{median(played):.2f} s for {median(drawn):.2f} s, **{page:+.0f} %**",
                "≤ 15 %",
            ],
            [
                "memory of the space, idle / after its first picture / highest",
                f"**{idle:.0f}** / {used:.0f} / {most:.0f} MB",
                "≤ 600 MB idle",
            ],
            ["… with the model of few steps loaded too", f"{both:.0f} MB", ""],
            ["resident memory after 5 and after 20 swaps of two models", f"{early:.0f} / {late:.0f} MB", "flat"],
            ["previews' small decoder beside the full one, mean difference", f"{apart:.1f} of 255", ""],
        ],
        [
            f"Medians of {rounds} rounds in turn; ratios are medians of the rounds' own.",
            f"{machine()}, the client included.",
        ],
    )


if __name__ == "__main__":
    main()
