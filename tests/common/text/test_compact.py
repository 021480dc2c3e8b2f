"""Weights in bfloat16 that compute in float32 give what the same weights in float32 give."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from common import catalog
from common.text import inspect
from common.text.engines.compact import compute_in_float32
from common.text.engines.loading import load

IDS = [5, 17, 3, 90, 41, 8]


def _pair(*, tied: bool) -> tuple[PreTrainedModel, PreTrainedModel]:
    """A model with bfloat16 weights that computes in float32, and the same weights in float32."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20_000,  # more than is widened at a time
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
    )
    narrow = LlamaForCausalLM(config).bfloat16().eval()
    wide = copy.deepcopy(narrow).float()
    compute_in_float32(narrow)
    return narrow, wide


@pytest.mark.parametrize("tied", [True, False])
def test_all_that_the_glass_box_shows_is_what_float32_gives(tied: bool) -> None:
    narrow, wide = _pair(tied=tied)
    for look in (inspect.next_logits, inspect.attentions, inspect.hidden_states):
        np.testing.assert_allclose(look(narrow, IDS), look(wide, IDS), rtol=1e-5, atol=1e-6)
    lenses = [inspect.logit_lens(model, IDS, [-1], top=5) for model in (narrow, wide)]
    assert [[token for token, _ in top[0]] for top in lenses[0]] == [
        [token for token, _ in top[0]] for top in lenses[1]
    ]


def test_matrices_stay_in_bfloat16_and_shared_ones_are_one() -> None:
    narrow, wide = _pair(tied=True)
    inspect.next_logits(narrow, IDS)
    kept = {weight.data_ptr(): weight for weight in narrow.parameters()}
    assert narrow.lm_head.weight is narrow.model.embed_tokens.weight
    assert all(weight.dtype == (torch.bfloat16 if weight.dim() == 2 else torch.float32) for weight in kept.values())
    half = sum(weight.nbytes for weight in wide.parameters()) / 2
    assert sum(weight.nbytes for weight in kept.values()) == pytest.approx(half, rel=0.01)


@pytest.mark.slow
def test_the_embedded_model_is_the_same_in_half_the_memory() -> None:
    path = catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))
    options = {"name": "smollm2", "path": str(path), "device": "cpu", "dtype": "float32", "threads": 1}
    wide, narrow = load(options), load(options | {"compact": True})
    ids = list(range(200, 240))
    np.testing.assert_allclose(
        inspect.next_logits(narrow.model, ids), inspect.next_logits(wide.model, ids), rtol=1e-4, atol=1e-4
    )
    sizes = [sum(weight.nbytes for weight in loaded.model.parameters()) for loaded in (narrow, wide)]
    assert sizes[0] == pytest.approx(sizes[1] / 2, rel=0.01)
