"""A Marian model of random weights, made in a moment, for tests that compare two ways of decoding."""

from __future__ import annotations

from typing import Any

import torch
from transformers import MarianConfig, MarianMTModel

END, PAD = 0, 1


def tiny_marian(seed: int, ends: float = 0.0, **changed: Any) -> MarianMTModel:
    """40 tokens, 3 decoder layers of 4 heads; attention is not flat and tokens change.

    Args:
        ends: added to the logit of the end token, so that translations end sooner.
    """
    torch.manual_seed(seed)
    config = MarianConfig(
        vocab_size=40,
        decoder_vocab_size=40,
        d_model=16,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=2,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        init_std=0.1,
        pad_token_id=PAD,
        decoder_start_token_id=PAD,
        eos_token_id=END,
        **{"attn_implementation": "eager", "max_position_embeddings": 128, **changed},
    )
    model = MarianMTModel(config).eval()
    model.generation_config.bad_words_ids = [[PAD]]
    # With random embeddings on both sides the token just read would be the most probable one for ever.
    model.lm_head.weight = torch.nn.Parameter(0.6 * torch.randn(40, 16))
    with torch.no_grad():
        for layer in model.model.decoder.layers:  # sharper attention than small weights would give
            layer.encoder_attn.q_proj.weight *= 8
            layer.self_attn.q_proj.weight *= 8
        model.final_logits_bias.normal_(0, 0.5)
        model.final_logits_bias[0, END] += ends
    return model
