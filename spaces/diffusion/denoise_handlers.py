"""What the Denoising player does: draw with every step kept, beside another run; save. Layout: denoise_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from denoise_drawing import player_html
from denoise_look import Shown, begin, follow
from diffusion_page import GUIDANCE, SCHEDULER, SEED, read_request

from common import errors
from common.diffusion import safety, schedulers
from common.diffusion.engine import ImageRequest
from common.diffusion.models import DiffusionModels
from common.diffusion.trace import Trace, gif, strip
from common.ui.download import as_download
from common.ui.fields import Choice
from common.ui.i18n import text
from common.ui.streams import StopSignals

COMPARE = Choice("compare_with", "none", ("none", "seed", "guidance", "scheduler"))


class DenoiseHandlers:
    """The handlers of the tab. ``shown`` is what the player has, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def play(
        self,
        lang: str,
        prompt: Any,
        steps: Any,
        guidance: Any,
        seed: Any,
        scheduler: Any,
        compare: Any,
        other_seed: Any,
        other_guidance: Any,
        other_scheduler: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: player, shown, note. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        first = read_request(prompt, "", steps, guidance, seed, scheduler=scheduler, trace=True)
        differs = str(COMPARE.check(compare))
        wanted = [first]
        if differs == "seed":
            wanted.append(replace(first, seed=SEED.whole(other_seed)))
        elif differs == "guidance":
            wanted.append(replace(first, guidance_scale=GUIDANCE.real(other_guidance)))
        elif differs == "scheduler":
            wanted.append(replace(first, scheduler=str(SCHEDULER.check(other_scheduler))))
        yield gr.skip(), gr.skip(), _note(lang, "image.loading")
        last: Shown | None = None
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._runs(wanted, differs))) as states:
            async for shown in states:
                last = shown
                yield await asyncio.to_thread(player_html, lang, shown), shown, ""
        if last is not None and not last.complete:
            shown = await asyncio.to_thread(self._judge, last)
            if any(trace.stopped_hidden for trace in shown.traces):
                yield await asyncio.to_thread(player_html, lang, shown), shown, ""
        # Stopped before the first step there is nothing to show, nor to say.
        yield gr.skip(), gr.skip(), ""

    async def _runs(self, wanted: list[ImageRequest], differs: str) -> AsyncGenerator[Shown, None]:
        engine = await asyncio.to_thread(self._models.engine)
        opened = await asyncio.to_thread(engine.opened)
        sized = [replace(request, size=opened.native) for request in wanted]
        named = [schedulers.title(opened.pipe.scheduler, request.scheduler) for request in sized]
        async with contextlib.aclosing(follow(engine, begin(sized, named, differs))) as states:
            async for shown in states:
                yield shown

    def _judge(self, shown: Shown) -> Shown:
        """Runs that were stopped, with what the model's safety checker says of them."""
        opened = self._models.engine().opened()

        def judged(trace: Trace) -> Trace:
            if trace.finished is not None:
                return trace
            steps, hidden = safety.hide_stopped(opened, trace.steps)
            return replace(trace, steps=steps, stopped_hidden=hidden)

        return replace(shown, traces=tuple(map(judged, shown.traces)))

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's runs; the steps that have come stay."""
        self._stops.stop(request.session_hash)

    def choose(self, lang: str, compare: Any) -> tuple[Any, ...]:
        """Updates for: other seed, other guidance, other scheduler: the one that is compared is shown."""
        return tuple(gr.update(visible=compare == name) for name in ("seed", "guidance", "scheduler"))

    async def save_gif(self, lang: str, shown: Shown | None) -> str:
        """The runs as an animation, for the browser to save."""
        return as_download("denoising.gif", "image/gif", await asyncio.to_thread(gif, _traces(shown)))

    async def save_strip(self, lang: str, shown: Shown | None) -> str:
        """The runs as one picture, for the browser to save."""
        return as_download("denoising.png", "image/png", await asyncio.to_thread(strip, _traces(shown)))

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The player in another language."""
        return gr.skip() if shown is None else player_html(lang, shown)


def _traces(shown: Shown | None) -> list[Any]:
    """The runs that have steps. Raises NothingDrawn."""
    traces = [] if shown is None else [trace for trace in shown.traces if trace.steps]
    if not traces:
        raise errors.NothingDrawn()
    return traces


def _note(lang: str, key: str) -> str:
    return f'<p class="quiet">{text(lang, key)}</p>'
