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
    # And eight made-up words, as in the original.
    _tiny_m2m(folder, max(tokenizer.lang_token_to_id.values()) + 9)
    return folder


@pytest.fixture(scope="session")
def nllb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of an NLLB, which is M2M-100 with another tokenizer: languages are named with their script."""
    import sentencepiece
    from transformers import NllbTokenizer

    folder = tmp_path_factory.mktemp("tiny-nllb")
    model = sentencepiece.SentencePieceProcessor(model_file=str(ROOT / "models/translate-to-en/source.spm"))
    entries = ["<s>", "<pad>", "</s>", "<unk>"]
    entries += [p for p in (model.id_to_piece(i) for i in range(len(model))) if p not in entries]
    known = set(entries)
    halves = [(entry[:i], entry[i:]) for entry in entries for i in range(1, len(entry))]
    merges: Any = [pair for pair in halves if known.issuperset(pair)]
    tokenizer: Any = NllbTokenizer(vocab={entry: i for i, entry in enumerate(entries)}, merges=merges)
    tokenizer.save_pretrained(folder)
    _tiny_m2m(folder, len(tokenizer))
    return folder


def _tiny_m2m(folder: Path, vocabulary: int) -> None:
    """Weights of an M2M-100 by chance, with so many tokens."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=vocabulary,
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
