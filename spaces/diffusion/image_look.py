"""How the Text-to-image tab looks: the picture on its way, what to expect, what was cut. HTML, escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image
from prompt_note import cut_lines, notices

from common.catalog import Model
from common.diffusion import metadata
from common.diffusion.opened import Opened, memory_mb
from common.diffusion.request import Finished, ImageRequest, Pixels, StepEvent
from common.ui.components import figures_html, meter_html, percent
from common.ui.i18n import number, text


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows at the moment, in no language.

    Attributes:
        model, sampler: id of the model and title of the scheduler, for the file.
        step: the last one that has come.
        ahead: requests that come first, while it waits.
        stopped: by the visitor, before it was finished.
        hidden: the model's safety checker has hidden what it had come to then.
    """

    request: ImageRequest | None = None
    model: str = ""
    sampler: str = ""
    step: StepEvent | None = None
    finished: Finished | None = None
    ahead: int = 0
    stopped: bool = False
    hidden: bool = False
    loading: bool = False


def data_uri(picture: Pixels | Image.Image) -> str:
    """A picture as an address that holds it."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return _address("image/png", file.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def canvas_html(lang: str, shown: Shown) -> str:
    """The pictures as far as they are, and the figures below them."""
    if shown.finished is not None:
        return _finished(lang, shown, shown.finished)
    if shown.loading or shown.step is None:
        if shown.request is None:
            return ""
        words = (
            text(lang, "image.loading")
            if shown.loading
            else text(lang, "image.expected_ahead", n=number(lang, shown.ahead))
        )
        return f'<div class="drawn">{_blank(shown.request)}</div><p>{escape(words)}</p>'
    step = shown.step
    said = text(lang, "image.step_of", step=number(lang, step.step), steps=number(lang, step.steps))
    pictures = "".join(
        f'<figure><img src="{data_uri(picture)}" alt="{escape(said)}"></figure>' for picture in step.clean
    )
    if not pictures and shown.request is not None:
        pictures = _blank(shown.request)
    rows = [(percent(step.noise_left, lang), text(lang, "image.noise_left"))]
    if shown.stopped:
        said = text(lang, "image.stopped")
    else:
        rows.insert(0, (f"≈ {number(lang, step.seconds_left, 1)} s", text(lang, "image.left")))
    bar = meter_html(step.step / step.steps, said, kind="noise")
    notes = hidden_html(lang) if shown.hidden else ""
    return f'<div class="drawn">{pictures}</div>{bar}{notes}{figures_html(rows)}'


def _blank(request: ImageRequest) -> str:
    """The places of pictures of which nothing is to be seen yet."""
    return "<div class=empty></div>" * request.images


def _finished(lang: str, shown: Shown, finished: Finished) -> str:
    request = shown.request
    assert request is not None  # noqa: S101 - a finished picture was asked for
    figures, notes = [], ""
    for place, (image, hidden) in enumerate(zip(finished.images, finished.hidden, strict=True)):
        alone = metadata.of_picture(request, place)
        seed = text(lang, "image.seed_is", seed=str(alone.seed))
        content = metadata.png(image, metadata.texts(alone, shown.model, shown.sampler))
        uri = _address("image/png", content)
        figures.append(
            f'<figure><img src="{uri}" alt="{escape(request.prompt)}"><figcaption>{escape(seed)} '
            f'<a href="{uri}" download="{alone.seed}.png">{escape(text(lang, "image.save"))}</a></figcaption></figure>'
        )
        if hidden:
            notes = hidden_html(lang)
    rows = [(f"{number(lang, finished.seconds, 2)} s", text(lang, "image.took"))]
    if finished.together > request.images:
        rows.append((number(lang, finished.together), text(lang, "image.together")))
    return f'<div class="drawn">{"".join(figures)}</div>{notes}{figures_html(rows)}'


def hidden_html(lang: str) -> str:
    """Why there is a black picture, and what to do."""
    return f'<p class="notice">{escape(text(lang, "image.hidden"))}</p>'


def before_loading_html(lang: str, model: Model, here: bool) -> str:
    """What Draw will do first with a model that is not in memory.

    Args:
        here: its files are on this machine.
    """
    lines = [text(lang, "image.loads_at_draw", title=model.title)]
    if not here:
        lines.append(text(lang, "image.to_fetch", size=number(lang, model.size_mb / 1000, 1)))
    if model.memory_mb:
        lines.append(text(lang, "image.model_memory", memory=number(lang, memory_mb(model) / 1000, 1)))
    return _quiet(lines)


def restored_html(lang: str, made_by: str, edge: int, same: bool) -> str:
    """What settings were read out of a picture.

    Args:
        made_by: the model that is written in it, in whatever words.
        edge: of the size that is set, in pixels; ``same`` says whether it is the picture's own.
    """
    size = [] if same else [text(lang, "image.restored_size", edge=number(lang, edge))]
    return _quiet([text(lang, "image.restored", model=made_by or "?")]) + notices(size)


def notes_html(
    lang: str, opened: Opened | None, request: ImageRequest, expected: tuple[int, float] | None, memory_gb: float
) -> str:
    """What to expect of a request, and what about it will have no effect.

    Args:
        expected: requests ahead and seconds.
    """
    if opened is None:
        return _quiet([text(lang, "image.loading")])
    lines = []
    if expected is not None:
        ahead, seconds = expected
        figure = number(lang, seconds, 1 if seconds < 10 else 0)
        lines.append(text(lang, "image.expected", seconds=figure, memory=number(lang, 1000 * memory_gb)))
        if ahead:
            lines.append(text(lang, "image.expected_ahead", n=number(lang, ahead)))
    warned = cut_lines(lang, opened, [request.prompt])
    if request.negative_prompt and not request.guided:
        warned.append(text(lang, "image.negative_unused"))
    else:
        warned += cut_lines(lang, opened, [request.negative_prompt], "image.cut_negative")
    if request.size != opened.native:
        warned.append(text(lang, "image.other_size", size=number(lang, opened.native)))
    return _quiet(lines) + notices(warned)


def _quiet(lines: Sequence[str]) -> str:
    return f'<p class="quiet">{escape(" · ".join(lines))}</p>' if lines else ""
