"""What a document is once it has been read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph on one line of text.

    Attributes:
        text: without line ends, white space as single spaces.
        heading: it is a title or a heading.
        page: the page it begins on, from 1; None where the format has no pages.
    """

    text: str
    heading: bool = False
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file.

    Attributes:
        name: the file's name, shortened and without signs that mean something to a page.
        title: as the document says it, or its name.
        paragraphs: in reading order; never empty.
        pages: how many there are; None where the format has none.
        empty_pages: pages without text, such as scanned ones among others.
    """

    name: str
    title: str
    paragraphs: tuple[Paragraph, ...]
    pages: int | None = None
    empty_pages: int = 0

    @property
    def text(self) -> str:
        """All paragraphs, with empty lines between them."""
        return "\n\n".join(paragraph.text for paragraph in self.paragraphs)


def tidy(text: str) -> str:
    """The text on one line: white space as single spaces, without control characters and halves of characters."""
    plain = "".join(sign if sign.isprintable() or sign.isspace() else "" for sign in text)
    return " ".join(plain.replace("\u00ad", "").split())
