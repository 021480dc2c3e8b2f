"""The errors a user can meet, each with the sentence that says what to do.

An error carries a message key and its parameters; the English sentence lives here beside it so that logs and
the API read well without the UI. The UI looks the key up in its translations. A parameter that is itself words, such
as why a model cannot be loaded, is a ``Phrase``: a key too, with its English in ``common.phrases``. This module knows
nothing about gradio and nothing about models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from common.phrases import PHRASES as PHRASES


class Phrase:
    """Words inside an error's sentence, said in the reader's language: ``phrase.<key>`` in the translations.

    What somebody else has written, such as a server's message, is a parameter of a phrase and stays as it is.

    Args:
        key: one of ``PHRASES``.
        params: values that fill the phrase.

    Example:
        >>> str(InvalidFile(reason=Phrase("too_many_turns", limit=400)))
        'This file cannot be used (it has more than 400 messages): choose a file that this app saved.'
    """

    def __init__(self, key: str, /, **params: Any) -> None:
        self.key, self.params = key, params

    def __str__(self) -> str:
        return PHRASES[self.key].format(**self.params)

    def __repr__(self) -> str:
        return f"Phrase({self.key!r}, {self.params!r})"


class DemystifyError(Exception):
    """Base of every error that is meant for a user's eyes.

    Attributes:
        key: message key in the translations, ``error.<key>``.
        params: values that fill the sentence; where that is words, a ``Phrase``.
    """

    key: ClassVar[str] = "unexpected"
    sentence: ClassVar[str] = "Something went wrong. Try again; if it happens again, tell the presenter."

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence.format(**params))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.params)

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, for the road between two processes."""
        params = {
            name: {"phrase": value.key, "params": value.params} if isinstance(value, Phrase) else value
            for name, value in self.params.items()
        }
        return {"key": self.key, "params": params}


def _rebuild(kind: type[DemystifyError], params: dict[str, Any]) -> DemystifyError:
    return kind(**params)


class InvalidInput(DemystifyError):
    """A value outside what a control allows.

    ``field`` is the control's name in code, which the page shows as ``field.<name>``, or an environment variable;
    ``allowed`` is what it takes: a Phrase, or signs alone, such as "≤ 3".
    """

    key = "invalid_input"
    sentence = "The value for “{field}” cannot be used here. Allowed: {allowed}."


class EmptyPrompt(DemystifyError):
    key = "empty_prompt"
    sentence = "There is no text yet: type something first."


class OnlyAddress(DemystifyError):
    """The text is the address of a page, and nothing here opens pages."""

    key = "only_address"
    sentence = "This is an address, and this app opens no pages: paste the text itself, or upload it as a file."


class PromptTooLong(DemystifyError):
    """``tokens`` the prompt has, ``limit`` the context window leaves for it."""

    key = "prompt_too_long"
    sentence = (
        "The text has at least {tokens} tokens, and this model takes {limit} at most: shorten it, "
        "or start a new conversation."
    )


class QueueFull(DemystifyError):
    """``waiting`` requests are already in line."""

    key = "queue_full"
    sentence = "The model is busy with other texts ({waiting} at the moment): wait a few seconds and try again."


class UnknownModel(DemystifyError):
    """``model`` is neither in the catalogue, nor a folder, nor a hub id; ``known`` lists the catalogue."""

    key = "unknown_model"
    sentence = (
        "There is no model called {model}: use one of {known}, a folder on this machine, "
        "or the id of a model on the Hugging Face Hub."
    )


class ModelUnavailable(DemystifyError):
    """The model exists by name but its files cannot be had. ``reason`` is a Phrase."""

    key = "model_unavailable"
    sentence = "The model {model} cannot be loaded ({reason}): check the connection, or choose the built-in model."


class TokenizerUnavailable(DemystifyError):
    """A tokenizer of the catalogue whose file cannot be had. ``title`` is its name there, ``reason`` a Phrase."""

    key = "tokenizer_unavailable"
    sentence = (
        "The tokenizer {title} cannot be loaded ({reason}): check the connection, "
        "or choose a tokenizer that comes with the app."
    )


class MissingPart(DemystifyError):
    """An optional package is not installed; ``command`` installs it."""

    key = "missing_part"
    sentence = "This needs the package {package}, which is not installed: run “{command}”."


class OutOfMemory(DemystifyError):
    """``available`` memory in GB, rounded to one decimal."""

    key = "out_of_memory"
    sentence = "There is not enough memory for this ({available} GB free): choose a smaller model or a shorter text."


class EngineStopped(DemystifyError):
    """The model's process died; it is being started again."""

    key = "engine_stopped"
    sentence = "The model stopped unexpectedly and is being restarted: send your text again in a few seconds."


class EngineStarting(DemystifyError):
    """The model was not ready within ``seconds``."""

    key = "engine_starting"
    sentence = "The model is still loading after {seconds} seconds: wait a little and try again."


class RemoteServerError(DemystifyError):
    """A remote server answered with an error. ``reason`` is a Phrase, which may quote the server's own message."""

    key = "remote_server"
    sentence = "The server at {address} did not answer as expected ({reason}): check its address and its key."


class NotSupported(DemystifyError):
    """The engine in use cannot do ``what``, a Phrase."""

    key = "not_supported"
    sentence = "The model in use cannot do this ({what}): choose a model that runs on this machine."


class UnsupportedPair(DemystifyError):
    """No model that can be had translates this direction. ``source`` and ``target`` are ISO 639-1 codes."""

    key = "unsupported_pair"
    sentence = (
        "No model here translates from {source} to {target}: choose two different languages, one of them English, "
        "or another model."
    )


class NoOutline(DemystifyError):
    """The model gave no list of headings in ``tries`` answers."""

    key = "no_outline"
    sentence = (
        "The model gave no list of headings in {tries} tries: try again with other words, "
        "or write the headings yourself, one per line."
    )


class InvalidFile(DemystifyError):
    """An uploaded file that cannot be read. ``reason`` is a Phrase."""

    key = "invalid_file"
    sentence = "This file cannot be used ({reason}): choose a file that this app saved."


class SentenceTooLong(DemystifyError):
    """``tokens`` the sentence has in the model's own counting, ``limit`` can be shown step by step."""

    key = "sentence_too_long"
    sentence = "The sentence has {tokens} tokens, and at most {limit} can be shown step by step: shorten it."


class NothingToTranslate(DemystifyError):
    """No token of the sentence is in the model's vocabulary, as when there are only emoji."""

    key = "nothing_to_translate"
    sentence = "The model knows no sign of this text: type a sentence in the language it is to translate from."


class UnknownLanguage(DemystifyError):
    """The language of a text could not be found, or is none that a model here reads."""

    key = "unknown_language"
    sentence = "It is not clear which language this is, or no model here knows it: choose the language above the text."


class UnreadableFile(DemystifyError):
    """A document that cannot be read. ``reason`` is a Phrase."""

    key = "unreadable_file"
    sentence = "This file cannot be read ({reason}): choose another one."


class UnsupportedDocument(DemystifyError):
    """``name`` of a file whose ending is none of those that can be read."""

    key = "unsupported_document"
    sentence = "“{name}” is none of the kinds of file that can be read here: use TXT, MD, PDF, DOCX or HTML."


class DocumentTooLarge(DemystifyError):
    """``size`` of the file and the ``limit`` in MB."""

    key = "document_too_large"
    sentence = "“{name}” has {size} MB, and {limit} MB is the most: split it, or take a smaller file."


class DocumentTooLong(DemystifyError):
    """``reason`` is a Phrase."""

    key = "document_too_long"
    sentence = "“{name}” is too long ({reason}): split it, or take a part of it."


class DocumentEncrypted(DemystifyError):
    """It takes a password to read it."""

    key = "document_encrypted"
    sentence = "“{name}” is protected by a password: save it without one, then choose it again."


class DocumentScanned(DemystifyError):
    """Pages without a text behind them."""

    key = "document_scanned"
    sentence = "“{name}” has pages but no text, as scans do: run text recognition (OCR) over it first."


class DocumentEmpty(DemystifyError):
    """Not a word in it."""

    key = "document_empty"
    sentence = "There is no text in “{name}”: choose another file."


class DocumentNotText(DemystifyError):
    """A binary file under the name of a text."""

    key = "document_not_text"
    sentence = "“{name}” is called a text but is a binary file: choose a file with text in it."


class DocumentBroken(DemystifyError):
    """No file of its ``kind``, such as “PDF”."""

    key = "document_broken"
    sentence = (
        "“{name}” is damaged, or no {kind} file at all: "
        "open it in its own program, save it again, and choose it once more."
    )


class NoDocuments(DemystifyError):
    """A question before anything can be searched."""

    key = "no_documents"
    sentence = "There are no documents yet: choose files, or take the sample documents."


class UploadGone(DemystifyError):
    """The file a visitor had sent was deleted before it was read."""

    key = "upload_gone"
    sentence = "“{name}” is no longer on the server: choose the file again."


class InvalidCall(DemystifyError):
    """A tool's call that cannot be done. ``reason`` is a Phrase."""

    key = "invalid_call"
    sentence = "This call cannot be done ({reason}): change it, or let the model try again."


class UnusableCorpus(DemystifyError):
    """A text that nothing can be trained on. ``reason`` is a Phrase."""

    key = "unusable_corpus"
    sentence = "This text cannot be used for training ({reason}): choose or paste another one."


class ImpossibleShape(DemystifyError):
    """Heads that cannot share the width. ``reason`` is a Phrase."""

    key = "impossible_shape"
    sentence = (
        "A model with {heads} heads cannot be built like this ({reason}): change the number of heads or the width."
    )


class MissingColumn(DemystifyError):
    """A table without the column that is needed."""

    key = "missing_column"
    sentence = "“{name}” has no column “{wanted}”, only {found}: name the column with the text so."


class Diverged(DemystifyError):
    """The loss is no number any more, or higher than at the beginning."""

    key = "diverged"
    sentence = (
        "The training was stopped, since the loss rose instead of falling: a learning rate of {rate:g} is "
        "too high here. Try a third of it."
    )


class DiskFull(DemystifyError):
    """No room left on the disk."""

    key = "disk_full"
    sentence = "The disk is full: delete runs that are no longer needed, then go on with this one."


class TrainingTooLarge(DemystifyError):
    """Out of memory in the middle of a run."""

    key = "training_too_large"
    sentence = (
        "The training needed more memory than there is: choose a smaller batch, a shorter context or fewer layers."
    )


class TooManyRuns(DemystifyError):
    """A visitor's ``limit`` of runs that wait or work."""

    key = "too_many_runs"
    sentence = "You already have {limit} training runs at work or waiting: stop or delete one first."


class NameTaken(DemystifyError):
    """Another run of the same visitor is called so."""

    key = "name_taken"
    sentence = "You already have a run called “{name}”: give this one another name."


class NoSuchRun(DemystifyError):
    """The run was deleted, or belongs to somebody else."""

    key = "no_such_run"
    sentence = "This run does not exist any more: choose another one from the list."


class NotTrainedYet(DemystifyError):
    """A model was asked for before the run has one."""

    key = "not_trained_yet"
    sentence = "This run has no model yet: wait until it has ended, or stop it."


class PictureTooLarge(DemystifyError):
    """``needed`` and ``available`` memory in GB; ``size`` in pixels is the largest that fits."""

    key = "picture_too_large"
    sentence = (
        "This picture would need {needed} GB of memory, and {available} GB are free: "
        "choose a size of {size} pixels, or fewer pictures."
    )


class ForeignPicture(DemystifyError):
    """A picture in which no settings of ours are written. ``reason`` is a Phrase."""

    key = "foreign_picture"
    sentence = "No settings can be read from this picture ({reason}): choose a PNG file that was saved here."


class NothingDrawn(DemystifyError):
    """Something of a picture was asked for before there was one."""

    key = "nothing_drawn"
    sentence = "There is no picture yet: draw one first."


def from_json(values: Mapping[str, Any]) -> DemystifyError:
    """The error that ``to_json`` wrote; the base class when its key is not known."""
    params = {
        name: Phrase(value["phrase"], **value["params"]) if isinstance(value, dict) else value
        for name, value in values["params"].items()
    }
    return _by_key(values["key"])(**params)


def _by_key(key: str) -> type[DemystifyError]:
    pending = [DemystifyError]
    while pending:
        kind = pending.pop()
        if kind.key == key:
            return kind
        pending += kind.__subclasses__()
    return DemystifyError
