"""Batches with ctranslate2 on the processor: 8-bit weights, no torch.

Source: G. Klein et al., *The OpenNMT Neural Machine Translation Toolkit* (2020), whose inference engine it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ctranslate2

from common import errors, hardware
from common.translation.codec import Codec
from common.translation.engine import MAX_NEW_TOKENS, Beams, Output


class CTranslateRunner:
    """A converted model.

    Args:
        folder: what ``common.translation.convert`` wrote.
        threads: CPU threads; 0 means all that this process may use.
        compute_type: what the folder's weights are multiplied as.

    Raises:
        ModelUnavailable: the folder is damaged.
    """

    def __init__(self, folder: Path, threads: int = 0, compute_type: str = "int8_float32") -> None:
        try:
            self._translator = ctranslate2.Translator(
                str(folder),
                device="cpu",
                compute_type=compute_type,
                inter_threads=1,
                intra_threads=threads or hardware.cores(),
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
        )
        return [
            [
                Output(
                    tokens[len(prefix) :],
                    score,
                    result.attention[n][len(prefix) : len(tokens)] if beams.align else None,
                )
                for n, (tokens, score) in enumerate(zip(result.hypotheses, result.scores, strict=True))
            ]
            for result, prefix in zip(results, prefixes, strict=True)
        ]
