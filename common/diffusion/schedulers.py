"""The schedulers one can choose, and what a step's prediction says: the noise, and the picture without it.

A scheduler decides at which timesteps the model is asked and how far to go each time. The classes are diffusers' own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.diffusion.request import OWN

if TYPE_CHECKING:
    import torch

# name: (class in diffusers, settings of its own)
_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}
NAMES: tuple[str, ...] = (OWN, *_KINDS)
TITLES = {
    "ddim": "DDIM",
    "dpmpp_2m": "DPM++ 2M",
    "euler": "Euler",
    "euler_a": "Euler a",
    "unipc": "UniPC",
    "lcm": "LCM",
}


def is_flow(scheduler: Any) -> bool:
    """Whether the model was trained by flow matching (SD3 and later): only its own scheduler fits it."""
    return "FlowMatch" in type(scheduler).__name__


def is_lcm(scheduler: Any) -> bool:
    """Whether the model says finished pictures, which LCM's scheduler puts under less noise for the next step."""
    return type(scheduler).__name__ == "LCMScheduler"


def fitting(scheduler: Any, few_steps: bool) -> tuple[str, ...]:
    """The names that can be chosen for a model with this scheduler.

    Args:
        few_steps: the model was distilled to need only a few, which LCM is for.
    """
    if is_flow(scheduler):
        return (OWN,)
    return tuple(name for name in NAMES if name != "lcm" or few_steps)


def most_steps(scheduler: Any, name: str) -> int | None:
    """How many steps the scheduler of that name can take; None where the model's 1,000 timesteps are the only limit.

    LCM's takes its steps from those that the teacher took in the distillation.
    """
    if name == "lcm" or (name == OWN and is_lcm(scheduler)):
        return int(scheduler.config.get("original_inference_steps", 50))
    return None


def make(scheduler: Any, name: str) -> Any:
    """A fresh scheduler with the noise schedule of the model's own.

    The noise schedule and what the model predicts belong to the model; the way through it is the scheduler's.
    """
    import diffusers

    if name == OWN:
        return type(scheduler).from_config(scheduler.config)
    kind, settings = _KINDS[name]
    return getattr(diffusers, kind).from_config(scheduler.config, **settings)


def title(scheduler: Any, name: str) -> str:
    """The name as people write it; of the model's own, its class."""
    if name != OWN:
        return TITLES[name]
    kind = type(scheduler).__name__
    return next((TITLES[key] for key, (known, _) in _KINDS.items() if known == kind), kind.removesuffix("Scheduler"))


def split(
    scheduler: Any, prediction: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """What the model says at a step, whatever it predicts: (noisy latent, noise, clean latent, share of noise).

    All on the scale on which x = √ᾱ·x₀ + √(1−ᾱ)·ε; the share of noise is 1−ᾱ. Call it before ``scheduler.step``.

    Args:
        prediction: the model's output after guidance, (B, C, h, w).
        timestep: as given to ``scheduler.step``.
        sample: the noisy latent as given to ``scheduler.step``, (B, C, h, w).

    Source: Ho et al. 2020 (arXiv:2006.11239), equation 4; Salimans & Ho 2022 (arXiv:2202.00512), appendix D for v.
    """
    if is_flow(scheduler):
        sigma = float(timestep) / scheduler.config.num_train_timesteps
        return sample, sample + (1 - sigma) * prediction, sample - sigma * prediction, sigma
    if type(scheduler).__name__.startswith("Euler"):
        # Euler's latents are x₀ + σ·ε, which grow with the noise.
        if scheduler.step_index is None:
            scheduler._init_step_index(timestep)
        variance = float(scheduler.sigmas[scheduler.step_index]) ** 2
        share = variance / (variance + 1)
        sample = sample / (variance + 1) ** 0.5
    else:
        share = 1 - float(scheduler.alphas_cumprod[int(timestep)])
    signal, spread = (1 - share) ** 0.5, share**0.5
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return sample, signal * prediction + spread * sample, signal * sample - spread * prediction, share
    if kind == "sample":
        return sample, (sample - signal * prediction) / max(spread, 1e-4), prediction, share
    return sample, prediction, (sample - spread * prediction) / signal, share
