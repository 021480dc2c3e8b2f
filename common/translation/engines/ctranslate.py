"""Batches with ctranslate2 on the processor: 8-bit weights, no torch.

Source: G. Klein et al., *The OpenNMT Neural Machine Translation Toolkit* (2020), whose inference engine it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ctranslate2

from common import errors, hardware, memory
from common.translation.codec import Codec
from common.translation.engine import MAX_NEW_TOKENS, Beams, Output

# Sentences that are worth a thread of their own, and those after which what a search keeps of them no longer fits in a
# core's cache: with 4 beams, parts of 12 take a third less time than parts of 42.
_SMALLEST_PART, _LARGEST_PART = 4, 12


class CTranslateRunner:
    """A converted model. While the answers of one batch are put together the threads have the other.

    Args:
        folder: what ``common.translation.convert`` wrote.
        threads: CPU threads; 0 means one for every core that this process may use.
        compute_type: what the folder's weights are multiplied as.

    Raises:
        ModelUnavailable: the folder is damaged.
    """

    at_once = 2

    def __init__(self, folder: Path, threads: int = 0, compute_type: str = "int8_float32") -> None:
        memory.reuse_freed()
        try:
            # A matrix of such a small model is no work for two: each thread takes a part of the batch for itself.
            self._threads = threads or hardware.cores()
            self._translator = ctranslate2.Translator(
                str(folder),
                device="cpu",
                compute_type=compute_type,
                inter_threads=self._threads,
                intra_threads=1,
            )
        except (RuntimeError, ValueError) as problem:
            raise errors.ModelUnavailable(model=folder.name, reason=errors.Phrase("files_unreadable")) from problem

    def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
        prefixes = [codec.target_prefix for codec in codecs]
        results = self._translator.translate_batch(
            list(sources),
            target_prefix=prefixes if any(prefixes) else None,
            beam_size=beams.width,
            num_hypotheses=beams.alternatives,
            return_scores=True,
            return_attention=beams.align,
            max_decoding_length=MAX_NEW_TOKENS,
            min_decoding_length=max(1, beams.min_length),
            no_repeat_ngram_size=beams.no_repeat_ngram_size,
            max_batch_size=min(_LARGEST_PART, max(_SMALLEST_PART, -(-len(sources) // self._threads))),
        )
        return [
            [
                Output(
                    tokens[len(prefix) :],
                    score,
                    [_whole(row) for row in result.attention[n][len(prefix) : len(tokens)]] if beams.align else None,
                )
                for n, (tokens, score) in enumerate(zip(result.hypotheses, result.scores, strict=True))
            ]
            for result, prefix in zip(results, prefixes, strict=True)
        ]


def _whole(row: list[float]) -> list[float]:
    """Weights that sum to 1: for the first token of a beam search, some of them may be given to padding."""
    total = sum(row)
    return [weight / total for weight in row] if total > 0 else row
