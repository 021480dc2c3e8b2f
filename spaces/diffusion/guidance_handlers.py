"""What the Guidance tab does: run a prompt with both predictions kept, follow, stop. Layout: guidance_tab.py."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from diffusion_page import GUIDANCE, SEED, STEPS, read_request
from followed import FollowedHandlers, Kind, step_progress_html
from guidance_drawing import opened_html

from common.diffusion import guidance
from common.diffusion.guidance import GuidanceRequest, Guided, GuidedStep
from common.diffusion.models import DiffusionModels


class GuidanceHandlers(FollowedHandlers):
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        super().__init__(models, Kind(guidance.run, GuidedStep, Guided, step_progress_html, opened_html))

    async def open(
        self, lang: str, prompt: Any, steps: Any, scale: Any, seed: Any, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: progress, player, shown. Ends what the visitor had running."""
        said = read_request(prompt).prompt
        wanted = GuidanceRequest(said, STEPS.whole(steps), GUIDANCE.real(scale), SEED.whole(seed))
        async with contextlib.aclosing(self.follow(lang, wanted, request)) as updates:
            async for update in updates:
                yield update
