"""What the Forward-noise tab does: noise a picture, go back, stop. Layout: noise_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, words_of
from noise_drawing import Shown, begin, noised_html, progress_html
from picture_input import chosen
from PIL import Image

from common.diffusion import noise
from common.diffusion.models import DiffusionModels
from common.diffusion.noise import Noised, NoiseRequest, NoiseStep
from common.ui.fields import Number
from common.ui.i18n import text
from common.ui.streams import StopSignals

# In percent of the noise schedule.
SHARE = Number("noise_share", 60, 5, 100, 5)
# Seconds between two updates of a page.
_PAUSE = 0.3


class NoiseHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def run(
        self,
        lang: str,
        own: Image.Image | None,
        which: Any,
        prompt: Any,
        share: Any,
        steps: Any,
        scale: Any,
        seed: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: progress, player, shown. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        wanted = NoiseRequest(
            chosen(which, own),
            words_of(PROMPT, prompt),
            SHARE.real(share) / 100,
            STEPS.whole(steps),
            GUIDANCE.real(scale),
            SEED.whole(seed),
        )
        yield f'<p class="quiet">{text(lang, "image.loading")}</p>', gr.skip(), gr.skip()
        shown, last = begin(wanted), 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._steps(shown))) as states:
            async for shown in states:
                if shown.finished is None and time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield progress_html(lang, shown), gr.skip(), gr.skip()
        drawn = await asyncio.to_thread(noised_html, lang, shown)
        yield ("", drawn, shown) if shown.steps else ("", gr.skip(), gr.skip())

    async def _steps(self, shown: Shown) -> AsyncGenerator[Shown, None]:
        engine = await asyncio.to_thread(self._models.engine)
        async with contextlib.aclosing(engine.turns.run(noise.run, shown.request)) as events:
            async for event in events:
                if isinstance(event, NoiseStep):
                    shown = replace(shown, steps=(*shown.steps, event))
                elif isinstance(event, Noised):
                    shown = replace(shown, finished=event)
                yield shown

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's run; the steps that have come are shown."""
        self._stops.stop(request.session_hash)

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The player in another language."""
        return gr.skip() if shown is None else noised_html(lang, shown)
