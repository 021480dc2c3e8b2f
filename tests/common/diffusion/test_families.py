"""Other families of models than Stable Diffusion 1: tiny folders of the same classes, drawn with every step told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from common.diffusion.engine import DiffusionEngine, Finished, ImageEvent, ImageRequest, StepEvent
from common.diffusion.models import configured
from common.diffusion.opened import open_model
from common.diffusion.preview import ByAutoencoder
from tests.tiny_diffusion import build_tiny_decoder

REQUEST = ImageRequest("a fox", steps=2, size=32, guidance_scale=4.0, trace=True)


def _events(folder: Path, request: ImageRequest = REQUEST) -> list[ImageEvent]:
    engine = DiffusionEngine("other", lambda: open_model(configured(str(folder))))
    try:
        return _drawn(engine, request)
    finally:
        engine.close()


def _drawn(engine: DiffusionEngine, request: ImageRequest) -> list[ImageEvent]:
    async def draw() -> list[ImageEvent]:
        return [event async for event in engine.draw(request)]

    return asyncio.run(draw())


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


def _sdxl(tiny_diffusion: Path, folder: Path) -> Path:
    """An SDXL with a tiny autoencoder beside its own: two text encoders, and a U-Net that reads the sizes too."""
    torch.manual_seed(0)
    small = StableDiffusionPipeline.from_pretrained(tiny_diffusion, safety_checker=None, local_files_only=True)
    text = CLIPTextConfig(
        vocab_size=small.text_encoder.config.vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        max_position_embeddings=24,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    StableDiffusionXLPipeline(
        vae=small.vae,
        text_encoder=CLIPTextModel(text),
        text_encoder_2=CLIPTextModelWithProjection(text),
        tokenizer=small.tokenizer,
        tokenizer_2=small.tokenizer,
        unet=UNet2DConditionModel(
            sample_size=16,
            layers_per_block=1,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=64,
            norm_num_groups=8,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=32 + 6 * 8,
        ),
        scheduler=EulerAncestralDiscreteScheduler(
            beta_schedule="scaled_linear", timestep_spacing="trailing", steps_offset=1
        ),
    ).save_pretrained(folder)
    build_tiny_decoder(folder / "tiny_vae")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("request_", [replace(REQUEST, steps=1, guidance_scale=0.0), REQUEST])
def test_sdxl_draws_too(tiny_diffusion: Path, tmp_path: Path, request_: ImageRequest) -> None:
    """In one step without guidance, as SDXL-Turbo, and with guidance; by either decoder."""
    opened = open_model(configured(str(_sdxl(tiny_diffusion, tmp_path))))
    assert isinstance(opened.preview, ByAutoencoder)
    engine = DiffusionEngine("sdxl", lambda: opened)
    try:
        for full in (False, True):
            events = _drawn(engine, replace(request_, full_decoder=full))
            assert sum(isinstance(event, StepEvent) for event in events) == request_.steps
            assert isinstance(events[-1], Finished) and events[-1].images[0].size == (32, 32)
    finally:
        engine.close()


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
