"""The embedded model's attention against a plain pass of transformers, on the page's own sentence and a long text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import catalog
from common.text import inspect
from common.text.attention_heads import strongest
from common.text.convert import convert_apart
from common.text.engines.loading import load

pytestmark = pytest.mark.slow
SENTENCE = "The teacher taught the student with the book."


@pytest.mark.parametrize(("dtype", "times"), [("float32", 1), ("float32", 50), ("bfloat16", 1)])
def test_attention_of_the_embedded_model_is_its_own(dtype: str, times: int) -> None:
    path = catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))
    loaded = load({"name": "smollm2", "path": str(path), "device": "cpu", "dtype": dtype, "threads": 1})
    folder = convert_apart(path)
    ids = AutoTokenizer.from_pretrained(folder)(" ".join([SENTENCE] * times))["input_ids"]
    assert 9 * times <= len(ids) <= inspect.MAX_LAYER_TOKENS
    plain = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=getattr(torch, dtype))
    with torch.inference_mode():
        output = plain(torch.tensor([ids]), output_attentions=True)
    for layer, head in ((0, 0), (11, 4), (29, 8)):
        expected = output.attentions[layer][0, head].float().numpy()
        got = inspect.attention(loaded.model, ids, layer, head)
        np.testing.assert_allclose(got, expected / expected.sum(-1, keepdims=True), atol=1e-6)
        if dtype == "float32":
            np.testing.assert_allclose(got, expected, atol=1e-5)
    [links] = inspect.attention_links(loaded.model, ids, [(7, 1)])
    every = torch.cat(output.attentions)[:, :, 7, 1].float().numpy()
    np.testing.assert_allclose(links[..., 0], every, atol=1e-5 if dtype == "float32" else 0.01)
    assert strongest(links, 3)
