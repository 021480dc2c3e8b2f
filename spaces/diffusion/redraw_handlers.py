"""What the Image-to-image tab does: draw a picture over, or a part of it; stop; save. Layout: redraw_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, SEED, STEPS, read_request
from followed import FollowedHandlers, Kind, step_progress_html
from mask_input import mask_html, read_mask
from picture_input import chosen, wanted
from PIL import Image
from redraw_drawing import Shown, png, redrawn_html

from common import errors
from common.diffusion import redraw
from common.diffusion.models import DiffusionModels
from common.diffusion.redraw import Redrawn, RedrawRequest, RedrawStep
from common.ui.download import as_download
from common.ui.fields import Number

# In percent of the noise schedule.
STRENGTH = Number("strength", 60, 5, 100, 5)


class RedrawHandlers(FollowedHandlers):
    """The handlers of the tab. ``shown`` is what is on the page, or None; ``mask`` what the page sent, or ""."""

    def __init__(self, models: DiffusionModels) -> None:
        super().__init__(models, Kind(redraw.run, RedrawStep, Redrawn, step_progress_html, redrawn_html))

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
        asked = RedrawRequest(
            chosen(which, own),
            read_request(prompt).prompt,
            STRENGTH.real(strength) / 100,
            STEPS.whole(steps),
            GUIDANCE.real(scale),
            SEED.whole(seed),
            read_mask(mask),
        )
        async with contextlib.aclosing(self.follow(lang, asked, request)) as updates:
            async for update in updates:
                yield update

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

    async def relabel(
        self, lang: str, shown: Shown | None, which: Any, own: Image.Image | None, mask: str
    ) -> tuple[Any, ...]:
        """Updates for: player, picture with its mask, in another language."""
        picture = await asyncio.to_thread(mask_html, lang, wanted(which, own), mask)
        return await self.player(lang, shown), picture
