"""One diffusion model for everybody: requests of all visitors, those with equal settings drawn as one batch.

Handlers await events; a thread draws. While one batch is being drawn others wait; the next one begins with the oldest
request and takes every other that has the same settings, as far as they fit. Does not know how a batch is drawn
(``paint.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace

from common import errors, hardware
from common.config import settings
from common.diffusion import estimate, schedulers
from common.diffusion.opened import Opened
from common.diffusion.paint import LENT, Abandoned, paint, paint_on_lent_gpu
from common.diffusion.request import Finished as Finished
from common.diffusion.request import ImageEvent as ImageEvent
from common.diffusion.request import ImageRequest as ImageRequest
from common.diffusion.request import StepEvent as StepEvent
from common.diffusion.request import Waiting as Waiting
from common.diffusion.turns import Turns

# A room that clicks at the same time shall be one batch: it begins when nobody has come for so long, or the first has
# waited for so long, in seconds. Whoever misses it waits for all of it, and then for a batch of few.
_GATHER, _GATHER_AT_MOST = 0.05, 0.5


@dataclass(eq=False, slots=True)
class _Job:
    request: ImageRequest
    loop: asyncio.AbstractEventLoop
    running: bool = False
    gone: bool = False
    events: asyncio.Queue[ImageEvent | Exception] = field(default_factory=asyncio.Queue)

    def send(self, event: ImageEvent | Exception) -> None:
        """From the engine's thread to the visitor's loop, which may have gone."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.events.put_nowait, event)


class DiffusionEngine:
    """A model that takes requests from any number of visitors, on any event loop.

    Args:
        name: the model's title.
        open_model: loads the model; called once, on the engine's own thread, at ``start`` or with the first request.
        most: requests at a time, the waiting ones included, before new ones are refused.
        together: most pictures in a batch.
    """

    def __init__(
        self, name: str, open_model: Callable[[], Opened], most: int | None = None, together: int | None = None
    ) -> None:
        self.name = name
        self.pace = estimate.Pace()
        self._open_model = open_model
        self._most = most or settings().max_active + settings().max_waiting
        self._together = together or settings().image_batch
        # For what needs the pipeline itself.
        self.turns = Turns(self.opened, self._most)
        self._jobs: list[_Job] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._opening = threading.Lock()
        self._opened: Opened | None = None
        self._closed = False

    @property
    def active(self) -> int:
        """Requests that are not finished, those for the pipeline itself included."""
        return len(self._jobs) + self.turns.active

    @property
    def ready(self) -> bool:
        """Whether the model has been loaded and its pace measured."""
        return self._opened is not None

    @property
    def loading(self) -> bool:
        """Whether the model is on its way into memory."""
        return self._opened is None and (self._opening.locked() or self._thread is not None)

    def opened(self) -> Opened:
        """The loaded model; loads it when it is not yet (seconds), and draws once to know the pace.

        Who uses its pipeline holds ``in_use()``.

        Raises:
            ModelUnavailable, OutOfMemory.
            EngineStopped: it has been closed, as for another large model.
        """
        with self._opening:
            if self._closed:  # loaded now, it would stay beside the other one, and nobody would let go of it
                raise errors.EngineStopped()
            if self._opened is None:
                opened = self._open_model()
                if not hardware.on_zerogpu():  # there every call costs quota
                    self._measure(opened)
                self._opened = opened
            return self._opened

    def start(self) -> None:
        """Load the model in the background. What goes wrong is said to whoever asks for a picture."""
        with self._change:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, daemon=True, name=f"draw {self.name}")
                self._thread.start()

    def close(self) -> None:
        """End the thread and let go of the model; requests that are not finished get EngineStopped."""
        with self._change:
            self._closed = True
            self._change.notify_all()
            thread = self._thread
        self.turns.close()
        if thread is not None:
            thread.join(30)
        self._opened = None

    def expected(self, request: ImageRequest) -> Waiting | None:
        """How many are ahead, and the seconds until it would be done; None while the model is not loaded."""
        opened = self._opened
        if opened is None:
            return None
        with self._change:
            units = [estimate.work(opened, job.request) for job in self._jobs]
        seconds = self.pace.seconds(sum(units) + estimate.work(opened, request))
        return None if seconds is None else Waiting(len(units), seconds)

    async def draw(self, request: ImageRequest) -> AsyncGenerator[ImageEvent, None]:
        """The events of a request: perhaps Waiting, then a StepEvent for each step, then Finished.

        Closing the generator takes the request out of the line, or out of the batch that is being drawn.

        Raises:
            PicturesWaiting: too many others are waiting.
            PictureTooLarge: it does not fit into the free memory.
            InvalidInput: a size or scheduler that the model does not have.
            ModelUnavailable, OutOfMemory: the model cannot be loaded.
            EngineStopped: it has been closed, as for another large model.
        """
        opened = self._opened
        if opened is None:
            opened = await asyncio.to_thread(self.opened)
        check(opened, request)
        job = _Job(request, asyncio.get_running_loop())
        expected = self.expected(request)
        with self._change:
            if self._closed:  # no thread would ever take the job
                raise errors.EngineStopped()
            if len(self._jobs) >= self._most:
                raise errors.PicturesWaiting(waiting=len(self._jobs))
            self._jobs.append(job)
            self._change.notify_all()
        self.start()
        try:
            if expected is not None:
                yield expected
            while True:
                event = await job.events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Finished):
                    return
        finally:
            with self._change:
                job.gone = True
                if job in self._jobs:
                    self._jobs.remove(job)

    def _work(self) -> None:
        try:
            opened = self.opened()
        except Exception as problem:
            self._fail(problem)
            return
        while True:
            with self._change:
                while not self._closed and not any(not job.running for job in self._jobs):
                    self._change.wait()
                if self._closed:
                    for job in self._jobs:
                        job.send(errors.EngineStopped())
                    return
            self._gather()
            with self._change:
                batch = self._take(opened)
            if not batch:
                continue
            try:
                self._draw(opened, batch)
            except Abandoned:
                continue
            except Exception as problem:
                said = self._sentence(opened, batch[0].request, problem)
                for job in batch:
                    job.send(said)

    def _gather(self) -> None:
        """Wait for the rest of a room that has clicked at the same time."""
        latest = time.monotonic() + _GATHER_AT_MOST
        with self._change:
            # Every newcomer notifies; nobody for ``_GATHER`` seconds, and all are there.
            while time.monotonic() < latest and not self._closed and self._waiting < self._together:
                if not self._change.wait(_GATHER):
                    return

    @property
    def _waiting(self) -> int:
        """Pictures that nobody draws yet."""
        return sum(job.request.images for job in self._jobs if not job.running)

    def _draw(self, opened: Opened, batch: list[_Job]) -> None:
        requests = [job.request for job in batch]

        def wanted() -> bool:
            return not self._closed and not all(job.gone for job in batch)

        if hardware.on_zerogpu():
            done = self._draw_on_lent_gpu(opened, batch, requests, wanted)
        else:
            done = paint(opened, requests, lambda index, event: batch[index].send(event), wanted)
        self.pace.measured(sum(estimate.work(opened, request) for request in requests), done[0].seconds)
        for job, finished in zip(batch, done, strict=True):
            job.send(finished)

    @staticmethod
    def _draw_on_lent_gpu(
        opened: Opened, batch: list[_Job], requests: list[ImageRequest], wanted: Callable[[], bool]
    ) -> list[Finished]:
        LENT[opened.model.id] = opened
        with contextlib.closing(paint_on_lent_gpu(opened.model.id, requests)) as events:
            for event in events:
                if isinstance(event, list):
                    return event
                index, step = event
                batch[index].send(step)
                if not wanted():
                    raise Abandoned
        raise errors.EngineStopped()

    def _measure(self, opened: Opened) -> None:
        """A first picture nobody sees: what is loaded on first use is loaded then, and the pace is known."""
        steps = 1 if opened.few_steps else 2
        request = ImageRequest("a", steps=steps, guidance_scale=1.0, size=opened.native)
        for _ in range(2 if opened.native <= 128 else 1):
            done = paint(opened, [request])
        self.pace.measured(estimate.work(opened, request), done[0].seconds)

    def _take(self, opened: Opened) -> list[_Job]:
        """The next batch: the oldest request, and those with the same settings that fit beside it."""
        waiting = [job for job in self._jobs if not job.running]
        if not waiting:
            return []
        first = waiting[0].request
        room = max(self._together, first.images)
        batch: list[_Job] = []
        for job in waiting:
            if job.request.batch_key == first.batch_key and job.request.images <= room:
                batch.append(job)
                job.running = True
                room -= job.request.images
        return batch

    def _fail(self, problem: Exception) -> None:
        """The model cannot be loaded: say so to everybody, and try again with the next request."""
        with self._change:
            self._thread = None
            jobs = list(self._jobs)
        for job in jobs:
            job.send(problem)

    @staticmethod
    def _sentence(opened: Opened, request: ImageRequest, problem: Exception) -> Exception:
        """Torch's ways to say that memory has run out, in ours."""
        import torch

        told = str(problem).lower()
        if isinstance(problem, torch.OutOfMemoryError | MemoryError) or "not enough memory" in told:
            return _too_large(opened, request)
        return problem


def check(opened: Opened, request: ImageRequest) -> None:
    """Whether the model can draw this here. Raises InvalidInput, PictureTooLarge."""
    if request.size not in opened.sizes:
        raise errors.InvalidInput(field="image_size", allowed=", ".join(map(str, opened.sizes)))
    if request.scheduler not in opened.schedulers:
        raise errors.InvalidInput(field="scheduler", allowed=", ".join(opened.schedulers))
    most = schedulers.most_steps(opened.pipe.scheduler, request.scheduler)
    if most is not None and request.steps > most:
        raise errors.InvalidInput(field="image_steps", allowed=errors.Phrase("whole_between", minimum=1, maximum=most))
    if estimate.memory_gb(opened, request) > hardware.free_gb(opened.pipe.device.type):
        raise _too_large(opened, request)


def _too_large(opened: Opened, request: ImageRequest) -> errors.DemystifyError:
    """Names settings that fit: fewer pictures of the same size, or else one of the largest size below it."""
    free = hardware.free_gb(opened.pipe.device.type)
    fewer = [
        number
        for number in range(1, request.images)
        if estimate.memory_gb(opened, replace(request, images=number)) <= free
    ]
    size = estimate.largest_size(opened, replace(request, images=1))
    if size is None:
        return errors.OutOfMemoryForPictures(available=round(free, 1))
    smaller = min(size, max(request.size - 1, 1))
    fitting = max((known for known in opened.sizes if known <= smaller), default=opened.sizes[0])
    return errors.PictureTooLarge(
        needed=round(estimate.memory_gb(opened, request), 1),
        available=round(free, 1),
        size=request.size if fewer else fitting,
        images=max(fewer, default=1),
    )
