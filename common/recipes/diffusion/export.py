"""From trained parts to a folder that ``StableDiffusionPipeline`` reads, in 16-bit safetensors, and back."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from common.recipes.diffusion.unet import Painter, make_scheduler

_LARGEST_FILE = "15MB"


def pipeline(coder: AutoencoderKL, painter: Painter, tokenizer: CLIPTokenizer) -> StableDiffusionPipeline:
    """The parts as one pipeline, in 16 bits, with no safety checker: it has only ever seen emoji."""
    return StableDiffusionPipeline(
        vae=coder.half(),
        text_encoder=painter.text_encoder.half(),  # type: ignore[no-untyped-call]
        tokenizer=tokenizer,
        unet=painter.unet.half(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def save(made: StableDiffusionPipeline, folder: Path) -> None:
    """Write the folder, no file larger than 15 MB."""
    for file in folder.rglob("*.safetensors*"):
        file.unlink()  # of an earlier model, which may have had more shards
    made.save_pretrained(folder, max_shard_size=_LARGEST_FILE)


def load_weights(folder: Path, coder: AutoencoderKL, painter: Painter) -> None:
    """Put a saved model's weights into untrained parts."""
    coder.load_state_dict(AutoencoderKL.from_pretrained(folder / "vae", dtype=torch.float32).state_dict())
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32)
    painter.unet.load_state_dict(unet.state_dict())
    encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    painter.text_encoder.load_state_dict(encoder.state_dict())
