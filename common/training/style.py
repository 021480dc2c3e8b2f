"""A run of kind "style": a LoRA beside the U-Net of a Stable Diffusion model learns how a few pictures look.

The loss is the one that the model itself was trained with: how far its prediction is from the true noise (or velocity),
at random steps of the schedule. Only the thin matrices of the LoRA change. The loop is Hugging Face's ``Trainer``.

Source: Hu et al. 2021, *LoRA* (arXiv:2106.09685); Ruiz et al. 2022, *DreamBooth* (arXiv:2208.12242), without its
pictures of the class; Ho & Salimans 2022 (arXiv:2207.12598) for the prompts that are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import mse_loss
from torch.utils.data import Dataset
from transformers import Trainer

from common import catalog, errors, hardware
from common.training.config import StyleConfig
from common.training.folder import Event, RunFolder
from common.training.loop import last_look, train_through
from common.training.processes import Together
from common.training.progress import Progress
from common.training.room import free_bytes
from common.training.scratch import arguments
from common.training.style_pictures import Example, from_jsonl

# What diffusers looks for in a folder.
FILE = "pytorch_lora_weights.safetensors"
_LEFT_OUT = 0.1  # prompts, so that classifier-free guidance goes on working
_LEVELS = (0.2, 0.45, 0.7, 0.95)  # of the schedule, at which the loss of an evaluation is measured
# Convolutions carry much of a small network's look; in a large one attention alone is the usual choice, and smaller.
_SMALL = 100_000_000
_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
# Bytes in training for a byte of weights stored in 16 bits: twice as many in 32, and at least half of that beside them.
_BESIDE_STORED = 3


def train(folder: RunFolder) -> dict[str, Any]:
    """Do the run, or go on with it; returns what goes into the result.

    Raises:
        NumberOfPictures: too few or too many.
        StyleTooLarge: for the memory there is.
        ModelUnavailable, NotSupported: of the base model.
        Diverged: the loss is no number any more, or higher than at the beginning.
    """
    config = folder.config()
    assert isinstance(config, StyleConfig)  # noqa: S101 - run.py has chosen this trainer by the kind
    examples = from_jsonl((folder.path / config.data_file).read_text("utf-8"))
    check_memory(config)
    pipe = _open(config)
    torch.manual_seed(config.pace.seed)
    lesson = Lesson(pipe, examples, config.size)
    lora = LoraConfig(r=config.rank, lora_alpha=config.rank, target_modules=targets(pipe.unet))
    model = get_peft_model(pipe.unet, lora)
    learned, every = model.get_nb_trainable_parameters()
    folder.write_json("data.json", {"pictures": len(examples), "trainable": learned, "parameters": every})
    progress = Progress(folder, config, config.pace.batch, Sampler(folder, config, pipe, model))
    trainer = _Trainer(
        lesson,
        model=model,
        args=arguments(
            folder,
            config.pace,
            logging_steps=5,
            torch_compile=False,
            label_names=["labels"],
            remove_unused_columns=False,
            prediction_loss_only=True,
        ),
        train_dataset=Numbers(len(examples) * config.pace.batch),  # so that every batch is full
        eval_dataset=Numbers(len(examples) * len(_LEVELS)),
        callbacks=[progress, Together()],
    )
    train_through(trainer, progress, folder, look_first=True)
    loss = float(last_look(trainer)["eval_loss"])
    if trainer.is_world_process_zero():
        _save(folder, config, trainer.accelerator.unwrap_model(trainer.model))
    return {"test_loss": loss, **progress.summary()}


def targets(unet: nn.Module) -> list[str]:
    """The layers that get a LoRA: those of attention; in a small network all matrices and convolutions."""
    small = sum(weight.numel() for weight in unet.parameters()) < _SMALL
    return [
        name
        for name, layer in unet.named_modules()
        if (small and isinstance(layer, nn.Linear | nn.Conv2d) and "time_emb" not in name) or name.endswith(_ATTENTION)
    ]


def check_memory(config: StyleConfig) -> None:
    """Raises StyleTooLarge when not even the model's weights have room; what a step takes is known when it is tried."""
    stored = sum(path.stat().st_size for path in (Path(config.base) / "unet").glob("*.safetensors"))
    if stored * _BESIDE_STORED > free_bytes():
        raise errors.StyleTooLarge(batch=max(1, config.pace.batch // 2))


class Numbers(Dataset[dict[str, int]]):
    """The numbers from 0 to ``count``: what they stand for is the lesson's."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, int]:
        return {"labels": index}


class Lesson:
    """The pictures as latents and the prompts as vectors, made once, and the loss on some of them.

    Attributes:
        latents: (N, C, h, w), scaled as the U-Net knows them.
        words, empty: vectors of the prompts and of the empty one, (N, tokens, width) and (1, tokens, width).
    """

    def __init__(self, pipe: Any, examples: list[Example], size: int) -> None:
        from diffusers import DDPMScheduler

        self._noise = DDPMScheduler.from_config(pipe.scheduler.config)
        self._steps = int(self._noise.config.num_train_timesteps)
        with torch.no_grad():
            pictures = [example.picture.resize((size, size)) for example in examples]
            pixels = [pipe.image_processor.preprocess(picture).to(pipe.device) for picture in pictures]
            encoded = [pipe.vae.encode(part).latent_dist.mode() for part in pixels]  # one by one, for memory's sake
            self.latents = torch.cat(encoded) * pipe.vae.config.scaling_factor
            prompts = [example.prompt for example in examples]
            self.words, _ = pipe.encode_prompt(prompts, pipe.device, 1, False)
            self.empty, _ = pipe.encode_prompt("", pipe.device, 1, False)

    def loss(self, model: nn.Module, numbers: torch.Tensor) -> torch.Tensor:
        """In training at random steps with random noise; otherwise always the same ones for the same number."""
        picture = numbers.cpu() % len(self.latents)
        clean, words = self.latents[picture], self.words[picture]
        if model.training:
            noise, times = torch.randn_like(clean), torch.randint(self._steps, (len(picture),))
            without = torch.rand(len(picture)) < _LEFT_OUT
            words = torch.where(without.to(words.device)[:, None, None], self.empty, words)
        else:
            level = numbers.cpu() // len(self.latents) % len(_LEVELS)
            times = (torch.tensor(_LEVELS)[level] * self._steps).long()
            noise = torch.stack([_noise(int(number), clean[0]) for number in numbers])
        times = times.to(clean.device)
        found = model(self._noise.add_noise(clean, noise, times), times, encoder_hidden_states=words).sample
        return mse_loss(found.float(), self._wanted(clean, noise, times))

    def _wanted(self, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """What the model should predict, by its own convention."""
        kind = self._noise.config.prediction_type
        if kind == "v_prediction":
            velocity: torch.Tensor = self._noise.get_velocity(clean, noise, times)
            return velocity
        return clean if kind == "sample" else noise


class _Trainer(Trainer):
    """The Trainer with the lesson's loss in place of the model's own."""

    def __init__(self, lesson: Lesson, **options: Any) -> None:
        super().__init__(**options)
        self._lesson = lesson

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        loss = self._lesson.loss(model, inputs["labels"])
        return (loss, {}) if return_outputs else loss


class Sampler:
    """Draws the run's prompt with what has been learned so far, always from the same noise. See progress.Writer."""

    def __init__(self, folder: RunFolder, config: StyleConfig, pipe: Any, model: PeftModel) -> None:
        self._folder, self._config, self._pipe, self._model = folder, config, pipe, model

    @torch.no_grad()
    def __call__(self, model: Any, loss: float) -> Event:
        """The picture is a file of the run, which the event names.

        One that the model's safety checker takes for unsuitable is black, and the event says that it is ``hidden``.
        """
        training = self._model.training
        self._model.eval()
        try:
            output = self._pipe(
                self._config.prompt,
                num_inference_steps=self._config.sample_steps,
                guidance_scale=self._config.guidance,
                height=self._config.size,
                width=self._config.size,
                generator=torch.Generator().manual_seed(self._config.sample_seed),
            )
        finally:
            self._model.train(training)
        number = sum(event["type"] == "sample" for event in self._folder.events())
        name = f"sample-{number}.png"
        output.images[0].save(self._folder.path / name)
        found = output.nsfw_content_detected  # None without a checker
        return {"file": name, "hidden": True} if found and found[0] else {"file": name}


def _noise(number: int, like: torch.Tensor) -> torch.Tensor:
    chance = torch.Generator().manual_seed(number)
    return torch.randn(like.shape, generator=chance).to(like.device, like.dtype)


def _open(config: StyleConfig) -> Any:
    """The base model's pipeline in full precision, where training happens. Raises ModelUnavailable, NotSupported."""
    import diffusers
    from diffusers import StableDiffusionPipeline

    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    unreadable = errors.ModelUnavailable(model=config.base_title, reason=errors.Phrase("files_unreadable"))
    try:
        index = json.loads((Path(config.base) / "model_index.json").read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise unreadable from problem
    if index.get("_class_name") != "StableDiffusionPipeline":
        raise errors.NotSupported(what=errors.Phrase("style_learning", name=config.base_title))
    # A folder with a checker keeps it, to judge what is drawn on the way; one without is told so, or diffusers asks.
    checker: dict[str, Any] = {} if (Path(config.base) / "safety_checker").is_dir() else {"safety_checker": None}
    try:
        pipe = StableDiffusionPipeline.from_pretrained(
            config.base,
            dtype=torch.float32,
            variant=catalog.variant(Path(config.base)),
            use_safetensors=True,
            local_files_only=True,
            **checker,
        )
    except (OSError, ValueError, KeyError) as problem:
        raise unreadable from problem
    pipe.set_progress_bar_config(disable=True)
    pipe.to(hardware.device())
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    return pipe


def _save(folder: RunFolder, config: StyleConfig, model: PeftModel) -> None:
    """The LoRA alone in 16 bits, named as diffusers reads it; what it is stands in the file's head."""
    weights = get_peft_model_state_dict(model)
    named = {
        "unet." + name.removeprefix("base_model.model."): weight.detach().to("cpu", torch.float16).contiguous()
        for name, weight in weights.items()
    }
    about = {
        "format": "pt",
        "base_model": config.base_title,
        "base_licence": config.base_licence,
        "steps": str(config.pace.steps),
        "rank": str(config.rank),
    }
    folder.model.mkdir(exist_ok=True)
    part = folder.model / f".{FILE}.part"
    save_file(named, part, about)
    part.replace(folder.model / FILE)
