"""From folders of pairs to arrays of ids, once: the result is kept and used again while nothing it depends on changes.

Knows nothing about models.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from common.recipes.translation import batches, corpus, phrasebook, vocabulary
from common.recipes.translation.batches import Encoded
from common.recipes.translation.corpus import Pair

_FORMAT = 1  # raise it when the kept files change their meaning


@dataclass(frozen=True, slots=True)
class Prepared:
    """What training and scoring need.

    Attributes:
        encoded: the training pairs.
        held_out: the pairs to be measured on.
        counts: training pairs by domain and language.
        tokenizer: folder with the vocabulary's files.
    """

    encoded: Encoded
    held_out: list[Pair]
    counts: dict[str, dict[str, int]]
    tokenizer: Path


def prepare(
    folders: list[Path],
    work: Path,
    vocabulary_size: int = vocabulary.SIZE,
    phrases: int = corpus.PHRASES,
    start: Path | None = None,
) -> Prepared:
    """Read, split and encode the pairs of some folders, or load what an earlier call kept.

    Args:
        folders: with the data; the project's own phrase book is added.
        work: where things are kept. A vocabulary that is there stays, for models know it.
        vocabulary_size: of a new vocabulary.
        phrases: how many to draw from the phrase book.
        start: finished model whose vocabulary to take if there is none yet.

    Raises:
        InvalidInput: a folder has no usable files.
    """
    tokenizer, kept = work / "vocabulary", work / f"pairs-{_fingerprint(folders, phrases)}"
    if start is not None and not tokenizer.exists():
        vocabulary.load(start).save_pretrained(tokenizer)
    if not (kept / "counts.json").exists() or not (tokenizer / "tokenizer_config.json").exists():
        _make(folders, kept, tokenizer, vocabulary_size, phrases)
    held_out = [Pair(*pair) for pair in json.loads((kept / "held-out.json").read_text("utf-8"))]
    counts = json.loads((kept / "counts.json").read_text("utf-8"))
    return Prepared(Encoded.load(kept / "encoded.npz"), held_out, counts, tokenizer)


def _make(folders: list[Path], kept: Path, tokenizer: Path, vocabulary_size: int, phrases: int) -> None:
    split = corpus.split(itertools.chain(*map(corpus.read, folders), corpus.own(phrases)))
    if not (tokenizer / "tokenizer_config.json").exists():
        vocabulary.train(split.training, tokenizer, vocabulary_size)
    kept.mkdir(parents=True, exist_ok=True)
    batches.encode(split.training, tokenizer).save(kept / "encoded.npz")
    (kept / "held-out.json").write_text(json.dumps(split.held_out, ensure_ascii=False), "utf-8")
    counts: dict[str, Counter[str]] = {}
    for pair in split.training:
        counts.setdefault(pair.domain, Counter())[pair.language] += 1
    (kept / "counts.json").write_text(json.dumps(counts), "utf-8")  # last: it says that the rest is complete


def _fingerprint(folders: list[Path], phrases: int) -> str:
    """Changes when a file of the data, the phrase book or the rules of the corpus change."""
    digest = hashlib.sha256(f"{_FORMAT} {phrases}".encode())
    sources = [Path(corpus.__file__), *sorted(Path(phrasebook.__file__).parent.rglob("*.p*v"))]
    sources += sorted(Path(phrasebook.__file__).parent.glob("*.py"))
    for source in sources:
        digest.update(source.read_bytes())
    for folder in folders:
        for path in sorted(folder.glob("*.tsv*")):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
