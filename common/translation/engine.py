"""One translation model for everybody: sentences of all visitors, joined into batches.

A visitor's job is a list of sentences. While one batch is being translated, others wait; the next batch takes a few
sentences of every job in turn, so that a short text does not wait behind a long one. A few rather than one: in a room
that sends texts of the same length nobody then waits for the end of all, and while the pages of those who are done ask
again the others keep the processor busy. Knows nothing about texts (how they become sentences is ``passage.py``), nor
how a batch is computed: that is a ``Runner``.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common import errors
from common.config import settings
from common.translation.codec import Codec

# Tokens in a batch: enough to keep a processor busy, and over in a fraction of a second, so that nobody waits long.
BATCH_TOKENS = 512
# Sentences that a job may have in a batch while others wait.
_TURN = 12
# A weak model can repeat itself for ever; no sentence that fits the encoder needs more than this.
MAX_NEW_TOKENS = 256

# In company, how long to wait for the others, in seconds: of a room that has just been answered the next requests come
# one by one, and a sentence alone takes twice the time that it takes among eight.
_GATHER = 0.005

# Sentences that are encoded sooner than a thread could be asked to.
_FEW = 32


@dataclass(frozen=True, slots=True)
class Beams:
    """How to search.

    Attributes:
        width: sentences kept at each step; 1 is greedy.
        alternatives: how many of them to give back, at most ``width``.
        align: also say which source token each output token looked at.
        no_repeat_ngram_size: so many tokens in a row are never written twice; 0 allows it.
        min_length: tokens written at least, the end token not counted.
    """

    width: int = 3
    alternatives: int = 1
    align: bool = False
    no_repeat_ngram_size: int = 0
    min_length: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """One hypothesis for one sentence.

    Attributes:
        tokens: without the forced first and the end token.
        score: mean log-probability per token, so at most 0.
        attention: output tokens x source tokens, each row sums to about 1; None unless asked for.
    """

    tokens: list[str]
    score: float
    attention: list[list[float]] | None = None


class Runner(Protocol):
    """Computes batches with one model.

    Attributes:
        at_once: how many batches it can compute at a time, each asked for on a thread of its own.
    """

    at_once: int

    def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
        """Best hypotheses first, for every sentence (given as the tokens its codec made)."""
        ...


@dataclass(eq=False, slots=True)
class _Job:
    codec: Codec
    beams: Beams
    waiting: deque[tuple[int, list[str]]]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Queue[list[tuple[int, list[Output]]] | BaseException] = field(default_factory=asyncio.Queue)

    def send(self, item: list[tuple[int, list[Output]]] | BaseException) -> None:
        """From the worker's thread to the visitor's loop, which may have gone."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.done.put_nowait, item)


class TranslationEngine:
    """A model that takes sentences from any number of visitors, on any event loop.

    Args:
        name: the model's title.
        open_runner: loads the model; called once, on a thread of the engine's own, at ``start`` or with the first job.
        most: jobs at a time, the waiting ones included, before new ones are refused.
    """

    def __init__(self, name: str, open_runner: Callable[[], Runner], most: int | None = None) -> None:
        self.name = name
        self._open_runner = open_runner
        self._most = most or settings().max_active + settings().max_waiting
        self._jobs: list[_Job] = []
        self._change = threading.Condition()
        self._started = False
        self._runner: Runner | None = None
        self._running = 0  # batches that are being computed
        self._company = 0  # jobs in the last batch
        self._closed = False

    @property
    def active(self) -> int:
        """Jobs that are not finished."""
        return len(self._jobs)

    @property
    def ready(self) -> bool:
        """Whether the model has been loaded."""
        return self._runner is not None

    def start(self) -> None:
        """Load the model in the background. What goes wrong is said to whoever asks for a translation."""
        with self._change:
            if not self._started:
                self._started = True
                self._thread(self._open)

    def _thread(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True, name=f"translate {self.name}").start()

    def close(self) -> None:
        """End the threads; jobs that are not finished get EngineStopped."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    async def translate(
        self, codec: Codec, sentences: Sequence[str], beams: Beams | None = None
    ) -> AsyncGenerator[tuple[int, list[Output]], None]:
        """The sentences' hypotheses with their index, as they come. Closing the generator takes the rest out of line.

        Raises:
            QueueFull: too many others are waiting.
            ModelUnavailable, OutOfMemory: the model cannot be loaded.
        """
        if not sentences:
            return
        if len(sentences) < _FEW:
            encoded = [codec.encode(sentence) for sentence in sentences]
        else:
            encoded = await asyncio.to_thread(lambda: [codec.encode(sentence) for sentence in sentences])
        job = _Job(codec, beams or Beams(), deque(enumerate(encoded)), asyncio.get_running_loop())
        with self._change:
            if len(self._jobs) >= self._most:
                raise errors.QueueFull(waiting=len(self._jobs))
            self._jobs.append(job)
            self._change.notify_all()
        self.start()
        try:
            missing = len(sentences)
            while missing:
                items = await job.done.get()
                if isinstance(items, BaseException):
                    raise items
                missing -= len(items)
                for item in items:
                    yield item
        finally:
            with self._change:
                if job in self._jobs:
                    self._jobs.remove(job)

    def _open(self) -> None:
        try:
            self._runner = self._open_runner()
        except Exception as problem:
            self._fail(problem)
            return
        for _ in range(self._runner.at_once - 1):
            self._thread(self._work)
        self._work()

    def _work(self) -> None:
        assert self._runner is not None  # noqa: S101 - what starts this has loaded it
        while batch := self._next():
            try:
                outputs = self._runner.run(
                    [tokens for _, _, tokens in batch], [job.codec for job, _, _ in batch], batch[0][0].beams
                )
            except Exception as problem:
                for job in {job for job, _, _ in batch}:
                    job.send(problem)
            else:
                done: dict[_Job, list[tuple[int, list[Output]]]] = {}
                for (job, index, _), output in zip(batch, outputs, strict=True):
                    done.setdefault(job, []).append((index, output))
                for job, items in done.items():
                    job.send(items)
            with self._change:
                self._running -= 1
                self._change.notify_all()

    def _next(self) -> list[tuple[_Job, int, list[str]]]:
        """Wait for the next batch and take it; an empty one when the engine is closed."""
        with self._change:
            while not (self._closed or self._batch_ready()):
                self._change.wait()
            if self._company > 1 and not self._running:
                self._change.wait_for(self._all_there, _GATHER)
            if self._closed:
                for job in self._jobs:
                    job.send(errors.EngineStopped())
                return []
            batch = self._take()
            if batch:
                self._company = len({job for job, _, _ in batch})
                self._running += 1
        return batch or self._next()

    def _batch_ready(self) -> bool:
        """Whether there is something to do; beside another batch only a full one is worth it."""
        if not self._running:
            return any(job.waiting for job in self._jobs)
        waiting = (len(tokens) for job in self._jobs for _, tokens in job.waiting)
        return any(total >= BATCH_TOKENS for total in itertools.accumulate(waiting))

    def _all_there(self) -> bool:
        return self._closed or sum(bool(job.waiting) for job in self._jobs) >= self._company

    def _fail(self, problem: Exception) -> None:
        """The model cannot be loaded: say so to everybody, and try again with the next job."""
        with self._change:
            self._started = False
            jobs = list(self._jobs)
        for job in jobs:
            job.send(problem)

    def _take(self) -> list[tuple[_Job, int, list[str]]]:
        """The next batch: a few sentences of every job in turn, among those that search in the same way as the first.

        Whoever had a turn comes last next time, and so who searches in another way comes first.
        """
        batch: list[tuple[_Job, int, list[str]]] = []
        tokens = 0
        jobs = [job for job in self._jobs if job.waiting]
        turns = deque(job for job in jobs if job.beams == jobs[0].beams)
        while turns and tokens < BATCH_TOKENS:
            job = turns.popleft()
            for _ in range(min(_TURN, len(job.waiting))):
                index, sentence = job.waiting.popleft()
                batch.append((job, index, sentence))
                tokens += len(sentence)
                if tokens >= BATCH_TOKENS:
                    break
            if job.waiting:
                turns.append(job)
        taken = {job for job, _, _ in batch}
        self._jobs.sort(key=lambda job: job in taken)
        return batch
