"""A picture's settings written into its PNG file, and read back out of it.

Two texts are written. "parameters" is the convention of AUTOMATIC1111's web UI, which many programs read: prompt,
negative prompt, then names and values in one line. "demystify" is the same as JSON, exact, and is what we read first.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from pydantic import BaseModel, ConfigDict, ValidationError

from common import errors
from common.diffusion.request import OWN, ImageRequest
from common.diffusion.schedulers import NAMES, TITLES
from common.errors import Phrase

_OURS, _CONVENTION = "demystify", "parameters"
_NEGATIVE = "Negative prompt: "


class _Written(BaseModel):
    """The JSON form."""

    model_config = ConfigDict(extra="forbid")

    model: str
    prompt: str
    negative_prompt: str
    steps: int
    guidance_scale: float
    seed: int
    size: int
    scheduler: str
    full_decoder: bool = False


def of_picture(request: ImageRequest, number: int) -> ImageRequest:
    """The request that draws picture ``number`` of this one, alone."""
    return replace(request, seed=request.seeds[number], images=1, trace=False)


def texts(request: ImageRequest, model: str, sampler: str) -> dict[str, str]:
    """The two texts for a picture that was drawn alone.

    Args:
        model: the model's id.
        sampler: the scheduler's title.
    """
    values = {name: value for name, value in asdict(request).items() if name not in ("images", "trace")}
    facts = {
        "Steps": request.steps,
        "Sampler": sampler,
        "CFG scale": f"{request.guidance_scale:g}",
        "Seed": request.seed,
        "Size": f"{request.size}x{request.size}",
        "Model": model,
    }
    lines = [request.prompt, ", ".join(f"{name}: {value}" for name, value in facts.items())]
    if request.negative_prompt:
        lines.insert(1, _NEGATIVE + request.negative_prompt)
    return {_CONVENTION: "\n".join(lines), _OURS: json.dumps({"model": model, **values}, ensure_ascii=False)}


def png(image: Image.Image, written: Mapping[str, str]) -> bytes:
    """The picture as a PNG file with these texts."""
    info = PngInfo()
    for name, value in written.items():
        if value.isascii():
            info.add_text(name, value)
        else:
            info.add_itxt(name, value)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()


def read(path: Path) -> tuple[ImageRequest, str]:
    """The request that draws a saved picture, and the id of its model. The pixels are not looked at.

    Other programs draw pictures that are not square: the size of those is 0.

    Raises:
        ForeignPicture: no PNG, nothing written in it, or not by these rules. Whether the values are within the limits
            of the controls is not checked here.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            info = {name: value for name, value in image.info.items() if isinstance(value, str)}
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as problem:
        raise errors.ForeignPicture(reason=Phrase("not_png")) from problem
    if _OURS in info:
        return _from_json(info[_OURS])
    if _CONVENTION in info:
        return _from_convention(info[_CONVENTION])
    raise errors.ForeignPicture(reason=Phrase("no_settings"))


def _from_json(written: str) -> tuple[ImageRequest, str]:
    try:
        values = _Written.model_validate_json(written, strict=True).model_dump()
    except ValidationError as problem:
        raise errors.ForeignPicture(reason=Phrase("strange_settings")) from problem
    model = str(values.pop("model"))
    if values["scheduler"] not in NAMES:
        raise errors.ForeignPicture(reason=Phrase("strange_settings"))
    return ImageRequest(**values), model


def _from_convention(written: str) -> tuple[ImageRequest, str]:
    """Settings of another program: what we have too is taken; a sampler we do not have becomes the model's own."""
    head, _, last = written.strip().rpartition("\n")
    facts = {name.strip(): value.strip() for name, value in re.findall(r"([A-Za-z][\w ]*): ([^,]*)", last)}
    prompt, _, negative = head.partition(f"\n{_NEGATIVE}")
    named = {title.casefold(): name for name, title in TITLES.items()}
    sampler = facts.get("Sampler", "").casefold()
    values: dict[str, Any] = {}
    try:
        values["steps"], values["seed"] = int(facts["Steps"]), int(facts["Seed"])
        values["guidance_scale"] = float(facts["CFG scale"])
        wide, high = map(int, facts["Size"].split("x"))
        values["size"] = wide if wide == high else 0
    except (KeyError, ValueError) as problem:
        raise errors.ForeignPicture(reason=Phrase("strange_settings")) from problem
    # Longer names come first, so that "Euler a" is not taken for "Euler".
    known = next((named[title] for title in sorted(named, key=len, reverse=True) if sampler.startswith(title)), OWN)
    return ImageRequest(prompt.strip(), negative.strip(), scheduler=known, **values), facts.get("Model", "")
