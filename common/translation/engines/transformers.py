"""Batches with transformers: on a graphics card, and wherever a model's attention is wanted unquantized."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from common import errors, hardware
from common.translation.codec import Codec
from common.translation.engine import MAX_NEW_TOKENS, Beams, Output

# Of a lent GPU: seconds until the model is on it, and for a sentence of a batch, generously.
_MOVING, _SECONDS_A_SENTENCE = 10.0, 1.0


class TransformersRunner:
    """A model folder in transformers format.

    Args:
        folder: the model.
        device: where it runs; the best one here by default.
        dtype: float32 by default on a processor; what the graphics card is best at elsewhere.

    Raises:
        ModelUnavailable: the folder is damaged.
    """

    at_once = 1

    def __init__(self, folder: Path, device: str | None = None, dtype: torch.dtype | None = None) -> None:
        self._device = device or hardware.device()
        if dtype is None:
            dtype = torch.float32 if self._device == "cpu" else hardware.compute_dtype("cuda")
        try:
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                folder, dtype=dtype, attn_implementation="eager", use_safetensors=True, local_files_only=True
            )
        except (OSError, ValueError, KeyError) as problem:
            raise errors.ModelUnavailable(model=folder.name, reason=errors.Phrase("files_unreadable")) from problem
        model.generation_config.max_length = None  # the limit is on new tokens
        self._model = model.eval().to(self._device)

    def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
        """Sentences with different first tokens (M2M-100, NLLB) cannot share a batch: one batch for each."""
        outputs: dict[int, list[Output]] = {}
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, codec in enumerate(codecs):
            groups.setdefault(tuple(codec.target_prefix), []).append(index)
        for indices in groups.values():
            same = [sources[index] for index in indices]
            outputs |= dict(zip(indices, self._batch(same, codecs[indices[0]], beams), strict=True))
        return [outputs[index] for index in range(len(sources))]

    def _batch(self, sources: Sequence[list[str]], codec: Codec, beams: Beams) -> list[list[Output]]:
        config = self._model.config
        unknown = codec.ids.get("<unk>", 0)
        rows = [[codec.ids.get(token, unknown) for token in tokens] for tokens in sources]
        longest = max(map(len, rows))
        # (batch, source), padded at the end
        ids = torch.tensor([row + [config.pad_token_id] * (longest - len(row)) for row in rows], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=self._device)
        first = [config.decoder_start_token_id, *(codec.ids[token] for token in codec.target_prefix)]
        made = _run(
            self._model.generate,
            input_ids=ids,
            attention_mask=mask,
            decoder_input_ids=torch.tensor([first] * len(rows), device=self._device),
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                num_beams=beams.width,
                num_return_sequences=beams.alternatives,
                max_new_tokens=MAX_NEW_TOKENS,
                # Like ctranslate2, which counts no sentence as one that ends before its first word.
                min_new_tokens=max(1, beams.min_length),
                no_repeat_ngram_size=beams.no_repeat_ngram_size,
                # What ctranslate2 does: a sentence is finished when as many hypotheses are as there are beams.
                early_stopping=beams.width > 1,
                length_penalty=1.0,
                decoder_start_token_id=config.decoder_start_token_id,
                pad_token_id=config.pad_token_id,
                eos_token_id=config.eos_token_id,
                bad_words_ids=[[config.pad_token_id]],
                return_dict_in_generate=True,
                output_scores=True,
            ),
        )
        names = {number: token for token, number in codec.ids.items()}
        results: list[list[Output]] = []
        for row, tokens in enumerate(sources):
            hypotheses = []
            for n in range(row * beams.alternatives, (row + 1) * beams.alternatives):
                written = made.sequences[n, len(first) :]
                written = written[(written != config.eos_token_id) & (written != config.pad_token_id)]
                attention = self._attention(ids[row : row + 1, : len(tokens)], first, written) if beams.align else None
                hypotheses.append(Output([names[int(i)] for i in written], _score(made, n, len(first)), attention))
            results.append(hypotheses)
        return results

    def _attention(self, source: torch.Tensor, first: list[int], written: torch.Tensor) -> list[list[float]]:
        """Cross-attention of the last decoder layer, mean over heads: (output, source). Step t predicts token t."""
        decoder = torch.cat([torch.tensor(first, device=self._device), written])[None, :-1]
        seen = _run(self._model, input_ids=source, decoder_input_ids=decoder, output_attentions=True)
        weights = seen.cross_attentions[-1][0].float().mean(0)  # (heads, output, source) -> (output, source)
        rows: list[list[float]] = weights[len(first) - 1 :].tolist()
        return rows


def _lent_for(function: Any, **inputs: Any) -> int:
    """Seconds that a batch of sentences may take on a lent GPU."""
    return hardware.lent_seconds(_MOVING + len(inputs["input_ids"]) * _SECONDS_A_SENTENCE)


@hardware.gpu(_lent_for)
def _run(function: Any, **inputs: Any) -> Any:
    """On ZeroGPU this is the part that needs the card."""
    with torch.inference_mode():
        return function(**inputs)


def _score(made: Any, index: int, first: int) -> float:
    """Mean log-probability per token. A beam search gives it; for greedy search it is put together."""
    if getattr(made, "sequences_scores", None) is not None:
        return float(made.sequences_scores[index])
    chosen = made.sequences[index, first:]
    steps = [torch.log_softmax(step[index].float(), -1)[token] for step, token in zip(made.scores, chosen, strict=True)]
    finite = [float(value) for value in steps if torch.isfinite(value)]
    return sum(finite) / max(len(finite), 1)
