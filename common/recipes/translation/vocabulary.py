"""One vocabulary for six languages: sentencepiece pieces, a token per target language, padding.

Both directions share it. The files are those a Marian tokenizer wants, so everything that reads opus-mt models reads
these. Ids are the sentencepiece ids, then ``>>sk<<`` and so on, then ``<pad>``. Knows nothing about models.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import sentencepiece
from numpy.typing import NDArray
from transformers import MarianTokenizer

from common.recipes.translation.corpus import LANGUAGES, Pair, weights

# With d_model 256 this is 2 million of the parameters. A multiple of 8, because the matrix units like that.
SIZE = 8000
# Pairs the pieces are learned from; more changes nothing and takes longer.
_SAMPLE = 300_000
END, UNKNOWN = 0, 1
# What the languages write with; some capitals are so rare in the data that coverage alone leaves them out.
_ACCENTED = "áäâàčçďéěèêëíîïìľĺňóôöòœŕřšťúůûüùýÿž"
LETTERS = "abcdefghijklmnopqrstuvwxyzß" + _ACCENTED + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _ACCENTED.upper()


def language_token(language: str) -> str:
    """The token in front of an English sentence that says into which language it goes."""
    return f">>{language}<<"


def train(pairs: list[Pair], folder: Path, size: int = SIZE, seed: int = 0) -> None:
    """Learn the pieces and write the tokenizer's files into a folder.

    Args:
        pairs: training pairs; both sides are used, drawn by the same weights as in training.
        folder: gets source.spm, target.spm, vocab.json and tokenizer_config.json.
        size: entries in all, with the language tokens and padding.
        seed: of the draw.
    """
    sample = min(_SAMPLE, 4 * len(pairs))
    drawn = np.random.default_rng(seed).choice(len(pairs), sample, p=_normalised(weights(pairs)))
    learned = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sides(pairs[index] for index in drawn),
        model_writer=learned,
        model_type="unigram",
        vocab_size=size - len(LANGUAGES) - 1,
        character_coverage=0.9999,
        required_chars=LETTERS,
        split_digits=True,
        bos_id=-1,
        eos_id=END,
        unk_id=UNKNOWN,
        pad_id=-1,
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name in "source.spm", "target.spm":
        (folder / name).write_bytes(learned.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=learned.getvalue())
    entries = [pieces.id_to_piece(index) for index in range(len(pieces))]
    entries += [*map(language_token, LANGUAGES), "<pad>"]
    (folder / "vocab.json").write_text(
        json.dumps({entry: index for index, entry in enumerate(entries)}, ensure_ascii=False, indent=0), "utf-8"
    )
    load(folder).save_pretrained(folder)


def load(folder: Path) -> MarianTokenizer:
    """The tokenizer in a folder that ``train`` wrote."""
    return MarianTokenizer(
        source_spm=str(folder / "source.spm"),
        target_spm=str(folder / "target.spm"),
        vocab=str(folder / "vocab.json"),
        model_max_length=512,
    )


def encode(folder: Path, texts: list[str]) -> list[list[int]]:
    """Texts as ids, each with the end token: what the tokenizer gives, many at a time."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    return pieces.encode(texts, add_eos=True, num_threads=-1)  # type: ignore[no-any-return]


def _sides(pairs: Iterable[Pair]) -> Iterable[str]:
    for pair in pairs:
        yield pair.english
        yield pair.other


def _normalised(values: list[float]) -> NDArray[np.float64]:
    array = np.array(values, np.float64)
    array /= array.sum()
    return array
