"""A prompt drawn twice from the same noise: by the model as it is, and with a LoRA beside its U-Net.

The LoRA is put in for this piece of work alone and taken out again, so that nobody else's pictures change.

Source: Hu et al. 2021, *LoRA* (arXiv:2106.09685): W + s·BA, of which s is the strength.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import errors
from common.diffusion import safety, walk
from common.diffusion.engine import check
from common.diffusion.opened import Opened
from common.diffusion.request import OWN, ImageRequest

if TYPE_CHECKING:
    from PIL import Image

_NAME = "style"


@dataclass(frozen=True, slots=True)
class AdaptedRequest:
    """What to draw.

    Attributes:
        file: the LoRA, a safetensors file as diffusers reads it.
        base: the folder of the model that learned it.
        base_title: what people call it.
        strength: how much the LoRA counts; 1 as it was trained, 0 not at all.
    """

    prompt: str
    file: Path
    base: Path
    base_title: str
    strength: float = 1.0
    steps: int = 20
    scale: float = 4.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AdaptedStep:
    """One of the ``steps`` for both pictures together, counted from 1."""

    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Adapted:
    """Without the LoRA, and with it; ``hidden``: the model's safety checker has hidden one of them, or both."""

    before: Image.Image
    after: Image.Image
    hidden: bool = False


def run(opened: Opened, request: AdaptedRequest) -> Iterator[AdaptedStep | Adapted]:
    """Every step, then both pictures.

    Raises:
        NotSupported: the model is built in another way, or is not the one that learned.
        NotTrainedYet: the file is gone.
        PictureTooLarge, OutOfMemory: it does not fit into the free memory.
    """
    import torch

    from common import catalog

    walk.check(opened)
    check(opened, ImageRequest(request.prompt, steps=request.steps, size=opened.native))
    if catalog.locate(opened.model).resolve() != request.base.resolve():
        raise errors.NotSupported(what=errors.Phrase("style_other_model", name=request.base_title))
    if not request.file.is_file():
        raise errors.NotTrainedYet()
    drawn: list[Image.Image] = []
    for adapted in (False, True):
        with opened.in_use(OWN) as pipe, torch.inference_mode():
            if adapted:
                pipe.load_lora_weights(
                    str(request.file.parent),
                    weight_name=request.file.name,
                    adapter_name=_NAME,
                    local_files_only=True,
                    use_safetensors=True,
                )
            try:
                if adapted:
                    pipe.set_adapters([_NAME], [request.strength])
                for step in _picture(opened, pipe, request):
                    if isinstance(step, int):
                        yield AdaptedStep(step + adapted * request.steps, 2 * request.steps)
                    else:
                        drawn.append(step)
            finally:
                if adapted:
                    pipe.unload_lora_weights()
    with opened.in_use() as pipe:
        (before, after), hidden = safety.hide(pipe, drawn)
    yield Adapted(before, after, hidden)


def _picture(opened: Opened, pipe: Any, request: AdaptedRequest) -> Iterator[int | Image.Image]:
    """The numbers of the steps, then the picture."""
    scheduler = pipe.scheduler
    scheduler.set_timesteps(request.steps, device=pipe.device)
    vectors, scale = walk.embed(pipe, request.prompt), walk.fitting_scale(opened, request.scale)
    latents, chance = walk.begin(pipe, opened.native, request.seed)
    for number, timestep in enumerate(scheduler.timesteps, start=1):
        prediction = walk.guide(*walk.predict(pipe, latents, timestep, *vectors), scale)
        latents = walk.advance(scheduler, prediction, timestep, latents, [chance])
        yield min(number, request.steps)
    yield walk.to_pictures(pipe, latents)[0].convert("RGB")
