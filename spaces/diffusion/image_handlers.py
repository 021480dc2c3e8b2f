"""What the Text-to-image tab does: draw, stop, foresee, read settings out of a saved picture. Layout: image_tab.py."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from diffusion_page import MODEL, NEGATIVE, PROMPT, SEED, read_request, scheduler_choices
from image_look import Shown, before_loading_html, canvas_html, notes_html, restored_html
from next_seed import after
from PIL import Image
from prompt_ideas import surprise
from prompt_note import full_lines, notices

from common import catalog, errors
from common.catalog import Model
from common.diffusion import estimate, metadata, safety, schedulers
from common.diffusion.engine import DiffusionEngine, Finished, ImageRequest, StepEvent, Waiting
from common.diffusion.models import AUTO, DiffusionModels
from common.diffusion.opened import FULL, SMALL, decoders, sizes, usual_guidance, usual_steps
from common.diffusion.request import OWN
from common.ui.api import picture_file
from common.ui.fields import Choice
from common.ui.i18n import text
from common.ui.page import language_of_visit
from common.ui.roles import may_change_models
from common.ui.streams import StopSignals

STYLES = {
    "none": "",
    "pixel": "pixel art",
    "watercolour": "watercolour painting",
    "line": "black and white line drawing",
    "photo": "photograph, natural light",
    "cartoon": "cartoon, flat colours",
}
STYLE = Choice("style", "none", tuple(STYLES))
# Pictures kept for a visit, the newest first.
_KEPT = 60
# Seconds between two updates of one visitor's page.
_PAUSE = 0.2
Kept = list[tuple[Image.Image, str]]


class ImageHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, ``kept`` the pictures of the visit."""

    def __init__(self, models: DiffusionModels) -> None:
        self._models = models
        self._stops = StopSignals()

    async def draw(
        self,
        lang: str,
        kept: Kept,
        prompt: Any,
        negative: Any,
        style: Any,
        steps: Any,
        guidance: Any,
        seed: Any,
        size: Any,
        scheduler: Any,
        images: Any,
        decoder: Any,
        model: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Updates for: canvas, shown, kept, gallery. Ends what the visitor had running."""
        self._stops.stop(request.session_hash)
        asked = read_request(prompt, negative, steps, guidance, seed, size, scheduler, images, decoder=decoder)
        wanted = _styled(asked, style)
        name = MODEL.check(model)
        shown = Shown(wanted)
        stream = self._steps(wanted, name, request)
        last = 0.0
        async with contextlib.aclosing(self._stops.watch(request.session_hash, stream)) as states:
            async for shown in states:
                if shown.finished is not None:
                    kept = [*_pictures(lang, shown), *kept][:_KEPT]
                    yield await asyncio.to_thread(canvas_html, lang, shown), shown, kept, kept
                elif shown.step is None or time.monotonic() - last >= _PAUSE:
                    last = time.monotonic()
                    yield await asyncio.to_thread(canvas_html, lang, shown), shown, gr.skip(), gr.skip()
        if shown.finished is None:
            shown = await asyncio.to_thread(self._judge, name, replace(shown, stopped=True, loading=False))
            yield await asyncio.to_thread(canvas_html, lang, shown), shown, gr.skip(), gr.skip()

    def _judge(self, name: str, shown: Shown) -> Shown:
        """A drawing that was stopped, with what the model's safety checker says of it."""
        if shown.step is None:
            return shown
        (step,), hidden = safety.hide_stopped(self._models.engine(name).opened(), [shown.step])
        return replace(shown, step=step, hidden=hidden)

    async def _steps(self, wanted: ImageRequest, name: str, request: gr.Request) -> AsyncGenerator[Shown, None]:
        model, engine = await asyncio.to_thread(self._engine, name, request)
        shown = Shown(wanted, model.id, loading=not engine.ready)
        yield shown
        opened = await asyncio.to_thread(engine.opened)
        shown = replace(shown, loading=False, sampler=schedulers.title(opened.pipe.scheduler, wanted.scheduler))
        async with contextlib.aclosing(engine.draw(wanted)) as events:
            async for event in events:
                if isinstance(event, Waiting):
                    shown = replace(shown, ahead=event.ahead)
                elif isinstance(event, StepEvent):
                    shown = replace(shown, step=event)
                elif isinstance(event, Finished):
                    shown = replace(shown, finished=event)
                yield shown

    def _engine(self, name: str, request: gr.Request | None) -> tuple[Model, DiffusionEngine]:
        """Raises SharedModel: in a room the presenter alone changes what all draw with."""
        model = self._models.find(name)
        if not (may_change_models(request) or self._models.is_shared(name)):
            raise errors.SharedModel(model=model.title)
        return model, self._models.engine(name)

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's drawing; what has come stays."""
        self._stops.stop(request.session_hash)

    async def foresee(self, lang: str, prompt: Any, negative: Any, *settings: Any) -> str:
        """Time and memory of these settings, and what about them has no effect; nothing while they are no request."""
        full = [*full_lines(lang, PROMPT, prompt), *full_lines(lang, NEGATIVE, negative)]
        return await self._foreseen(lang, prompt, negative, *settings) + notices(full)

    async def _foreseen(
        self,
        lang: str,
        prompt: Any,
        negative: Any,
        style: Any,
        steps: Any,
        guidance: Any,
        seed: Any,
        size: Any,
        scheduler: Any,
        images: Any,
        decoder: Any,
        model: Any,
    ) -> str:
        try:
            asked = read_request(prompt, negative, steps, guidance, seed, size, scheduler, images, decoder=decoder)
            wanted = _styled(asked, style)
            name = MODEL.check(model)
        except (errors.EmptyPrompt, errors.InvalidInput):
            return ""
        # Choosing a model must not load it, nor take the place of one that others draw with.
        engine = await asyncio.to_thread(self._models.held, name)
        if engine is None or not (engine.ready or engine.loading):
            entry = await asyncio.to_thread(self._models.find, name)
            return before_loading_html(lang, entry, await asyncio.to_thread(catalog.is_local, entry))
        if not engine.ready:
            return notes_html(lang, None, wanted, None, 0.0)
        opened = engine.opened()
        waiting = engine.expected(wanted)
        expected = None if waiting is None else (waiting.ahead, waiting.seconds)
        return notes_html(lang, opened, wanted, expected, estimate.memory_gb(opened, wanted))

    async def settle(self, lang: str, request: gr.Request, *form: Any) -> AsyncIterator[str]:
        """The same once the page's model is loaded, for a page that was opened before.

        While a page loads, the language component still has its default: the visit itself is asked.
        """
        lang = language_of_visit(request)
        with contextlib.suppress(errors.DemystifyError):
            engine = await asyncio.to_thread(self._models.beside_others)
            if engine is not None:
                engine.start()
                yield await self.foresee(lang, *form)
                await asyncio.to_thread(engine.opened)
        yield await self.foresee(lang, *form)

    async def for_model(self, lang: str, name: Any) -> tuple[Any, ...]:
        """Updates for: steps, guidance, size, scheduler, decoder: what suits a model that was chosen."""
        model = await asyncio.to_thread(self._models.find, MODEL.check(name))
        return (
            usual_steps(model),
            usual_guidance(model),
            gr.update(choices=list(sizes(model.size)), value=model.size),
            gr.update(choices=scheduler_choices(lang, model), value=OWN),
            gr.update(value=SMALL, visible=len(decoders(model)) > 1),
        )

    async def schedulers(self, lang: str, name: Any) -> Any:
        """An update for: scheduler: what the chosen model takes, in another language."""
        model = await asyncio.to_thread(self._models.find, MODEL.check(name))
        return gr.update(choices=scheduler_choices(lang, model))

    def next_seed(self, lang: str, seed: Any, images: Any) -> int:
        """The first seed that was not drawn."""
        return after(SEED.whole(seed), int(images))

    async def surprise(self, lang: str, name: Any) -> tuple[str, int]:
        """Updates for: prompt, seed."""
        model = await asyncio.to_thread(self._models.find, MODEL.check(name))
        return surprise(model), random.randrange(10_000)  # noqa: S311 - no secret

    async def restore(self, lang: str, file: str | None, name: Any) -> tuple[Any, ...]:
        """Updates for: prompt, negative, style, steps, guidance, seed, size, scheduler, images, decoder, model,
        note.
        """
        if not file:
            return (gr.skip(),) * 12
        found, made_by = await asyncio.to_thread(_take_settings, Path(file))
        checked = read_request(found.prompt, found.negative_prompt, found.steps, found.guidance_scale, found.seed)
        usable = {model.id: model for model in await asyncio.to_thread(self._models.usable)}
        model = await asyncio.to_thread(self._models.find, made_by if made_by in usable else MODEL.check(name))
        size = found.size if found.size in sizes(model.size) else model.size
        choices = scheduler_choices(lang, model)
        scheduler = found.scheduler if found.scheduler in [name for _, name in choices] else OWN
        return (
            checked.prompt,
            checked.negative_prompt,
            "none",
            checked.steps,
            checked.guidance_scale,
            checked.seed,
            gr.update(choices=list(sizes(model.size)), value=size),
            gr.update(choices=choices, value=scheduler),
            1,
            gr.update(
                value=FULL if found.full_decoder and FULL in decoders(model) else SMALL,
                visible=len(decoders(model)) > 1,
            ),
            model.id if made_by in usable else gr.skip(),
            restored_html(lang, made_by, size, size == found.size),
        )

    async def api(
        self,
        prompt: str,
        negative_prompt: str = "",
        steps: int = 0,
        guidance_scale: float = -1,
        seed: int = 0,
        size: int = 0,
        scheduler: str = OWN,
        model: str = AUTO,
        request: gr.Request | None = None,
    ) -> tuple[gr.FileData, dict[str, Any]]:
        """Draw a picture: the same seed and settings give the same picture.

        Args:
            prompt: what it shall show, in English; the embedded model knows emoji.
            negative_prompt: what it shall not show.
            steps: 1 to 100; 0 takes what suits the model.
            guidance_scale: 0 to 30, how strictly the prompt is followed; -1 takes what suits the model.
            seed: 0 to 4294967295.
            size: edge in pixels, one that the model has; 0 takes the one it was trained with.
            scheduler: own, ddim, dpmpp_2m, euler, euler_a, unipc, or lcm for models of few steps.
            model: id of a model, or "auto".

        Returns:
            The picture, a PNG file with the settings inside, and
            {"seconds", "together" (pictures in the batch), "model", "cut" and "negative_cut" (the ends of the prompts
            that the model does not read), "hidden" (by the model's safety checker)}.
        """
        entry, engine = await asyncio.to_thread(self._engine, MODEL.check(model), request)
        wanted = read_request(
            prompt,
            negative_prompt,
            steps or usual_steps(entry),
            usual_guidance(entry) if guidance_scale == -1 else guidance_scale,
            seed,
            size or entry.size,
            scheduler,
        )
        opened = await asyncio.to_thread(engine.opened)
        async with contextlib.aclosing(engine.draw(wanted)) as events:
            *_, finished = [event async for event in events if isinstance(event, Finished)]
        sampler = schedulers.title(opened.pipe.scheduler, wanted.scheduler)
        written = metadata.texts(wanted, entry.id, sampler)
        content = await asyncio.to_thread(metadata.png, finished.images[0], written)
        return picture_file(content, f"{wanted.seed}.png"), {
            "seconds": finished.seconds,
            "together": finished.together,
            "model": entry.id,
            "cut": opened.cut(wanted.prompt),
            "negative_cut": opened.cut(wanted.negative_prompt),
            "hidden": finished.hidden[0],
        }

    def relabel(self, lang: str, shown: Shown | None) -> Any:
        """The canvas in another language."""
        return gr.skip() if shown is None else canvas_html(lang, shown)


def model_choices(lang: str, models: DiffusionModels) -> list[tuple[str, str]]:
    """For the box: the best by itself, or one of those that can be had."""
    try:
        usable = models.usable()
    except errors.DemystifyError:
        usable = ()
    return [(text(lang, "image.model_auto"), AUTO), *((model.title, model.id) for model in usable)]


def _styled(request: ImageRequest, style: Any) -> ImageRequest:
    words = STYLES[str(STYLE.check(style))]
    return replace(request, prompt=f"{request.prompt}, {words}") if words else request


def _pictures(lang: str, shown: Shown) -> Kept:
    """The finished pictures with their settings inside, and a caption."""
    request, finished = shown.request, shown.finished
    assert request is not None and finished is not None  # noqa: S101 - the caller has looked
    found: Kept = []
    for place, image in enumerate(finished.images):
        alone = metadata.of_picture(request, place)
        copy = image.copy()
        copy.info.update(metadata.texts(alone, shown.model, shown.sampler))
        found.append((copy, f"{alone.prompt} · {text(lang, 'image.seed_is', seed=str(alone.seed))}"))
    return found


def _take_settings(path: Path) -> tuple[ImageRequest, str]:
    """The settings in a file that a visitor has sent; the file is deleted."""
    try:
        return metadata.read(path)
    finally:
        path.unlink(missing_ok=True)
