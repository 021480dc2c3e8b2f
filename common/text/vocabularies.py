"""Where tokenizers come from: the catalogue's, by id, loaded once for the whole process and in the background.

An entry is a rule in code, a ``tokenizer.json`` (committed here or fetched from the hub), or the vocabulary inside a
GGUF file. Knows nothing about how text is cut, nor about pages.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from common import catalog, errors
from common.catalog import Model
from common.text.gguf_header import read_header
from common.text.tokens import Bytes, Characters, LibraryTokenizer, Tokenizer

if TYPE_CHECKING:
    import tokenizers
    from tokenizers import pre_tokenizers

log = logging.getLogger(__name__)

# A fetch that failed is not tried again at every key a visitor presses.
_RETRY_SECONDS = 20.0
_CONTROL = 3  # the kind of a control token in a GGUF file


@dataclass(slots=True)
class _Loading:
    result: Future[Tokenizer] = field(default_factory=Future)
    failed_at: float | None = None


_lock = threading.Lock()
_loading: dict[str, _Loading] = {}


def find(name: str) -> Model:
    """The catalogue's tokenizer with this id. Raises InvalidInput: there is none."""
    known = catalog.with_task("tokenizer")
    for model in known:
        if model.id == name:
            return model
    raise errors.InvalidInput(field="tokenizer", allowed=", ".join(model.id for model in known))


def ask(name: str) -> Future[Tokenizer]:
    """A tokenizer that may still be loading; all who ask for the same one share it.

    The future ends in ``TokenizerUnavailable`` when the files cannot be had; after some seconds, asking tries again.

    Raises:
        InvalidInput: no such tokenizer.
    """
    model = find(name)
    with _lock:
        known = _loading.get(name)
        if known is None or (known.failed_at is not None and time.monotonic() - known.failed_at > _RETRY_SECONDS):
            known = _loading[name] = _Loading()
            known.result.set_running_or_notify_cancel()  # one who stops waiting must not cancel it for the others
            # Not a pool: its threads would hold up the end of the program until a download is through.
            threading.Thread(target=_load, args=(model, known), daemon=True, name=f"tokenizer-{name}").start()
        return known.result


def load(name: str) -> Tokenizer:
    """A tokenizer, waited for. Raises InvalidInput, TokenizerUnavailable."""
    return ask(name).result()


def _load(model: Model, loading: _Loading) -> None:
    try:
        loading.result.set_result(read(model))
    except Exception as problem:  # handed to whoever waits for it
        log.warning("the tokenizer %s is not to be had: %s", model.id, problem)
        loading.failed_at = time.monotonic()
        loading.result.set_exception(problem)


def read(model: Model) -> Tokenizer:
    """Read a tokenizer from its place, fetching it if need be.

    Raises:
        TokenizerUnavailable: it cannot be fetched, or its file is damaged or of a kind unknown here.
    """
    if model.where == "code":
        return Characters() if model.id == "characters" else Bytes()
    try:
        path = catalog.locate(model)
    except errors.ModelUnavailable as problem:
        raise errors.TokenizerUnavailable(title=model.title, reason=problem.params["reason"]) from problem
    from tokenizers import Tokenizer as Backend

    if model.gguf:
        return LibraryTokenizer(_from_gguf(model, path))
    try:
        return LibraryTokenizer(Backend.from_file(str(path)))
    except Exception as problem:  # the library has no class of its own for a file it cannot read
        raise errors.TokenizerUnavailable(title=model.title, reason=errors.Phrase("tokenizer_unreadable")) from problem


def _from_gguf(model: Model, path: Path) -> tokenizers.Tokenizer:
    """The byte-level BPE inside a GGUF file; its weights are not read.

    Raises:
        TokenizerUnavailable: a vocabulary of another kind, or no GGUF.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models

    try:
        header = read_header(path)
        kind, tokens, merges, kinds = (
            header[f"tokenizer.ggml.{name}"] for name in ("pre", "tokens", "merges", "token_type")
        )
    except (OSError, ValueError, KeyError) as problem:
        raise errors.TokenizerUnavailable(title=model.title, reason=errors.Phrase("tokenizer_unreadable")) from problem
    if (rule := cutting_rule(kind)) is None:
        raise errors.TokenizerUnavailable(title=model.title, reason=errors.Phrase("unknown_rule", name=kind))
    vocabulary = {token: token_id for token_id, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocabulary, [tuple(merge.split(" ")) for merge in merges]))
    backend.pre_tokenizer = rule
    backend.decoder = decoders.ByteLevel()
    control = [token for token, token_kind in zip(tokens, kinds, strict=True) if token_kind == _CONTROL]
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in control])
    return backend


def cutting_rule(kind: str) -> pre_tokenizers.PreTokenizer | None:
    """GGUF files only name the rule that cuts text into words before the merges; these are the rules by name."""
    from tokenizers import pre_tokenizers

    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if kind == "gpt-2":
        return words
    if kind == "smollm":  # as GPT-2, but every digit is a token of its own
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    return None
