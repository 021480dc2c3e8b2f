"""What the Two-knob tab does: draw every pair of values, stop, save as one picture. Layout: grid_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from diffusion_page import PROMPT, SEED, read_request, words_of
from grid_drawing import Shown, grid_html, labels, progress_html
from grid_form import ACROSS, USUAL, check_pair, next_values, read_axis
from next_seed import after

from common import errors
from common.config import settings
from common.diffusion import estimate, grid
from common.diffusion.engine import ImageRequest, check
from common.diffusion.models import DiffusionModels
from common.ui.download import as_download
from common.ui.i18n import text
from common.ui.streams import StopSignals

# Seconds between two updates of a page; each carries all pictures so far.
_PAUSE = 0.7


class GridHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def draw(
        self,
        lang: str,
        prompt: Any,
        across: Any,
        across_values: Any,
        down: Any,
        down_values: Any,
        steps: Any,
        guidance: Any,
        seed: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: progress, table, shown. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        base = read_request(prompt, "", steps, guidance, seed)
        shown = Shown(base, read_axis(across, across_values), read_axis(down, down_values))
        check_pair(shown.across, shown.down)
        grid.cells(base, shown.across, shown.down)  # says whether the word is in the prompt, before the model is loaded
        yield f'<p class="quiet">{text(lang, "image.loading")}</p>', gr.skip(), gr.skip()
        last = 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, self._pictures(shown))) as states:
            async for shown in states:
                if len(shown.drawn) in (0, shown.pictures) or time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield progress_html(lang, shown), await asyncio.to_thread(grid_html, lang, shown), shown
        if len(shown.drawn) < shown.pictures:
            shown = replace(shown, stopped=True)
            yield progress_html(lang, shown), await asyncio.to_thread(grid_html, lang, shown), shown

    async def _pictures(self, shown: Shown) -> AsyncGenerator[Shown, None]:
        engine = await asyncio.to_thread(self._models.engine)
        opened = await asyncio.to_thread(engine.opened)
        base = replace(shown.base, size=opened.native)
        found = grid.cells(base, shown.across, shown.down)
        for cell in found:
            check(opened, cell.request)
        units = sum(estimate.work(opened, cell.request) for cell in found)
        shown = replace(shown, base=base, seconds=engine.pace.seconds(units) or 0.0)
        yield shown
        async with contextlib.aclosing(grid.draw(engine, found, settings().image_batch)) as pictures:
            async for one in pictures:
                shown = replace(shown, drawn=(*shown.drawn, one))
                yield shown

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's drawing; the pictures that have come stay."""
        self._stops.stop(request.session_hash)

    def usual(self, lang: str, knob: Any) -> str:
        """Values for a knob that was chosen."""
        return USUAL[str(ACROSS.check(knob))]

    def next_seeds(
        self, lang: str, across: Any, across_values: Any, down: Any, down_values: Any, seed: Any
    ) -> tuple[str, str, int]:
        """Values for: values across, values down, seed: where no knob is the seed, the one of all pictures moves on."""
        wide, deep = read_axis(across, across_values), read_axis(down, down_values)
        stays = SEED.whole(seed) if "seed" in (wide.knob, deep.knob) else after(SEED.whole(seed))
        return next_values(wide, across_values), next_values(deep, down_values), stays

    @staticmethod
    def prompts(prompt: str, across: Any, across_values: Any, down: Any, down_values: Any) -> list[str]:
        """Those of all pictures. Raises InvalidInput."""
        base = ImageRequest(words_of(PROMPT, prompt))
        found = grid.cells(base, read_axis(across, across_values), read_axis(down, down_values))
        return [cell.request.prompt for cell in found]

    async def save(self, lang: str, shown: Shown | None) -> str:
        """The grid as one picture, for the browser to save. Raises NothingDrawn."""
        if shown is None or not shown.drawn:
            raise errors.NothingDrawn()
        edges = labels(lang, shown.across), labels(lang, shown.down)
        content = await asyncio.to_thread(grid.sheet, shown.drawn, *edges)
        return as_download("two-knobs.png", "image/png", content)

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The table in another language."""
        return gr.skip() if shown is None else grid_html(lang, shown)
