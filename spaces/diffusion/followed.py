"""Follow a run whose every step is kept: progress while it goes on, and at its end all steps as one player.

What Guidance, Forward noise and Image to image have in common. Knows nothing about what their steps are.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Generic, TypeVar

import gradio as gr
from image_look import hidden_html

from common.diffusion import safety
from common.diffusion.models import DiffusionModels
from common.ui.components import meter_html
from common.ui.i18n import number, text
from common.ui.streams import StopSignals

# Seconds between two updates of a page.
_PAUSE = 0.3
_numbers = count(1)
Request = TypeVar("Request")
Step = TypeVar("Step")
End = TypeVar("End")


@dataclass(frozen=True, slots=True)
class Shown(Generic[Request, Step, End]):
    """What a tab shows, in no language.

    Attributes:
        run: different for every click.
        steps: what has come so far.
        finished: the end, once it has come.
        hidden: the model's safety checker has hidden it, or what it had come to when it was stopped.
    """

    run: int
    request: Request
    steps: tuple[Step, ...] = ()
    finished: End | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of run and how it is drawn.

    Attributes:
        run: what the engine calls with its pipeline and the request; gives steps, then the end.
        step, end: the types of what it gives; an end says whether the model's safety checker has ``hidden`` anything.
        progress, player: HTML for a language and what is on the page: while it runs, and with all steps.
    """

    run: Callable[..., Any]
    step: type
    end: type
    progress: Callable[[str, Any], str]
    player: Callable[[str, Any], str]


def step_progress_html(lang: str, shown: Shown[Any, Any, Any]) -> str:
    """How far a run of equal steps is, and how long the rest will take."""
    step = shown.steps[-1]
    words = text(
        lang,
        "guidance.working",
        step=number(lang, step.step),
        steps=number(lang, step.steps),
        seconds=number(lang, step.seconds_left, 1),
    )
    return meter_html(step.step / step.steps, words, kind="noise")


class FollowedHandlers:
    """``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels, kind: Kind) -> None:
        self._models = models
        self._kind = kind
        self._stops = StopSignals()

    async def follow(self, lang: str, asked: Any, request: gr.Request) -> AsyncGenerator[tuple[Any, ...], None]:
        """Updates for: progress, player, shown. Ends what the visitor had running; ``asked`` is for the engine.

        All steps come at once: what was stopped ends with the last one that has come.
        """
        self._stops.stop(request.session_hash)
        yield f'<p class="quiet">{text(lang, "image.loading")}</p>', gr.skip(), gr.skip()
        shown: Shown[Any, Any, Any] = Shown(next(_numbers), asked)
        last = 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._states(shown))) as states:
            async for shown in states:
                if shown.finished is None and time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield self._kind.progress(lang, shown), gr.skip(), gr.skip()
        if shown.finished is None:
            shown = await asyncio.to_thread(self._judge, shown)
        drawn = await asyncio.to_thread(self._drawn, lang, shown)
        yield ("", drawn, shown) if shown.steps else ("", gr.skip(), gr.skip())

    async def _states(self, shown: Any) -> AsyncGenerator[Any, None]:
        engine = await asyncio.to_thread(self._models.engine)
        async with contextlib.aclosing(engine.turns.run(self._kind.run, shown.request)) as events:
            async for event in events:
                if isinstance(event, self._kind.step):
                    shown = replace(shown, steps=(*shown.steps, event))
                elif isinstance(event, self._kind.end):
                    end: Any = event
                    steps = tuple(map(safety.blacken, shown.steps)) if end.hidden else shown.steps
                    shown = replace(shown, steps=steps, finished=end, hidden=end.hidden)
                yield shown

    def _judge(self, shown: Any) -> Any:
        """A run that was stopped, with what the model's safety checker says of it."""
        if not shown.steps:
            return shown
        steps, hidden = safety.hide_stopped(self._models.engine().opened(), shown.steps)
        return replace(shown, steps=steps, hidden=hidden)

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's run; the steps that have come are shown."""
        self._stops.stop(request.session_hash)

    async def player(self, lang: str, shown: Any) -> Any:
        """An update for the player: in another language, if there is one."""
        return gr.skip() if shown is None else await asyncio.to_thread(self._drawn, lang, shown)

    def _drawn(self, lang: str, shown: Any) -> str:
        """The player, and above it why it is black, if it is; encoding its pictures takes a while."""
        return (hidden_html(lang) if shown.hidden else "") + self._kind.player(lang, shown)
