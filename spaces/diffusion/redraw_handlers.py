"""What the Image-to-image tab does: draw a picture over, or a part of it; stop; save. Layout: redraw_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, SEED, STEPS, read_request
from mask_input import mask_html, read_mask
from picture_input import chosen, wanted
from PIL import Image
from redraw_drawing import Shown, begin, png, progress_html, redrawn_html

from common import errors
from common.diffusion import redraw
from common.diffusion.models import DiffusionModels
from common.diffusion.redraw import Redrawn, RedrawRequest, RedrawStep
from common.ui.download import as_download
from common.ui.fields import Number
from common.ui.i18n import text
from common.ui.streams import StopSignals

# In percent of the noise schedule.
STRENGTH = Number("strength", 60, 5, 100, 5)
# Seconds between two updates of a page.
_PAUSE = 0.3


class RedrawHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None; ``mask`` what the page sent, or ""."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def draw(
        self,
        lang: str,
        own: Image.Image | None,
        mask: Any,
        which: Any,
        prompt: Any,
        strength: Any,
        steps: Any,
        scale: Any,
        seed: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: progress, player, shown. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        asked = RedrawRequest(
            chosen(which, own),
            read_request(prompt).prompt,
            STRENGTH.real(strength) / 100,
            STEPS.whole(steps),
            GUIDANCE.real(scale),
            SEED.whole(seed),
            read_mask(mask),
        )
        yield f'<p class="quiet">{text(lang, "image.loading")}</p>', gr.skip(), gr.skip()
        shown, last = begin(asked), 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._steps(shown))) as states:
            async for shown in states:
                if shown.finished is None and time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield progress_html(lang, shown), gr.skip(), gr.skip()
        drawn = await asyncio.to_thread(redrawn_html, lang, shown)
        yield ("", drawn, shown) if shown.steps else ("", gr.skip(), gr.skip())

    async def _steps(self, shown: Shown) -> AsyncGenerator[Shown, None]:
        engine = await asyncio.to_thread(self._models.engine)
        async with contextlib.aclosing(engine.turns.run(redraw.run, shown.request)) as events:
            async for event in events:
                if isinstance(event, RedrawStep):
                    shown = replace(shown, steps=(*shown.steps, event))
                elif isinstance(event, Redrawn):
                    shown = replace(shown, finished=event)
                yield shown

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's drawing; the steps that have come are shown."""
        self._stops.stop(request.session_hash)

    def save(self, lang: str, shown: Shown | None) -> str:
        """The result, for the browser to save. Raises NothingDrawn."""
        if shown is None or shown.finished is None:
            raise errors.NothingDrawn()
        return as_download("redrawn.png", "image/png", png(shown.finished))

    def go_on(self, lang: str, shown: Shown | None) -> tuple[Any, ...]:
        """Updates for: choice, own picture, shown picture, mask: the result becomes the start. Raises NothingDrawn."""
        if shown is None or shown.finished is None:
            raise errors.NothingDrawn()
        return "mine", shown.finished.result, mask_html(lang, shown.finished.result), ""

    def relabel(
        self, lang: str, shown: Shown | None, which: Any, own: Image.Image | None, mask: str
    ) -> tuple[Any, ...]:
        """Updates for: player, picture with its mask, in another language."""
        player = gr.skip() if shown is None else redrawn_html(lang, shown)
        return player, mask_html(lang, wanted(which, own), mask)
