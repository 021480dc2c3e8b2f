"""The use cases of the Chat space, alone and with a room of people at once: seconds until a whole answer stands there.

The tabs have no endpoint of their own, so a visit does what a page does: it reads the page's description, presses the
button by its id with what the inputs say, and reads the queue's stream until the work is done. Client and app share the
cores of this machine. What the visits ask differs from one to the next, so that nobody is served another's prompt from
the cache; before the clock starts, a room has asked once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any
from uuid import uuid4

import httpx2

from bench.room import free_port, start_app
from bench.tables import machine, median, percentile, report

NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Klara", "Leo")
CITIES = ("Paris", "Rome", "Oslo", "Vienna", "Madrid", "Prague", "Lisbon", "Athens", "Dublin", "Helsinki")
# 167 words, as everyday as the dialogues of the usual data sets.
DIALOGUE = """\
{a}: Hello, this is {a}. I ordered {n} chairs from your shop two weeks ago, and today only half of them came.
{b}: I am sorry to hear that. Could you give me the number of your order, please?
{a}: It is {order}. The box was damaged as well, and one of the chairs has a broken leg.
{b}: Thank you. I see that the rest was sent from another warehouse and should be with you on Thursday.
{a}: Thursday is too late. We have guests on Wednesday evening and nobody wants to stand all night.
{b}: I understand. I can ask the driver to come on Tuesday, but only before nine in the morning.
{a}: That works, I leave the house at half past nine. And what about the broken chair?
{b}: He will bring a new one and take the broken one back. You pay nothing for that, and you get ten euros back.
{a}: That is kind. Thank you, and see you on Tuesday.
"""
QUESTIONS = (
    "How many layers does the built-in model have?",
    "How large is the vocabulary of the tokenizer?",
    "What does a temperature above 1 do?",
    "What is nucleus sampling?",
    "Why is German text more expensive?",
    "How does LoRA train a model?",
    "How can I notice overfitting?",
    "Why can a model not count letters?",
)
OPENINGS = (
    "Please tell me:",
    "I would like to know:",
    "A short question:",
    "One more thing:",
    "For my notes:",
    "My colleague asks:",
    "Can you explain this to me:",
    "Let me ask:",
    "Now to something else:",
)
REQUESTS = (
    "What is {n} times 17?",
    "Convert {n} kilometres to miles.",
    "What time is it in {city}?",
    "How is the weather in {city}?",
    "How much is {n} minus 4?",
    "How many feet are {n} metres?",
)
TOPICS = ("rivers", "trains", "bread", "the moon", "bees", "maps", "clocks", "snow", "bridges", "tea")


@dataclass(frozen=True, slots=True)
class Answer:
    """Seconds from pressing the button to the end of the work, or why there is no answer."""

    seconds: float = 0.0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """Answers that were asked for at once, and the seconds until the last one was there."""

    answers: list[Answer]
    seconds: float


class Page:
    """A page as its browser knows it, and one visit to it."""

    def __init__(self, client: httpx2.AsyncClient, url: str, description: dict[str, Any], visit: str) -> None:
        self._client, self._api, self._visit = client, f"{url}/gradio_api", visit
        self._parts: dict[int, dict[str, Any]] = {part["id"]: part["props"] for part in description["components"]}
        self._events: list[dict[str, Any]] = description["dependencies"]

    async def press(self, button: str, inputs: Mapping[str, Any], wanted: str = "") -> None:
        """Press a button and wait until its work is done.

        Args:
            button: its ``elem_id``.
            inputs: values by ``elem_id``; all others are as they were when the page opened.
            wanted: what the page shows only when the answer is there.

        Raises:
            RuntimeError: the page would show an error, or no answer.
        """
        event = self._work(button)
        data = [self._value(number, inputs) for number in event["inputs"]]
        body = {"fn_index": event["id"], "data": data, "session_hash": self._visit}
        (await self._client.post(f"{self._api}/queue/join", json=body)).raise_for_status()
        stream = self._client.stream("GET", f"{self._api}/queue/data", params={"session_hash": self._visit})
        async with stream as lines:
            async for line in lines.aiter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(str(message["output"].get("error")))
                    if wanted not in str(message["output"]["data"]):
                        raise RuntimeError("the work ended without an answer")
                    return
        raise RuntimeError("the stream ended before the work did")

    def _work(self, button: str) -> dict[str, Any]:
        """What the button sets off; where it first locks the others, what follows."""
        number = next(number for number, props in self._parts.items() if props.get("elem_id") == button)
        first = next(event for event in self._events if [number, "click"] in [list(one) for one in event["targets"]])
        if first["queue"]:
            return first
        return next(event for event in self._events if event["trigger_after"] == first["id"])

    def _value(self, number: int, inputs: Mapping[str, Any]) -> Any:
        props = self._parts[number]
        return inputs.get(props.get("elem_id") or "", props.get("value"))


# What the page has in these inputs belongs to its first sample.
NO_SAMPLE = {"summary-kind": "dialogue", "summary-reference": ""}


async def summary(page: Page, number: int) -> None:
    """A dialogue, summarized without examples in its prompt."""
    await page.press("summary-go", {**NO_SAMPLE, "summary-source": dialogue(number)})


async def retrieval(page: Page, number: int) -> None:
    """A question on the sample documents, answered with and without them."""
    opening, question = OPENINGS[number // len(QUESTIONS) % len(OPENINGS)], QUESTIONS[number % len(QUESTIONS)]
    await page.press("retrieval-ask", {"retrieval-question": f"{opening} {question}"})


async def actions(page: Page, number: int) -> None:
    """A call that the model writes, its tool, and the answer in words."""
    asked = REQUESTS[number % len(REQUESTS)].format(n=10 + number, city=CITIES[number % len(CITIES)])
    await page.press("actions-go", {"actions-question": asked, "actions-approval": "always"}, 'data-step="answer"')


async def essay(page: Page, number: int) -> None:
    """One section of about a hundred words."""
    topic = TOPICS[number % len(TOPICS)]
    inputs = {"essay-topic": f"{topic}, part {number}", "essay-words": 100, "essay-outline": f"What {topic} mean to us"}
    await page.press("essay-go", inputs)


async def nothing(page: Page, number: int) -> None:
    """Nothing has to be there before the work."""


async def documents(page: Page, number: int) -> None:
    """The sample documents, taken in by this visit."""
    await page.press("retrieval-samples", {})


def dialogue(number: int) -> str:
    """The dialogue with other names and numbers."""
    a, b = NAMES[number % len(NAMES)], NAMES[(number + 5) % len(NAMES)]
    return DIALOGUE.format(a=a, b=b, n=4 + number % 9, order=48_000 + number)


Step = Callable[[Page, int], Awaitable[None]]
# What a visit does before the clock starts, and what is timed.
USE_CASES: dict[str, tuple[Step, Step]] = {
    "Summary of a dialogue of 167 words": (nothing, summary),
    "Retrieval, with and without documents": (documents, retrieval),
    "Actions: call, tool, answer": (nothing, actions),
    "Essay: a section of 100 words": (nothing, essay),
}


async def answer(page: Page, number: int, work: Step) -> Answer:
    """How long one visit waits for its answer."""
    start = time.perf_counter()
    try:
        await work(page, number)
    except (RuntimeError, httpx2.HTTPError) as problem:
        return Answer(failure=f"{type(problem).__name__}: {problem}")
    return Answer(time.perf_counter() - start)


async def together(url: str, description: dict[str, Any], steps: tuple[Step, Step], numbers: Sequence[int]) -> Round:
    """One visit for each number, at once."""
    before, work = steps
    limits = httpx2.Limits(max_connections=4 * len(numbers), max_keepalive_connections=4 * len(numbers))
    async with httpx2.AsyncClient(timeout=600, limits=limits) as client:
        pages = {number: Page(client, url, description, uuid4().hex) for number in numbers}
        await asyncio.gather(*(before(page, number) for number, page in pages.items()))
        start = time.perf_counter()
        answers = await asyncio.gather(*(answer(page, number, work) for number, page in pages.items()))
        return Round(answers, time.perf_counter() - start)


def figures(rounds: Sequence[Round]) -> tuple[list[float], float, int]:
    """Of rounds of the same size: seconds of every answer, answers a minute, how many never came."""
    answers = [answer for one in rounds for answer in one.answers]
    for failure in sorted({answer.failure for answer in answers if answer.failure}):
        print(f"failed: {failure}", flush=True)
    good = [answer.seconds for answer in answers if not answer.failure]
    return good, 60 * len(good) / sum(one.seconds for one in rounds), len(answers) - len(good)


def measure(url: str, users: int, alone: int, rounds: int) -> list[list[str]]:
    """The rows of the table, two for each use case."""
    with urllib.request.urlopen(f"{url}/config") as page:
        description = json.load(page)
    rows = []
    for name, steps in USE_CASES.items():
        numbers = count()

        def once(many: int, steps: tuple[Step, Step] = steps, numbers: count[int] = numbers) -> Round:
            return asyncio.run(together(url, description, steps, list(islice(numbers, many))))

        once(users)  # models load, and what all prompts have in common is read
        single, crowd = [once(1) for _ in range(alone)], [once(users) for _ in range(rounds)]
        base = 0.0
        for many, measured in ((1, single), (users, crowd)):
            seconds, per_minute, failed = figures(measured)
            if not seconds:
                rows.append([name, str(many), "", "", "", "", str(failed)])
                continue
            middle, slow = median(seconds), percentile(seconds, 0.95)
            base = base or middle
            times = "" if many == 1 else f"**{middle / base:.1f} ×**"
            rows.append([name, str(many), f"{middle:.1f} s", f"{slow:.1f} s", times, f"{per_minute:.0f}", str(failed)])
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--alone", type=int, default=8, help="answers one after the other")
    parser.add_argument("--rounds", type=int, default=3, help="of all users at once")
    options = parser.parse_args()
    port = free_port()
    app = start_app(port)
    try:
        rows = measure(f"http://127.0.0.1:{port}", options.users, options.alone, options.rounds)
    finally:
        app.terminate()
        app.wait(20)
    report(
        "use_cases",
        "The use cases, alone and in a room, through the web app, embedded model",
        ["use case", "users", "a whole answer, median", "p95", "× alone", "answers a minute", "no answer"],
        rows,
        [
            f"{options.alone} answers one after the other; {options.rounds} rounds of {options.users} at once, every "
            f"question another one. {machine()}, the client included.",
        ],
    )


if __name__ == "__main__":
    main()
