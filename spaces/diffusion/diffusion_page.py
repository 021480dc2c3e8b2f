"""What the tabs of the diffusion space share: the models, the boxes for a picture's settings, the status line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from html import escape
from typing import Any

from common import errors, hardware
from common.catalog import Model
from common.diffusion import schedulers
from common.diffusion.models import AUTO, DiffusionModels
from common.diffusion.opened import FULL, SMALL, few_steps, usual_guidance, usual_steps
from common.diffusion.request import OWN, ImageRequest
from common.training.runs import TrainingRuns
from common.ui.fields import Choice, Number, Text
from common.ui.i18n import error_text, text
from common.ui.page import Page

# Longer ones are cut by every text encoder there is; what was cut is shown.
PROMPT = Text("prompt", "red apple", 5_000)
NEGATIVE = Text("negative_prompt", "", 5_000)
STEPS = Number("image_steps", 20, 1, 100)
GUIDANCE = Number("guidance_scale", 4.0, 0, 30, 0.5)
SEED = Number("seed", 7, 0, 2**32 - 1)
SIZE = Number("image_size", 64, 8, 4096)
SCHEDULER = Choice("scheduler", OWN, schedulers.NAMES)
DECODER = Choice("decoder", SMALL, (SMALL, FULL))
IMAGES = Number("images", 1, 1, 8)
MODEL = Text("image_model", AUTO, 200)


@dataclass(frozen=True, slots=True)
class DiffusionPage(Page):
    """A page with diffusion models behind it.

    Attributes:
        runs: where a style is learned.
        owner, known: who the visitor is, and the event after which that is known (``common.ui.visitor``).
        in_hub: the other spaces are pages beside it.
    """

    models: DiffusionModels
    runs: TrainingRuns
    owner: Any
    known: Any
    in_hub: bool = False


def scheduler_choices(lang: str, model: Model | None) -> list[tuple[str, str]]:
    """For a box: the model's own scheduler, and the others that it takes; None is the embedded model."""
    titles = {name: schedulers.TITLES.get(name) or text(lang, "image.scheduler_own") for name in schedulers.NAMES}
    few = model is not None and few_steps(model)
    return [(title, name) for name, title in titles.items() if name != "lcm" or few]


def page_model(models: DiffusionModels) -> Model | None:
    """The page's model; None where there is none, which the status line says."""
    try:
        return models.find()
    except errors.DemystifyError:
        return None


def usual(models: DiffusionModels) -> tuple[int, float]:
    """Steps and guidance that suit the page's model."""
    try:
        model = models.find()
    except errors.DemystifyError:  # said in the status line, and on a click
        return int(STEPS.default or 20), GUIDANCE.default or 4.0
    return usual_steps(model), usual_guidance(model)


def read_request(
    prompt: Any,
    negative: Any = "",
    steps: Any = 20,
    guidance: Any = 4.0,
    seed: Any = 0,
    size: Any = 64,
    scheduler: Any = OWN,
    images: Any = 1,
    trace: bool = False,
    decoder: Any = SMALL,
) -> ImageRequest:
    """What a visitor has set, checked as far as no model is needed. Raises EmptyPrompt, InvalidInput."""
    said = words_of(PROMPT, prompt)
    if not said:
        raise errors.EmptyPrompt()
    return ImageRequest(
        said,
        words_of(NEGATIVE, negative),
        STEPS.whole(steps),
        GUIDANCE.real(guidance),
        SEED.whole(seed),
        SIZE.whole(size),
        str(SCHEDULER.check(scheduler)),
        IMAGES.whole(images),
        trace,
        DECODER.check(decoder) == FULL,
    )


def words_of(field: Text, value: Any) -> str:
    """A prompt in one line, as the text encoders read it. Raises InvalidInput."""
    said = field.check(value)
    if any("\ud800" <= sign <= "\udfff" for sign in said):  # half of a character, which no file can hold
        raise errors.InvalidInput(field=field.name, allowed=errors.Phrase("whole_characters"))
    return "".join(sign for sign in " ".join(said.split()) if sign.isprintable())


async def status_html(lang: str, models: DiffusionModels) -> tuple[str, bool]:
    """The status line: which model draws here, and whether it is ready. Never waits for it."""
    try:
        engine = await asyncio.to_thread(models.beside_others)
        if engine is None:  # another large model has its place, and a look shall not change that
            title = (await asyncio.to_thread(models.find)).title
            return f'<div class="status"><span><b>{escape(title)}</b></span></div>', True
    except errors.DemystifyError as problem:
        return f'<div class="status"><span>{escape(error_text(lang, problem))}</span></div>', True
    if not engine.ready:
        return (
            f'<div class="status"><span>{escape(text(lang, "common.loading", title=engine.name))}</span></div>',
            False,
        )
    where = text(lang, "common.place_gpu" if hardware.has_nvidia_gpu() else "common.place_cpu")
    dot = '<span class="dot">●</span>'
    running = escape(text(lang, "diffusion.running", n=engine.active)) if engine.active else ""
    return f'<div class="status"><span>{dot} <b>{escape(engine.name)}</b> {escape(where)} {running}</span></div>', True
