"""The errors a user can meet, each with the sentence that says what to do.

An error carries a message key and its parameters; the English sentence lives here beside it so that logs and
the API read well without the UI. The UI looks the key up in its translations. A parameter that is itself words, such
as why a model cannot be loaded, is a ``Phrase``: a key too, with its English in ``common.phrases``. This module knows
nothing about gradio and nothing about models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.document_errors import DocumentBroken as DocumentBroken
from common.document_errors import DocumentEmpty as DocumentEmpty
from common.document_errors import DocumentEncrypted as DocumentEncrypted
from common.document_errors import DocumentNotText as DocumentNotText
from common.document_errors import DocumentScanned as DocumentScanned
from common.document_errors import DocumentTooLarge as DocumentTooLarge
from common.document_errors import DocumentTooLong as DocumentTooLong
from common.document_errors import NoDocuments as NoDocuments
from common.document_errors import UnreadableFile as UnreadableFile
from common.document_errors import UnsupportedDocument as UnsupportedDocument
from common.document_errors import UploadGone as UploadGone
from common.error_base import DemystifyError as DemystifyError
from common.error_base import Phrase as Phrase
from common.phrases import PHRASES as PHRASES
from common.picture_errors import ForeignPicture as ForeignPicture
from common.picture_errors import NothingDrawn as NothingDrawn
from common.picture_errors import PictureTooLarge as PictureTooLarge
from common.picture_errors import UnusableMask as UnusableMask
from common.picture_errors import UnusablePicture as UnusablePicture
from common.training_errors import DatasetUnavailable as DatasetUnavailable
from common.training_errors import DiskFull as DiskFull
from common.training_errors import Diverged as Diverged
from common.training_errors import FinetuneTooLarge as FinetuneTooLarge
from common.training_errors import ImpossibleShape as ImpossibleShape
from common.training_errors import MeasuringTooLarge as MeasuringTooLarge
from common.training_errors import MissingColumn as MissingColumn
from common.training_errors import NameTaken as NameTaken
from common.training_errors import NobodyLoggedIn as NobodyLoggedIn
from common.training_errors import NoDataset as NoDataset
from common.training_errors import NoRunOfLink as NoRunOfLink
from common.training_errors import NoSuchRun as NoSuchRun
from common.training_errors import NoTextColumn as NoTextColumn
from common.training_errors import NotForSummaries as NotForSummaries
from common.training_errors import NothingToChoose as NothingToChoose
from common.training_errors import NothingToMeasure as NothingToMeasure
from common.training_errors import NotPublished as NotPublished
from common.training_errors import NotTrainedYet as NotTrainedYet
from common.training_errors import NumberOfCaptions as NumberOfCaptions
from common.training_errors import NumberOfPictures as NumberOfPictures
from common.training_errors import OnlyMerged as OnlyMerged
from common.training_errors import RunsTooLarge as RunsTooLarge
from common.training_errors import StyleTooLarge as StyleTooLarge
from common.training_errors import TooManyRuns as TooManyRuns
from common.training_errors import TrainingTimeUsed as TrainingTimeUsed
from common.training_errors import TrainingTooLarge as TrainingTooLarge
from common.training_errors import UnusableCorpus as UnusableCorpus
from common.training_errors import UnusableExamples as UnusableExamples
from common.training_errors import WrongColumns as WrongColumns


class InvalidInput(DemystifyError):
    """A value outside what a control allows.

    ``field`` is the control's name in code, which the page shows as ``field.<name>``, or an environment variable;
    ``allowed`` is what it takes: a Phrase, or signs alone, such as "≤ 3".
    """

    key = "invalid_input"
    sentence = "The value for “{field}” cannot be used here. Allowed: {allowed}."


class LinkTooLong(DemystifyError):
    """A link with more characters than a QR code for phones may have."""

    key = "link_too_long"
    sentence = (
        "With {length} characters the link is too long for a QR code ({limit} at most): shorten the texts, or copy the "
        "link instead."
    )


class PresenterOnly(DemystifyError):
    """Somebody asked for what only the presenter may do."""

    key = "presenter_only"
    sentence = "Only the presenter can do this: open the presenter's link, or ask them to do it."


class NoCookie(DemystifyError):
    """A guess without the name that the server gives to every browser: it sends no cookies."""

    key = "no_cookie"
    sentence = (
        "Your browser sends no cookie, so your guess cannot be counted: allow cookies for this page, or open it in a "
        "tab of its own, and reload it."
    )


class SharedModel(DemystifyError):
    """An attendee of a room asked for a model beside the one that all share; ``model`` is the one asked for."""

    key = "shared_model"
    sentence = (
        "Everybody here shares one model, and only the presenter can load “{model}”: choose one that is loaded "
        "already, or ask them to load it."
    )


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


class PicturesWaiting(QueueFull):
    """The same of a model that draws; ``waiting`` pictures are already in line."""

    key = "pictures_waiting"
    sentence = "The model is busy with other pictures ({waiting} at the moment): wait a few seconds and try again."


class LineFull(QueueFull):
    """The same of work in a process of its own; ``waiting`` visitors are at work or in line."""

    key = "line_full"
    sentence = "Too many visitors are trying this at the moment ({waiting}): wait a little and try again."


class StillAtWork(DemystifyError):
    """A visitor set off the same again, as from a second window."""

    key = "still_at_work"
    sentence = "What you asked for before is still at work: wait until it has ended, or stop it."


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


class OutOfMemoryForPictures(OutOfMemory):
    """The same where pictures are drawn: no model, or not even its smallest picture."""

    key = "out_of_memory_for_pictures"
    sentence = (
        "There is not enough memory to draw ({available} GB free): choose a smaller model, or close other programs "
        "on this machine."
    )


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


class PieceTooLong(DemystifyError):
    """``tokens`` a text has that the model is to read in one piece, ``limit`` it can."""

    key = "piece_too_long"
    sentence = (
        "The text has {tokens} tokens and is given to the model in one piece, of which it takes {limit} tokens at "
        "most: shorten it."
    )


class NothingToTranslate(DemystifyError):
    """No token of the sentence is in the model's vocabulary, as when there are only emoji."""

    key = "nothing_to_translate"
    sentence = "The model knows no sign of this text: type a sentence in the language it is to translate from."


class UnknownLanguage(DemystifyError):
    """The language of a text could not be found, or is none that a model here reads."""

    key = "unknown_language"
    sentence = "It is not clear which language this is, or no model here knows it: choose the language above the text."


class InvalidCall(DemystifyError):
    """A tool's call that cannot be done. ``reason`` is a Phrase."""

    key = "invalid_call"
    sentence = "This call cannot be done ({reason}): change it, or let the model try again."


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
