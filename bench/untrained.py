"""Stable Diffusion pipelines of well-known sizes with random weights, which take as long as trained ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZE = 512  # edge of their pictures, in pixels
_NOISE: dict[str, Any] = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}


def sd_turbo() -> Any:
    """SD-Turbo's parts: U-Net 866, text encoder 340, autoencoder 84 million parameters."""
    from diffusers import EulerDiscreteScheduler, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=SIZE // 8, attention_head_dim=(5, 10, 20, 20), cross_attention_dim=1024, use_linear_projection=True
    )
    text = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16}
    return _pipeline(unet, text | {"hidden_act": "gelu"}, EulerDiscreteScheduler(**_NOISE, timestep_spacing="trailing"))


def sd_15() -> Any:
    """Stable Diffusion 1.5's parts: U-Net 860, text encoder 123, autoencoder 84 million parameters."""
    from diffusers import PNDMScheduler, UNet2DConditionModel

    unet = UNet2DConditionModel(sample_size=SIZE // 8, attention_head_dim=8, cross_attention_dim=768)
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    return _pipeline(unet, text, PNDMScheduler(**_NOISE, skip_prk_steps=True, set_alpha_to_one=False))


def save(pipe: Any, folder: Path) -> None:
    """Write the pipeline in 16 bits, as such models are published, with a tiny autoencoder; it stays in 32 bits."""
    from diffusers import AutoencoderTiny

    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.half()
    pipe.save_pretrained(folder)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.float()
    AutoencoderTiny().save_pretrained(folder / "tiny_vae")


def _pipeline(unet: Any, text: dict[str, Any], scheduler: Any) -> Any:
    from diffusers import AutoencoderKL, StableDiffusionPipeline
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    signs = [chr(number) for number in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *signs, *(f"{sign}</w>" for sign in signs)]
    ids: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            sample_size=SIZE,
        ),
        text_encoder=CLIPTextModel(CLIPTextConfig(vocab_size=49_408, **text, **ids)),
        tokenizer=CLIPTokenizer(
            vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=77
        ),
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
