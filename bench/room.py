"""A room of people at once, through the web app: one asynchronous program holds their streams on the app's own API.

The app runs in its own processes on this machine, as ``python app.py`` starts it; the client and the app share its
cores, as they would not in a seminar. The rival is llama-cpp-python's single stream, measured before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import httpx2
from tokenizers import Tokenizer

from bench.rival import PROMPT, LlamaCpp
from bench.tables import machine, median, percentile, report
from common import catalog
from common.text.convert import convert

ROOT = Path(__file__).resolve().parents[1]
TOPICS = ("rivers", "trains", "bread", "the moon", "bees", "maps", "clocks", "snow", "bridges", "tea")
NEW_TOKENS = 120
# What the figures should reach, by users: times the rival's single stream, seconds to the first token (p95).
TARGETS = {32: (5.5, 1.5), 60: (5.0, 5.0)}


@dataclass(slots=True)
class Visit:
    """One user's stream: seconds are since the request was sent."""

    first: float = 0.0
    seconds: float = 0.0
    text: str = ""
    failure: str = ""


async def visit(client: httpx2.AsyncClient, url: str, user: int) -> Visit:
    """Ask one question and read the answer as it grows."""
    question = f"Write a long story about {TOPICS[user % len(TOPICS)]} for reader number {user}."
    data = [[{"role": "user", "content": question}], 0.7, 0.95, NEW_TOKENS, user, 1.05]
    seen, start = Visit(), time.perf_counter()
    answer = await client.post(f"{url}/gradio_api/call/chat", json={"data": data})
    event_id = answer.raise_for_status().json()["event_id"]
    async with client.stream("GET", f"{url}/gradio_api/call/chat/{event_id}") as stream:
        kind = ""
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind in ("generating", "complete", "error"):
                now = time.perf_counter() - start
                if kind == "error":
                    seen.failure = line.removeprefix("data: ")
                    break
                text = json.loads(line.removeprefix("data: "))[0]
                if text and not seen.first:
                    seen.first = now
                if text != seen.text:
                    seen.text, seen.seconds = text, now
                if kind == "complete":
                    break
    return seen


async def visit_once(url: str) -> Visit:
    """One user alone."""
    async with httpx2.AsyncClient(timeout=300) as client:
        return await visit(client, url, 0)


async def room(url: str, users: int) -> tuple[list[Visit], float]:
    """All users at once: what each saw, and the seconds until the last one had everything."""
    limits = httpx2.Limits(max_connections=4 * users, max_keepalive_connections=4 * users)
    async with httpx2.AsyncClient(timeout=300, limits=limits) as client:
        start = time.perf_counter()
        visits = await asyncio.gather(*(visit(client, url, user) for user in range(users)))
        return list(visits), time.perf_counter() - start


def start_app(port: int, space: str = "chat") -> subprocess.Popen[bytes]:
    """A space in its own process, once it answers."""
    environment = {**os.environ, "DEMYSTIFY_OFFLINE": "true", "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT / "spaces" / space,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
            return process
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the app did not start") from None
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 8, 32, 60])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = convert(catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL)))
    count = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rival = LlamaCpp()
    rival_speeds = [rival.tokens_per_second(PROMPT, 200) for _ in range(3)][1:]
    port = free_port()
    app = start_app(port)
    rows: list[list[str]] = []
    try:
        asyncio.run(room(f"http://127.0.0.1:{port}", 2))  # waits until the model has loaded, and warms it up
        for users in options.users:
            rounds = [measure(f"http://127.0.0.1:{port}", users, count) for _ in range(options.rounds)]
            rounds.sort(key=lambda figures: figures[0])
            speed, first, slowest, failures = rounds[len(rounds) // 2]
            rows.append([str(users), f"{speed:.0f}", "", f"{first:.2f} s", f"{slowest:.2f}", str(failures)])
            rival_speeds.append(rival.tokens_per_second(PROMPT, 200))
    finally:
        app.terminate()
        app.wait(20)
    base = median(rival_speeds)
    for row in rows:
        row[2] = f"**{float(row[1]) / base:.1f} ×**"
    wanted = "; ".join(f"{users} users: {times} ×, {seconds} s" for users, (times, seconds) in TARGETS.items())
    report(
        "room",
        "A room at once, through the web app, embedded model",
        ["users", "tokens/s together", "× llama-cpp-python", "first token, p95", "slowest / fastest", "errors"],
        rows,
        [
            f"Median of {options.rounds} rounds, up to {NEW_TOKENS} tokens per user. {machine()}, the client included.",
            f"llama-cpp-python, one stream: {base:.0f} tokens/s (median, before, between and after). Aim: {wanted}.",
        ],
    )


def measure(url: str, users: int, count: Tokenizer) -> tuple[float, float, float, int]:
    """One round: tokens per second of all, first token at the 95th percentile, slowest over fastest user, errors."""
    visits, seconds = asyncio.run(room(url, users))
    good = [seen for seen in visits if not seen.failure]
    tokens = {id(seen): len(count.encode(seen.text, add_special_tokens=False).ids) for seen in good}
    # Short answers say nothing about speed: their last bundle holds most of them.
    long = [seen for seen in good if tokens[id(seen)] >= NEW_TOKENS // 2]
    speeds = [tokens[id(seen)] / seen.seconds for seen in long]
    spread = min(speeds) / max(speeds) if speeds else 0.0
    return sum(tokens.values()) / seconds, percentile([seen.first for seen in good], 0.95), spread, users - len(good)


if __name__ == "__main__":
    main()
