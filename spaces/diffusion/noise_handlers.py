"""What the Forward-noise tab does: noise a picture, go back, stop. Layout: noise_tab.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, PROMPT, SEED, STEPS, words_of
from followed import FollowedHandlers, Kind
from noise_drawing import noised_html, progress_html
from picture_input import chosen
from PIL import Image

from common.diffusion import noise
from common.diffusion.models import DiffusionModels
from common.diffusion.noise import Noised, NoiseRequest, NoiseStep
from common.ui.fields import Number

# In percent of the noise schedule.
SHARE = Number("noise_share", 60, 5, 100, 5)


class NoiseHandlers(FollowedHandlers):
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        super().__init__(models, Kind(noise.run, NoiseStep, Noised, progress_html, noised_html))

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
        wanted = NoiseRequest(
            chosen(which, own),
            words_of(PROMPT, prompt),
            SHARE.real(share) / 100,
            STEPS.whole(steps),
            GUIDANCE.real(scale),
            SEED.whole(seed),
        )
        async with contextlib.aclosing(self.follow(lang, wanted, request)) as updates:
            async for update in updates:
                yield update
