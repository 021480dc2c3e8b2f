"""An essay as a document: a title and sections with headings, as Markdown that people edit and as a DOCX file.

The Markdown is the only form that is kept: whatever a writer changes in it stays when one section is written again.
Knows nothing about models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

_TITLE, _HEADING = "# ", "## "
# What XML 1.0 cannot hold, and so neither can a DOCX file.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it; paragraphs have empty lines between them."""

    heading: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A title, what stands before the first heading, and the sections."""

    title: str = ""
    opening: str = ""
    sections: tuple[Section, ...] = ()

    @property
    def words(self) -> int:
        """Words below the title, headings among them."""
        return count_words(self.opening) + sum(count_words(f"{s.heading} {s.body}") for s in self.sections)


def count_words(text: str) -> int:
    """How many words a text has: runs of letters and digits, which a hyphen or an apostrophe may join."""
    return len(_WORD.findall(text))


def to_markdown(manuscript: Manuscript) -> str:
    """The document as text to edit; ``from_markdown`` reads it."""
    blocks = [f"{_TITLE}{manuscript.title}" if manuscript.title else "", manuscript.opening]
    for section in manuscript.sections:
        blocks += [f"{_HEADING}{section.heading}", section.body]
    return "\n\n".join(block for block in blocks if block)


def from_markdown(text: str) -> Manuscript:
    """Read a document; any text is one. A line "# …" at its start is the title, lines "## …" begin sections."""
    title, here, heading = "", list[str](), ""
    parts: list[Section] = []
    for line in text.splitlines():
        if line.startswith(_HEADING):
            parts.append(Section(heading, _tidy(here)))
            here, heading = [], line.removeprefix(_HEADING).strip()
        elif line.startswith(_TITLE) and not (title or parts or _tidy(here)):
            title = line.removeprefix(_TITLE).strip()
        else:
            here.append(line)
    parts.append(Section(heading, _tidy(here)))
    return Manuscript(title, parts[0].body, tuple(parts[1:]))


def _tidy(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip()


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each on one line."""
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n", text) if block.strip()]


def to_docx(manuscript: Manuscript) -> bytes:
    """The document as a Word file, made in memory: a title, headings that fill the navigation, and paragraphs.

    Text stays text: nothing in it is read as markup. Characters that such a file cannot hold are left out.
    """
    from docx import Document

    document = Document()
    facts = document.core_properties  # the library's template names itself as author and is dated 2013
    facts.author, facts.comments, facts.title = "", "", _for_xml(manuscript.title)[:255]
    facts.created = facts.modified = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    if manuscript.title:
        document.add_heading(_for_xml(manuscript.title), level=0)
    for paragraph in paragraphs(manuscript.opening):
        document.add_paragraph(_for_xml(paragraph))
    for section in manuscript.sections:
        document.add_heading(_for_xml(section.heading), level=1)
        for paragraph in paragraphs(section.body):
            document.add_paragraph(_for_xml(paragraph))
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _for_xml(text: str) -> str:
    return _NOT_XML.sub("", text)
