"""Other families of models than Stable Diffusion 1: tiny folders of the same classes, drawn with every step told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    StableDiffusionPipeline,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessorPil, T5Config, T5EncoderModel, T5Tokenizer

from common.diffusion.engine import DiffusionEngine, Finished, ImageEvent, ImageRequest, StepEvent
from common.diffusion.models import configured
from common.diffusion.opened import open_model

REQUEST = ImageRequest("a fox", steps=2, size=32, guidance_scale=4.0, trace=True)


def _events(folder: Path, request: ImageRequest = REQUEST) -> list[ImageEvent]:
    engine = DiffusionEngine("other", lambda: open_model(configured(str(folder))))

    async def draw() -> list[ImageEvent]:
        return [event async for event in engine.draw(request)]

    try:
        return asyncio.run(draw())
    finally:
        engine.close()


@pytest.mark.slow
def test_a_transformer_draws_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    PixArtSigmaPipeline(
        tokenizer=T5Tokenizer(),
        text_encoder=T5EncoderModel(T5Config(vocab_size=400, d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=4)),
        vae=AutoencoderKL(
            block_out_channels=(16, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=8,
            sample_size=32,
        ),
        transformer=PixArtTransformer2DModel(
            sample_size=16,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_channels=16,
            cross_attention_dim=16,
            in_channels=4,
            out_channels=8,
        ),
        scheduler=DPMSolverMultistepScheduler(),
    ).save_pretrained(tmp_path)
    events = _events(tmp_path)
    assert sum(isinstance(event, StepEvent) for event in events) == 2
    assert isinstance(events[-1], Finished) and events[-1].images[0].size == (32, 32)


@pytest.mark.slow
def test_the_models_own_safety_checker_is_asked(tiny_diffusion: Path, tmp_path: Path) -> None:
    """A checker that calls everything unsafe hides the picture, and that is told."""
    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**tower, "image_size": 32, "patch_size": 16}
    checker = StableDiffusionSafetyChecker(CLIPConfig(text_config=tower, vision_config=vision, projection_dim=16))
    checker.concept_embeds_weights.fill_(-1.0)  # a similarity is always above that
    pipe = StableDiffusionPipeline.from_pretrained(tiny_diffusion, safety_checker=None, local_files_only=True)
    StableDiffusionPipeline(
        **{**pipe.components, "safety_checker": checker, "feature_extractor": _processor()}
    ).save_pretrained(tmp_path)
    finished = _events(tmp_path)[-1]
    assert isinstance(finished, Finished) and finished.hidden == (True,)
    assert finished.images[0].getextrema() == ((0, 0),) * 3  # black


def _processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
