"""Write a trained model as a folder that transformers, ctranslate2 and the hub read like any opus-mt model.

Weights are float16: half the size, and finer than bfloat16 for numbers this small.
"""

from __future__ import annotations

import copy
from pathlib import Path

import ctranslate2
from transformers import GenerationConfig, MarianMTModel

from common import errors
from common.recipes.translation import vocabulary

# No file in the repository may be larger, so a model must fit into one.
MAX_BYTES = 16_000_000


def export(model: MarianMTModel, tokenizer: Path, out: Path) -> None:
    """Write weights, configuration and tokenizer.

    Raises:
        InvalidInput: the weights take more than ``MAX_BYTES``; nothing is written then.
    """
    size = 2 * sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    if size > MAX_BYTES:
        raise errors.InvalidInput(field="width", allowed=f"a model of at most {MAX_BYTES // 2:,} weights")
    half = copy.deepcopy(model).cpu()
    half.half()  # type: ignore[no-untyped-call]
    padding = half.config.pad_token_id
    half.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        num_beams=3,
        max_length=half.config.max_position_embeddings,
        decoder_start_token_id=padding,
        pad_token_id=padding,
        eos_token_id=vocabulary.END,
        forced_eos_token_id=vocabulary.END,
        bad_words_ids=[[padding]],
    )
    half.config.use_cache = True
    out.mkdir(parents=True, exist_ok=True)
    half.save_pretrained(out)
    vocabulary.load(tokenizer).save_pretrained(out)


def convert(folder: Path, into: Path, quantization: str = "int8") -> None:
    """Make the model that ctranslate2 runs out of an exported folder; what was there before is replaced."""
    converter = ctranslate2.converters.TransformersConverter(str(folder))
    converter.convert(str(into), quantization=quantization, force=True)
