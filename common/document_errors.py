"""The errors around a document that a visitor sends; ``common.errors`` has them all."""

from __future__ import annotations

from common.error_base import DemystifyError


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
