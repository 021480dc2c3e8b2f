"""One small model of each family, asked once: an encoder fills a gap, a decoder goes on, an encoder-decoder answers.

``python -m common.text.families FOLDER KIND TEXT`` does it in a process of its own, which is gone afterwards with all
its memory. Knows nothing about the catalogue or pages.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from common import errors
from common.apart import ask_module
from common.errors import Phrase

if TYPE_CHECKING:
    import torch

Kind = Literal["encoder", "decoder", "both"]
GAP = "___"  # what a visitor writes where a word is missing; every tokenizer has a sign of its own for it
_NEW_TOKENS, _CANDIDATES = 24, 5


@dataclass(frozen=True, slots=True)
class Said:
    """What a model made of a text.

    Attributes:
        answers: words for the gap with their probabilities, the best first; or the one text that was written, with 1.
        seconds: of computing, without loading.
        parameters: of the model.
    """

    answers: tuple[tuple[str, float], ...]
    seconds: float
    parameters: int


def ask(folder: Path, kind: Kind, text: str) -> Said:
    """Load the model and ask it.

    Raises:
        InvalidInput: a text without exactly one gap, for an encoder.
        ModelUnavailable: nothing in the folder that can be read as such a model.
    """
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

    loaders: dict[Kind, Any] = {
        "encoder": AutoModelForMaskedLM,
        "decoder": AutoModelForCausalLM,
        "both": AutoModelForSeq2SeqLM,
    }
    if kind == "encoder" and text.count(GAP) != 1:
        raise errors.InvalidInput(field="family_text", allowed=Phrase("one_gap", gap=GAP))
    try:
        options = {"trust_remote_code": False, "local_files_only": True}
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        model = loaders[kind].from_pretrained(folder, use_safetensors=True, **options).float().eval()
    except (OSError, ValueError, KeyError) as problem:
        raise errors.ModelUnavailable(model=folder.name, reason=Phrase("files_unreadable")) from problem
    start = time.perf_counter()
    answers = _fill(model, tokenizer, text) if kind == "encoder" else _write(model, tokenizer, text, kind)
    return Said(answers, time.perf_counter() - start, model.num_parameters())


def _fill(model: Any, tokenizer: Any, text: str) -> tuple[tuple[str, float], ...]:
    """The most probable tokens for the gap: an encoder sees the words on both sides of it at once."""
    import torch

    ids = tokenizer(text.replace(GAP, tokenizer.mask_token), return_tensors="pt")
    with torch.no_grad():
        logits: torch.Tensor = model(**ids).logits[0]  # (N, vocabulary)
    place = int((ids["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0])
    best = torch.softmax(logits[place], dim=-1).topk(_CANDIDATES)
    found = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple((str(tokenizer.decode([token])).strip(), share) for token, share in found)


def _write(model: Any, tokenizer: Any, text: str, kind: Kind) -> tuple[tuple[str, float], ...]:
    """The most probable text: after the given one, or of an encoder-decoder the answer to it."""
    import torch

    ids = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        written = model.generate(
            input_ids=ids["input_ids"],
            attention_mask=ids["attention_mask"],
            max_new_tokens=_NEW_TOKENS,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
        )
    begun = ids["input_ids"].shape[1] if kind == "decoder" else 0
    return ((str(tokenizer.decode(written[0, begun:], skip_special_tokens=True)).strip(), 1.0),)


async def ask_apart(folder: Path, kind: Kind, text: str) -> Said:
    """Like ``ask``, in a process of its own that ends when the caller is cancelled. Raises what ``ask`` does."""
    values = await ask_module("common.text.families", str(folder), kind, text)
    answers = tuple((str(words), float(share)) for words, share in values["answers"])
    return Said(answers, values["seconds"], values["parameters"])


def main() -> None:
    """Ask one model and print what it said, or its error, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m common.text.families", description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="the model in transformers format")
    parser.add_argument("kind", choices=get_args(Kind))
    parser.add_argument("text", help=f"for an encoder with {GAP} where a word is missing")
    options = parser.parse_args()
    try:
        print(json.dumps(asdict(ask(options.folder, options.kind, options.text))))
    except errors.DemystifyError as problem:
        print(json.dumps(problem.to_json()))
        raise SystemExit(1) from problem


if __name__ == "__main__":
    main()
