"""A tiny, untrained Llama with a tokenizer and a chat template, in the form in which models are published."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>\n{{ message['content'] }}<|endoftext|>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>\n{% endif %}"
)


def build(folder: Path) -> Path:
    """Write it; takes well under a second."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from common.training.samples import sample_text
    from common.training.tokenizer import train_tokenizer

    tokenizer = train_tokenizer(sample_text("story")[:20_000], "bpe", 400)
    tokenizer.chat_template = TEMPLATE
    end = tokenizer.eos_token_id
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
