"""Word files: the text of each run changes, its style, the tables, pictures, headers and links do not.

A small file can unpack to gigabytes, so how much it is is looked at before.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from common import errors
from common.config import settings
from common.errors import Phrase
from common.translation.documents.base import Leaf, Segment

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_PARTS = ("document.main+xml", "header+xml", "footer+xml", "footnotes+xml", "endnotes+xml", "comments+xml")


class WordDocument:
    """An opened file: each ``w:t`` is a leaf, each paragraph a segment; a line break or a tab begins another one."""

    def __init__(self, package: Any) -> None:
        self._package = package
        self.segments: list[Segment] = []
        self._nodes: list[tuple[Leaf, Any]] = []
        self._roots: list[tuple[Any, Any]] = []
        for part in package.iter_parts():
            if part.content_type.endswith(_PARTS):
                root = part.element if hasattr(part, "element") else self._parsed(part)
                for paragraph in root.iter(f"{_W}p"):
                    self._add(paragraph)

    def _parsed(self, part: Any) -> Any:
        """Footnotes and the like, which python-docx keeps as bytes."""
        from docx.oxml.parser import parse_xml

        root = parse_xml(part.blob)
        self._roots.append((part, root))
        return root

    def _add(self, paragraph: Any) -> None:
        leaves: list[Leaf] = []
        for node in _own(paragraph):
            if node.tag == f"{_W}t" and node.text:
                leaves.append(Leaf(node.text))
                self._nodes.append((leaves[-1], node))
            elif node.tag in (f"{_W}br", f"{_W}tab", f"{_W}cr") and leaves:
                self.segments.append(Segment(leaves))
                leaves = []
        if leaves:
            self.segments.append(Segment(leaves))

    def save(self) -> bytes:
        from lxml import etree

        for leaf, node in self._nodes:
            node.text = "".join(sign for sign in leaf.text if sign >= " " or sign in "\t\n\r")
            node.set(_SPACE, "preserve")
        for part, root in self._roots:
            part._blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
        out = io.BytesIO()
        self._package.save(out)
        return out.getvalue()


def _own(paragraph: Any) -> Iterator[Any]:
    """Everything in a paragraph but what is in a paragraph inside it (a text box), which comes by itself."""
    for child in paragraph:
        if child.tag == f"{_W}p" or not isinstance(child.tag, str):
            continue
        yield child
        yield from _own(child)


def read_word(data: bytes) -> WordDocument:
    """Raises UnreadableFile: it is no Word file, damaged, or unpacks to more than the setting ``max_unpacked_mb``."""
    from docx.opc.package import OpcPackage
    from docx.package import Package

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size, limit = sum(entry.file_size for entry in archive.infolist()), settings().max_unpacked_mb
            if size > limit * 1_000_000:
                raise errors.UnreadableFile(reason=Phrase("document_unpacked", size=round(size / 1e6), limit=limit))
            if archive.testzip() is not None:
                raise errors.UnreadableFile(reason=Phrase("file_damaged"))
        package: OpcPackage = Package.open(io.BytesIO(data))
        return WordDocument(package)
    except errors.DemystifyError:
        raise
    except Exception as problem:  # a damaged file makes the libraries fail in any way there is
        raise errors.UnreadableFile(reason=Phrase("file_damaged")) from problem
