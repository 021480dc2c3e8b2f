"""A model made ready to be trained further: loaded from its folder, and its adapter put beside it.

What the ways take is lora.py's; the loop is finetune.py's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from common import errors, hardware
from common.training import lora
from common.training.config import Method

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ALPHA = 2  # times the rank: how strongly the adapter counts, as most recipes have it


def prepared(base: str, title: str, method: Method, rank: int) -> Any:
    """The model of the folder ``base`` with what ``method`` trains set to be trained: transformers' or peft's.

    Raises:
        ModelUnavailable: nothing in the folder that can be read.
        MissingPart: QLoRA without bitsandbytes.
    """
    half = lora.frozen_in_half(method)
    model = load(base, title, four_bits=method == "qlora", dtype=torch.bfloat16 if half else torch.float32)
    if method == "full":
        return model
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if method == "qlora":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
            model, use_gradient_checkpointing=False
        )
    settings = LoraConfig(
        r=rank,
        lora_alpha=_ALPHA * rank,
        target_modules="all-linear",
        use_dora=method == "dora",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def load(base: str, title: str, four_bits: bool = False, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """The model of a folder; its linear layers in 4 bits (nf4, with the scales quantized too) when asked for.

    Raises:
        ModelUnavailable, MissingPart.
    """
    place = hardware.device()
    compute = torch.bfloat16 if place == "cuda" else torch.float32
    options: dict[str, Any] = {"dtype": dtype}
    if four_bits:
        options = {
            "dtype": compute,
            "quantization_config": BitsAndBytesConfig(  # type: ignore[no-untyped-call]
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=compute,
            ),
        }
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            Path(base), use_safetensors=True, trust_remote_code=False, local_files_only=True, **options
        )
    except ImportError as problem:
        raise errors.MissingPart(package="bitsandbytes", command="pip install bitsandbytes") from problem
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=title, reason=errors.Phrase("files_unreadable")) from problem
    keep_gradients_right(model)
    return model


def keep_gradients_right(model: nn.Module) -> int:
    """Keep layers of 4 bits from repacking their weights on the processor; returns how many there are.

    On processors with AVX512-BF16, bitsandbytes packs the weights anew at the first forward pass in evaluation mode,
    for a multiplication that knows no gradients, and leaves them so: what is trained after an evaluation then gets
    wrong gradients, with a warning at most.
    """
    layers = [layer for layer in model.modules() if hasattr(layer, "support_avx512bf16_for_cpu")]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False  # type: ignore[assignment]
    return len(layers)
