"""The embedded translation models as the app runs them, loaded once; and tiny ones of the same architecture."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.translation.models import TranslationModels
from common.translation.passage import Progress, translate_text

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def models() -> Iterator[TranslationModels]:
    service = TranslationModels()
    yield service
    service.close()


@pytest.fixture(scope="session")
def translate(models: TranslationModels) -> Callable[..., Progress]:
    """A whole text through the real engine."""

    def run(text: str, source: str = "sk", target: str = "en", **kwargs: Any) -> Progress:
        model = models.find(source, target)

        async def collect() -> Progress:
            stream = translate_text(
                models.engine(model), models.codec(model, source, target), text, source, kwargs.get("beams")
            )
            return [progress async for progress in stream][-1]

        return asyncio.run(asyncio.wait_for(collect(), 120))

    return run


@pytest.fixture(scope="session")
def m2m_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random M2M-100 with a real tokenizer: the folder's form is the hub's, what it writes means nothing."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    folder = tmp_path_factory.mktemp("tiny-m2m100")
    (folder / "sentencepiece.bpe.model").write_bytes((ROOT / "models/translate-to-en/source.spm").read_bytes())
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.bpe.model"))
    entries = ["<s>", "<pad>", "</s>", "<unk>"]
    entries += [p for p in (pieces.id_to_piece(i) for i in range(len(pieces))) if p not in entries]
    (folder / "vocab.json").write_text(json.dumps({entry: i for i, entry in enumerate(entries)}), "utf-8")
    from transformers import M2M100Tokenizer

    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=max(tokenizer.lang_token_to_id.values()) + 9,  # and eight made-up words, as in the original
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder
