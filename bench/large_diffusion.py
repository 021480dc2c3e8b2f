"""A model of SD-Turbo's size on a processor: one step, 512×512 pixels, the space's way against diffusers' defaults.

The pipeline is built from SD-Turbo's configuration with random weights, which take as long as trained ones and need no
network. The rival is the pipeline as diffusers makes it: 32 bits, the whole autoencoder. Ours is opened by
``open_model`` as the space opens a model of the hub, with a tiny autoencoder of the class the catalogue names. Both
stay in memory and draw in turn, so that a busy machine hits both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.tables import machine, median, report
from common import hardware
from common.diffusion.models import configured
from common.diffusion.opened import Opened, open_model
from common.diffusion.paint import paint
from common.diffusion.request import ImageRequest

_SIZE = 512
# The rival's weights in 32 bits (5.2 GB), ours in no more, and what a picture needs.
_NEEDED_GB = 13


def build() -> Any:
    """SD-Turbo's parts (U-Net 866, text encoder 340, autoencoder 84 million parameters), untrained."""
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    signs = [chr(number) for number in range(33, 127)]
    pieces = ["<|startoftext|>", "<|endoftext|>", *signs, *(f"{sign}</w>" for sign in signs)]
    text: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            sample_size=_SIZE,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=49_408,
                hidden_size=1024,
                intermediate_size=4096,
                num_hidden_layers=23,
                num_attention_heads=16,
                hidden_act="gelu",
                **text,
            )
        ),
        tokenizer=CLIPTokenizer(
            vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=77
        ),
        unet=UNet2DConditionModel(
            sample_size=_SIZE // 8,
            attention_head_dim=(5, 10, 20, 20),
            cross_attention_dim=1024,
            use_linear_projection=True,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            timestep_spacing="trailing",
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def save(pipe: Any, folder: Path) -> None:
    """Write the pipeline in 16 bits, as such models are published, with a tiny autoencoder; it stays in 32 bits."""
    from diffusers import AutoencoderTiny

    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.half()
    pipe.save_pretrained(folder)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.float()
    AutoencoderTiny().save_pretrained(folder / "tiny_vae")


def in_turn(pipe: Any, opened: Opened, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a picture by the rival and by us, in turn, after one that warms up each."""
    request = ImageRequest("a fox", steps=1, guidance_scale=0.0, size=opened.native)
    rival: list[float] = []
    ours: list[float] = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        pipe(request.prompt, num_inference_steps=1, guidance_scale=0.0)
        rival.append(time.perf_counter() - start)
        ours.append(paint(opened, [request])[0].seconds)
    return rival[1:], ours[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    if hardware.free_memory_gb() < _NEEDED_GB:
        parser.exit(1, f"Both models together need {_NEEDED_GB} GB of free memory.\n")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as ``open_model`` does, before torch is loaded
    pipe = build()
    pipe.set_progress_bar_config(disable=True)
    with tempfile.TemporaryDirectory() as place:
        save(pipe, Path(place))
        opened = open_model(configured(place))
    import torch

    dtype = next(opened.pipe.unet.parameters()).dtype
    rival, ours = in_turn(pipe, opened, rounds)
    report(
        "large_diffusion",
        "A model of SD-Turbo's size on this processor: one step, 512×512",
        ("what", "seconds", "ratio"),
        [
            ["diffusers' default: 32 bits, whole autoencoder", f"{median(rival):.1f} s", "1 ×"],
            [
                f"as the space opens it: {str(dtype).removeprefix('torch.')}, tiny autoencoder",
                f"{median(ours):.1f} s",
                f"**{median([b / a for a, b in zip(ours, rival, strict=True)]):.1f} ×** (aim: 5 ×)",
            ],
        ],
        [
            f"Medians of {rounds} rounds in turn after one that warms up; the ratio is the median of the rounds' own.",
            f"{torch.get_num_threads()} threads, random weights. {machine()}.",
        ],
    )


if __name__ == "__main__":
    main()
