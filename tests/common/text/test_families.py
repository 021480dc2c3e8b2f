"""One member of each family, built tiny by the tests: each kind answers as it can, and what it cannot read is said."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BertConfig,
    BloomConfig,
    GPT2Config,
    T5Config,
)

from common import errors
from common.text.families import GAP, Kind, ask, ask_apart

FAMILIES: dict[str, tuple[Kind, Any, Any]] = {
    "bert": ("encoder", AutoModelForMaskedLM, BertConfig),
    "gpt2": ("decoder", AutoModelForCausalLM, GPT2Config),
    "bloom": ("decoder", AutoModelForCausalLM, BloomConfig),
    "t5": ("both", AutoModelForSeq2SeqLM, T5Config),
}
SIZES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2},
    "bloom": {"hidden_size": 32, "n_layer": 1, "n_head": 2},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2, "tie_word_embeddings": False},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> dict[str, Path]:
    """A folder of each architecture, as it comes from the hub."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.add_special_tokens({"mask_token": "[MASK]", "pad_token": "[PAD]"})
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.eos_token_id}
    found = {}
    for name, (_, loader, config) in FAMILIES.items():
        torch.manual_seed(0)
        more = {"decoder_start_token_id": tokenizer.pad_token_id} if name == "t5" else {}
        values = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, **ends, **SIZES[name], **more}
        found[name] = tmp_path_factory.mktemp("families") / name
        loader.from_config(config(**values)).save_pretrained(found[name])
        tokenizer.save_pretrained(found[name])
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_answers_in_its_own_way(folders: dict[str, Path], name: str) -> None:
    kind, loader, _ = FAMILIES[name]
    text = f"The ship {GAP} over the sea." if kind == "encoder" else "The ship went"
    said = ask(folders[name], kind, text)
    model, tokenizer = loader.from_pretrained(folders[name]).eval(), AutoTokenizer.from_pretrained(folders[name])
    assert said.parameters == model.num_parameters()
    with torch.no_grad():
        if kind == "encoder":
            ids = tokenizer(text.replace(GAP, "[MASK]"), return_tensors="pt")
            place = ids["input_ids"][0].tolist().index(tokenizer.mask_token_id)
            shares = torch.softmax(model(**ids).logits[0, place], dim=-1)
            assert [share for _, share in said.answers] == pytest.approx(shares.topk(5).values.tolist(), rel=1e-4)
            return
        ids = tokenizer(text, return_tensors="pt")
        if kind == "decoder":  # the first token by hand
            first = int(model(**ids).logits[0, -1].argmax())
        else:
            start = torch.tensor([[model.config.decoder_start_token_id]])
            first = int(model(**ids, decoder_input_ids=start).logits[0, -1].argmax())
    ((written, share),) = said.answers
    assert share == 1.0
    assert first in tokenizer.all_special_ids or written.startswith(tokenizer.decode([first]).strip())


def test_an_encoder_wants_one_gap(folders: dict[str, Path]) -> None:
    for text in ("no gap", f"{GAP} and {GAP}"):
        with pytest.raises(errors.InvalidInput, match="one gap"):
            ask(folders["bert"], "encoder", text)


def test_in_a_process_of_its_own_the_same_is_said_and_so_are_errors(folders: dict[str, Path], tmp_path: Path) -> None:
    apart = asyncio.run(ask_apart(folders["gpt2"], "decoder", "The ship went"))
    assert apart.answers == ask(folders["gpt2"], "decoder", "The ship went").answers
    with pytest.raises(errors.ModelUnavailable, match="cannot be read"):
        asyncio.run(ask_apart(tmp_path, "decoder", "x"))
