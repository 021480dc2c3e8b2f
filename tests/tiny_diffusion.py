"""A Stable Diffusion folder of a few hundred kilobytes: every part real, none trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def build(folder: Path, prediction: str = "epsilon") -> Path:
    """Write a ``StableDiffusionPipeline`` for pictures of 32 x 32, with latents of 16 x 16 and 24 tokens."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    signs = [chr(number) for number in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *signs, *(f"{sign}</w>" for sign in signs)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    text: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "max_position_embeddings": 24}
    StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(16, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            norm_num_groups=8,
            sample_size=32,
            mid_block_add_attention=False,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(vocabulary),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                **text,
            )
        ),
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=24),
        unet=UNet2DConditionModel(
            sample_size=16,
            layers_per_block=1,
            block_out_channels=(16, 32),
            attention_head_dim=4,
            cross_attention_dim=32,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=DDIMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            prediction_type=prediction,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def build_tiny_decoder(folder: Path) -> Path:
    """Write an ``AutoencoderTiny`` for latents of 16 x 16, as the hub has them for its large models."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    AutoencoderTiny(
        encoder_block_out_channels=(16, 16),
        decoder_block_out_channels=(16, 16),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).save_pretrained(folder)
    return folder


def build_checked(folder: Path, hides: bool) -> Path:
    """Write the same pipeline with a safety checker that takes every picture for unsuitable, or none."""
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(build(folder), safety_checker=None)
    add_checker(pipe, hides)
    pipe.register_to_config(requires_safety_checker=True)
    pipe.save_pretrained(folder)
    return folder


def add_checker(pipe: Any, hides: bool) -> None:
    """Give the pipeline a safety checker, untrained, that takes every picture for unsuitable, or none."""
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    looks = {**sizes, "image_size": 30, "patch_size": 10}
    reads = {**sizes, "vocab_size": 8}
    checker = StableDiffusionSafetyChecker(CLIPConfig(text_config=reads, vision_config=looks, projection_dim=8)).eval()
    with torch.no_grad():  # a cosine is between the two
        checker.concept_embeds_weights.fill_(-2.0 if hides else 2.0)
        checker.special_care_embeds_weights.fill_(2.0)
    edges: dict[str, Any] = {"size": {"shortest_edge": 30}, "crop_size": {"height": 30, "width": 30}}
    pipe.register_modules(safety_checker=checker, feature_extractor=CLIPImageProcessor(**edges))
