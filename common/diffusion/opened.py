"""A loaded diffusion model: diffusers' own pipeline, and what a page wants to know about it.

Every pipeline that ``AutoPipelineForText2Image`` knows is taken as it is. Knows nothing about queues or pages.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from common import catalog, errors, hardware
from common.catalog import Model
from common.diffusion import preview, schedulers
from common.diffusion.preview import Preview
from common.diffusion.request import OWN
from common.without import not_installed

log = logging.getLogger(__name__)
# A guidance that suits models whose catalogue entry says nothing, as Stable Diffusion's authors chose it.
_USUAL_STEPS, _USUAL_GUIDANCE = 20, 7.5
# Up to this edge, in pixels, the decoder costs little: it may show every step, and many pictures at once.
DECODED = 128
# Names of the decoders: the quick one, which the pictures are made with, and the model's own.
SMALL, FULL = "small", "full"
# Sizes on offer, as shares of the one the model was trained with.
_SHARES = (0.5, 0.75, 1.0, 1.5)


@dataclass(frozen=True)
class Opened:
    """A model in memory, shared by all visitors.

    Attributes:
        model: its catalogue entry.
        pipe: the diffusers pipeline, on the device it runs on. One thread at a time uses it: see ``in_use``.
        folder: its files.
        native: edge of the pictures it was trained with, in pixels.
        factor: pixels per latent pixel and direction.
        small: a tiny autoencoder for the same latents, where there is one.
        full: the model's own autoencoder, where ``pipe`` has the tiny one in its place.
        replayed: what may stand in for the forward pass of the network, for a batch that nobody looks into.
    """

    model: Model
    pipe: Any
    folder: Path
    native: int
    factor: int
    small: Any = None
    full: Any = None
    replayed: Callable[..., Any] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @cached_property
    def preview(self) -> Preview:
        """Latents to small pictures: by a small decoder for them, or else a map fitted when first needed."""
        from common.diffusion import small_decoder

        brought = small_decoder.load(self.folder)
        if brought is not None:
            return brought
        if self.small is not None:
            return preview.ByAutoencoder(self.small)
        with self._lock:
            return preview.fit_to_shapes(self.pipe.vae, self.native // self.factor)

    @contextmanager
    def in_use(self, scheduler: str = OWN, full_decoder: bool = False) -> Iterator[Any]:
        """The pipeline for this thread alone, with a fresh scheduler of that name and the decoder that is wanted."""
        with self._lock:
            own, vae = self.pipe.scheduler, self.pipe.vae
            self.pipe.scheduler = schedulers.make(own, scheduler)
            self.pipe.vae = self.decoder(full_decoder)
            try:
                yield self.pipe
            finally:
                self.pipe.scheduler, self.pipe.vae = own, vae

    @property
    def network(self) -> Any:
        """The U-Net, or the transformer in its place."""
        return self.pipe.unet if getattr(self.pipe, "unet", None) is not None else self.pipe.transformer

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """For who holds the pipeline: its network's passes are recorded and replayed, where that is quicker.

        What looks into the network, such as its attention, sees nothing of a replayed pass, and does without.
        """
        if self.replayed is None:
            yield
            return
        network = self.network
        network.forward = self.replayed
        try:
            yield
        finally:
            del network.forward  # the class has its own

    def decoder(self, full: bool = False) -> Any:
        """The autoencoder that makes the pictures; ``full`` asks for the model's own in any case."""
        return self.full if full and self.full is not None else self.pipe.vae

    @property
    def few_steps(self) -> bool:
        """Whether it was distilled to need only a few steps."""
        return few_steps(self.model)

    @property
    def schedulers(self) -> tuple[str, ...]:
        """What can be chosen."""
        return schedulers.fitting(self.pipe.scheduler, self.few_steps)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Edges of pictures it can draw, in pixels; how well is another question away from ``native``."""
        return sizes(self.native)

    @property
    def steps(self) -> int:
        """As many as suit it."""
        return usual_steps(self.model)

    @property
    def guidance(self) -> float:
        """The guidance that suits it."""
        return usual_guidance(self.model)

    def cut(self, prompt: str) -> str:
        """The end of a prompt which the model does not read, since it has more tokens than the text encoder takes."""
        tokenizer = self.pipe.tokenizer
        longest = min(int(tokenizer.model_max_length), 300)  # T5 says a huge number; the pipelines take 300
        ids = tokenizer(prompt, truncation=False, verbose=False).input_ids
        kept = longest - 1  # the last place is for the end token
        return str(tokenizer.decode(ids[kept:], skip_special_tokens=True)) if len(ids) > longest else ""


def sizes(native: int) -> tuple[int, ...]:
    """Edges of pictures that a model trained with ``native`` pixels can draw: their latents can be halved twice."""
    step = 16 if native < 256 else 64
    return tuple(sorted({round(native * share / step) * step for share in _SHARES} - {0}))


def few_steps(model: Model) -> bool:
    """Whether a model was distilled to need only a few steps."""
    return 0 < model.steps <= 8


def usual_steps(model: Model) -> int:
    """As many as suit a model."""
    return model.steps or _USUAL_STEPS


def usual_guidance(model: Model) -> float:
    """The guidance that suits a model."""
    return _USUAL_GUIDANCE if model.guidance is None else model.guidance


def memory_mb(model: Model) -> int:
    """What a model takes here once it is loaded; the catalogue says it of 16 bits, a processor may need 32."""
    halved = model.embedded or hardware.has_nvidia_gpu() or hardware.cpu_has_bf16()
    return model.memory_mb if halved else 2 * model.memory_mb


def decoders(model: Model) -> tuple[str, ...]:
    """The decoders to choose from here, by the name of what ``ImageRequest.full_decoder`` says; one is no choice."""
    return (SMALL, FULL) if model.decoder and not hardware.has_nvidia_gpu() else (SMALL,)


def open_model(model: Model) -> Opened:
    """Load a model from its folder or the hub's cache.

    Raises:
        ModelUnavailable: its files cannot be had or read.
        OutOfMemory: less memory is free than it needs.
    """
    # Threads of torch that wait for each other at every layer spin by default; where other processes work too, a step
    # of a small model then takes many times as long (measured: 3.2 s for 0.09 s). Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # diffusers imports both wherever they are, and with the one a part of the compiler: a tenth of the memory.
    # One quantizes models on a GPU, the other runs models of another format.
    with not_installed("bitsandbytes", "onnxruntime") if hardware.device() == "cpu" else nullcontext():
        import diffusers
        from diffusers import AutoPipelineForText2Image

    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    place = hardware.device()
    free = min(hardware.free_memory_gb(), hardware.free_gb(place))  # a GPU gets it by way of the processor's memory
    if memory_mb(model) / 1000 > free:
        raise errors.OutOfMemoryForPictures(available=round(free, 1))
    folder = catalog.locate(model)
    # Small models gain nothing from 16 bits on a processor, whose matrices must be large for that.
    dtype = torch.float32 if place == "cpu" and model.embedded else hardware.compute_dtype(place)
    try:
        pipe = AutoPipelineForText2Image.from_pretrained(
            folder,
            dtype=dtype,
            variant=catalog.variant(folder),
            use_safetensors=True,
            local_files_only=True,
            **_checker(folder),
        )
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=model.id, reason=errors.Phrase("files_unreadable")) from problem
    if model.adapter:
        _adapt(pipe, model)
    small = _small_decoder(model, dtype) if model.decoder else None
    pipe.to(place)
    pipe.set_progress_bar_config(disable=True)
    network = pipe.unet if getattr(pipe, "unet", None) is not None else pipe.transformer
    network.eval()
    factor = int(pipe.vae_scale_factor)
    native = int(network.config.sample_size) * factor
    if hasattr(pipe.vae, "enable_slicing") and native > DECODED:
        pipe.vae.enable_slicing()  # one picture at a time: the decoder is what needs most memory
    full = None
    if small is not None:
        small.to(place).eval()
        if native > DECODED:
            small.enable_slicing()
        if _prefers_tiny(place):
            full, pipe.vae = pipe.vae, small
    return Opened(model, pipe, folder, native, factor, small, full, _replayed(network, place))


def _replayed(network: Any, place: hardware.Device) -> Callable[..., Any] | None:
    """The network's passes as CUDA graphs; None where there is no CUDA, or a GPU for one call only."""
    if place != "cuda" or hardware.on_zerogpu():
        return None
    from common.diffusion.replayed import Replayed

    return Replayed(network.forward, network.device)


def _checker(folder: Path) -> dict[str, Any]:
    """Leave out a safety checker that the folder does not have; where it has one, it stays."""
    return {} if (folder / "safety_checker").is_dir() else {"safety_checker": None}


def _adapt(pipe: Any, model: Model) -> None:
    """Put the entry's LoRA into the weights, such as the one that makes a model need few steps.

    Raises:
        ModelUnavailable: its files cannot be had or read.
    """
    from diffusers import LCMScheduler
    from safetensors import SafetensorError

    folder = catalog.locate_adapter(model)
    try:
        pipe.load_lora_weights(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, SafetensorError) as problem:
        raise errors.ModelUnavailable(model=model.id, reason=errors.Phrase("files_unreadable")) from problem
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)


def _prefers_tiny(place: hardware.Device) -> bool:
    """Whether the large autoencoder would be most of the time there."""
    return place != "cuda"


def _small_decoder(model: Model, dtype: Any) -> Any:
    """The tiny autoencoder for the model's latents; None when it cannot be had, since the model draws without it."""
    from diffusers import AutoencoderTiny

    try:
        folder = catalog.locate_decoder(model)
        return AutoencoderTiny.from_pretrained(folder, dtype=dtype, use_safetensors=True, local_files_only=True)
    except (errors.ModelUnavailable, OSError, ValueError, KeyError) as problem:
        log.warning("no tiny autoencoder for %s: %s", model.id, problem)
        return None
