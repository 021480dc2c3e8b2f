"""Documents that a visitor hands in, as text with its structure: title, headings, paragraphs, pages.

``read_document`` reads TXT, Markdown, PDF, DOCX and HTML. It opens nothing but the file it is given (no link, image or
style sheet of it), writes nothing, and says what is wrong in one sentence. Knows nothing about what the text is for.
"""

from __future__ import annotations

from common.documents.document import Document, Paragraph
from common.documents.read import KINDS, read_document, take_upload

__all__ = ["KINDS", "Document", "Paragraph", "read_document", "take_upload"]
