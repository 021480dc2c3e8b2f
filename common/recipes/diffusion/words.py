"""The prompt's side: a byte-pair tokenizer made from the captions, and a small CLIP text encoder.

The classes are Stable Diffusion's own; only the sizes differ: 24 tokens instead of 77 (no caption is longer), two
layers instead of twelve.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LENGTH = 24
WIDTH = 192
_VOCABULARY = 2000
_START, _END = "<|startoftext|>", "<|endoftext|>"
# Every sign that can be typed on a keyboard has a token, so that no prompt holds an unknown one.
_KEYS = "".join(map(chr, range(33, 127)))


def make_tokenizer(captions: Iterable[str]) -> CLIPTokenizer:
    """Frequent pieces of the captions' words, then single signs."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=[_START, _END],
        initial_alphabet=list(_KEYS),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([*captions, *_KEYS], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    return CLIPTokenizer(vocab=model["vocab"], merges=merges, model_max_length=LENGTH)  # type: ignore[arg-type]


def make_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder for it."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def token_ids(tokenizer: CLIPTokenizer, prompts: list[str]) -> torch.Tensor:
    """(B, 24), padded as the pipeline pads."""
    ids: torch.Tensor = tokenizer(
        prompts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    ).input_ids
    return ids
