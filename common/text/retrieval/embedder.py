"""Texts as vectors: all-MiniLM-L6-v2 on the CPU through OpenVINO, which runs it about twice as fast as torch.

The weights come with a package, in torch's format. They are converted once, in a process of its own (torch takes
seconds to import and hundreds of MB), and kept in the cache folder. Two texts mean the same when the cosine of their
vectors is near 1.

Source: Reimers and Gurevych 2019, *Sentence-BERT* (arXiv:1908.10084); mean pooling and normalization as the model's
own configuration says.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import catalog, errors, hardware
from common.config import settings
from common.errors import Phrase

EMBEDDING_MODEL = "all-minilm-l6-v2"
# What the model was trained on; more of a text is not read.
MOST_TOKENS = 256
# Texts of one length at a time, two batches at once: what was quickest on two cores.
_BATCH, _BATCHES_PER_STEP = 16, 4


class Embedder:
    """The embedding model. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: Any = None
        self._tokenizer: Any = None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without the two that mark its ends."""
        tokenizer = self._load_tokenizer()
        return [len(found.ids) - 2 for found in tokenizer.encode_batch(list(texts))]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors, each of length 1: (texts, 384)."""
        vectors = np.zeros((len(texts), 384), np.float32)
        for places, found in self.embed_in_steps(texts):
            vectors[places] = found
        return vectors

    def embed_in_steps(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Some texts at a time, as (their places, their vectors); texts of like length come together.

        Raises:
            ModelUnavailable, MissingPart.
        """
        tokenizer, compiled = self._load_tokenizer(), self._load()
        # Cut in front of the token that marks the end.
        ids = [
            found.ids if len(found.ids) <= MOST_TOKENS else found.ids[: MOST_TOKENS - 1] + found.ids[-1:]
            for found in tokenizer.encode_batch(list(texts))
        ]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        step = _BATCH * _BATCHES_PER_STEP
        for start in range(0, len(order), step):
            places = order[start : start + step]
            yield places, self._run(compiled, [ids[place] for place in places])

    def _run(self, compiled: Any, ids: Sequence[list[int]]) -> NDArray[np.float32]:
        import openvino

        vectors = np.zeros((len(ids), 384), np.float32)
        queue = openvino.AsyncInferQueue(compiled)

        def keep(request: Any, rows: slice) -> None:
            vectors[rows] = request.get_output_tensor(0).data

        queue.set_callback(keep)
        for start in range(0, len(ids), _BATCH):
            rows = ids[start : start + _BATCH]
            longest = max(map(len, rows))
            tokens = np.zeros((len(rows), longest), np.int64)
            mask = np.zeros_like(tokens)
            for place, row in enumerate(rows):
                tokens[place, : len(row)] = row
                mask[place, : len(row)] = 1
            queue.start_async({0: tokens, 1: mask}, slice(start, start + len(rows)))
        queue.wait_all()
        return vectors

    def _load_tokenizer(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                self._tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
                self._tokenizer.no_padding()
                self._tokenizer.no_truncation()
            return self._tokenizer

    def _load(self) -> Any:
        with self._lock:
            if self._compiled is None:
                try:
                    import openvino
                except ImportError:
                    raise errors.MissingPart(package="openvino", command="pip install openvino") from None
                # 1.6 times as fast where the processor multiplies bfloat16; the vectors stay the same to four decimals.
                halves = hardware.cpu_has_bf16()
                options = {
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "INFERENCE_PRECISION_HINT": "bf16" if halves else "f32",
                    "INFERENCE_NUM_THREADS": settings().threads or hardware.cores(),
                }
                self._compiled = openvino.Core().compile_model(str(converted()), "CPU", options)
            return self._compiled


@lru_cache
def embedder() -> Embedder:
    """The one of this process."""
    return Embedder()


def model_folder() -> Path:
    """The model as published. Raises ModelUnavailable."""
    model = next(entry for entry in catalog.entries() if entry.id == EMBEDDING_MODEL)
    return catalog.locate(model)


def converted() -> Path:
    """The model in OpenVINO's format, made when it is not there yet (some ten seconds, once).

    Raises:
        ModelUnavailable.
    """
    target = settings().cache_dir / "embedding" / f"{EMBEDDING_MODEL}.xml"
    if not target.is_file():
        model_folder()
        command = [sys.executable, "-m", "common.text.retrieval.convert", str(target)]
        root = Path(__file__).resolve().parents[3]
        if subprocess.run(command, cwd=root, check=False, capture_output=True).returncode:
            raise errors.ModelUnavailable(model=EMBEDDING_MODEL, reason=Phrase("file_not_convertible"))
    return target
