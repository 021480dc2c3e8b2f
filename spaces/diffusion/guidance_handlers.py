"""What the Guidance tab does: run a prompt with both predictions kept, follow, stop. Layout: guidance_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, SEED, STEPS, read_request
from guidance_drawing import Shown, begin, opened_html, progress_html

from common.diffusion import guidance
from common.diffusion.guidance import GuidanceRequest, Guided, GuidedStep
from common.diffusion.models import DiffusionModels
from common.ui.i18n import text
from common.ui.streams import StopSignals

# Seconds between two updates of a page.
_PAUSE = 0.3


class GuidanceHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def open(
        self, lang: str, prompt: Any, steps: Any, scale: Any, seed: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: progress, player, shown. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        said = read_request(prompt).prompt
        wanted = GuidanceRequest(said, STEPS.whole(steps), GUIDANCE.real(scale), SEED.whole(seed))
        yield f'<p class="quiet">{text(lang, "image.loading")}</p>', gr.skip(), gr.skip()
        shown, last = begin(wanted), 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._steps(shown))) as states:
            async for shown in states:
                if shown.finished is None and time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield progress_html(lang, shown), gr.skip(), gr.skip()
        # All steps at once: what was stopped ends with the last one that has come.
        drawn = await asyncio.to_thread(opened_html, lang, shown)
        yield ("", drawn, shown) if shown.steps else ("", gr.skip(), gr.skip())

    async def _steps(self, shown: Shown) -> AsyncGenerator[Shown, None]:
        engine = await asyncio.to_thread(self._models.engine)
        async with contextlib.aclosing(engine.turns.run(guidance.run, shown.request)) as events:
            async for event in events:
                if isinstance(event, GuidedStep):
                    shown = replace(shown, steps=(*shown.steps, event))
                elif isinstance(event, Guided):
                    shown = replace(shown, finished=event)
                yield shown

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's run; the steps that have come are shown."""
        self._stops.stop(request.session_hash)

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The player in another language."""
        return gr.skip() if shown is None else opened_html(lang, shown)
