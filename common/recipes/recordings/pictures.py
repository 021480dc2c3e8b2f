"""Pictures in the making, every step kept, from the embedded diffusion model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.diffusion import guidance, noise, redraw
from common.diffusion.engine import Finished, ImageRequest, StepEvent
from common.diffusion.guidance import GuidanceRequest, Guided, GuidedStep
from common.diffusion.models import DiffusionModels
from common.diffusion.noise import Noised, NoiseRequest, NoiseStep
from common.diffusion.redraw import Redrawn, RedrawRequest, RedrawStep
from common.diffusion.request import Pixels
from common.recordings.recording import PicturesPart, Strip

# Noise does not shrink without loss; at this quality it cannot be told from the original on a page.
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Drawn:
    """A run before it is written down: pictures of each kind by the key of their name, and how it ended."""

    prompt: str
    settings: Mapping[str, Any]
    noise_left: Sequence[float]
    kinds: Mapping[str, Sequence[Pixels]]
    result: Image.Image
    label: str = ""

    def save(self, folder: Path, name: str) -> PicturesPart:
        """Write the pictures into ``folder``, with names that begin with ``name``."""
        strips = []
        for label, frames in self.kinds.items():
            file = f"{name}-{label.rpartition('.')[2]}.webp"
            Image.fromarray(np.concatenate(frames, axis=1)).save(folder / file, "WEBP", quality=_QUALITY, method=6)
            strips.append(Strip(label=label, file=file))
        result = f"{name}-result.png"
        self.result.save(folder / result, "PNG", optimize=True)
        return PicturesPart(
            label=self.label,
            prompt=self.prompt,
            settings=dict(self.settings),
            edge=next(iter(self.kinds.values()))[0].shape[0],
            noise_left=tuple(round(share, 4) for share in self.noise_left),
            strips=tuple(strips),
            result=result,
        )


async def drawn(models: DiffusionModels, request: ImageRequest, label: str = "") -> Drawn:
    """A picture drawn as the tabs Text to image and Denoising player draw it; ``request.trace`` is set."""
    steps: list[StepEvent] = []
    result: Image.Image | None = None
    async for event in models.engine().draw(request):
        if isinstance(event, StepEvent):
            steps.append(event)
        elif isinstance(event, Finished):
            result = event.images[0]
    assert result is not None  # noqa: S101 - the engine ends with it or raises
    kept = asdict(request)
    del kept["prompt"], kept["trace"]
    kinds = {
        "denoise.noisy": [step.noisy[0] for step in steps],
        "denoise.noise": [step.noise[0] for step in steps],
        "denoise.clean": [step.clean[0] for step in steps],
    }
    return Drawn(request.prompt, kept, [step.noise_left for step in steps], kinds, result, label)


async def restyled(models: DiffusionModels, request: ImageRequest, file: Path) -> list[Drawn]:
    """A picture drawn as it is, and from the same noise with the LoRA in ``file`` beside the U-Net."""
    before = await drawn(models, request, "recorded.untaught")
    pipe = models.engine().opened().pipe
    pipe.load_lora_weights(str(file.parent), weight_name=file.name, local_files_only=True, use_safetensors=True)
    try:
        return [before, await drawn(models, request, "recorded.taught")]
    finally:
        pipe.unload_lora_weights()


def guided(models: DiffusionModels, request: GuidanceRequest) -> Drawn:
    """Guidance opened: both predictions of every step and what comes of them."""
    events = list(guidance.run(models.engine().opened(), request))
    steps = [event for event in events if isinstance(event, GuidedStep)]
    end = next(event for event in events if isinstance(event, Guided))
    kinds = {
        "guidance.unconditional": [step.unconditional for step in steps],
        "guidance.conditional": [step.conditional for step in steps],
        "guidance.difference": [step.difference for step in steps],
    }
    settings = {"steps": request.steps, "scale": request.scale, "seed": request.seed}
    return Drawn(request.prompt, settings, [step.noise_left for step in steps], kinds, end.images[0])


def noised(models: DiffusionModels, request: NoiseRequest) -> Drawn:
    """A picture under noise and back again."""
    events = list(noise.run(models.engine().opened(), request))
    steps = [event for event in events if isinstance(event, NoiseStep)]
    end = next(event for event in events if isinstance(event, Noised))
    kinds = {"denoise.noisy": [step.noisy for step in steps], "denoise.clean": [step.guess for step in steps]}
    settings = {"share": request.share, "steps": request.steps, "scale": request.scale, "seed": request.seed}
    return Drawn(request.prompt, settings, [step.level.noise**2 for step in steps], kinds, end.result)


def redrawn(models: DiffusionModels, request: RedrawRequest) -> Drawn:
    """A picture drawn over."""
    events = list(redraw.run(models.engine().opened(), request))
    steps = [event for event in events if isinstance(event, RedrawStep)]
    end = next(event for event in events if isinstance(event, Redrawn))
    kinds = {"denoise.noisy": [step.noisy for step in steps], "denoise.clean": [step.guess for step in steps]}
    settings = {"strength": request.strength, "steps": request.steps, "scale": request.scale, "seed": request.seed}
    return Drawn(request.prompt, settings, [step.noise_left for step in steps], kinds, end.result)
