"""HTML: the text that a reader would see, without menus and scripts. Nothing the page names is fetched."""

from __future__ import annotations

import re

from lxml import etree, html

from common import errors
from common.documents.document import Document, Paragraph, tidy
from common.documents.plain import decode

_LEFT_OUT = {"script", "style", "noscript", "template", "nav", "svg", "head", "iframe", "object", "form", "button"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = _HEADINGS | {
    *("address", "article", "aside", "blockquote", "body", "br", "dd", "div", "dl", "dt", "figcaption", "figure"),
    *("footer", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w-]{2,30})""", re.IGNORECASE)


def read_html(data: bytes, name: str) -> Document:
    """Raises DocumentNotText, DocumentBroken."""
    text = _decode(data, name)
    # As UTF-8 bytes, because the parser takes no text that names another encoding at its head.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "ignore"), parser=parser)
    except (etree.LxmlError, ValueError) as problem:
        raise errors.DocumentBroken(name=name, kind="HTML") from problem
    title = tidy(root.findtext(".//title") or "")
    return Document(name, title or name, tuple(_paragraphs(root)))


def _decode(data: bytes, name: str) -> str:
    """By the encoding the page declares, if it is one and fits."""
    if declared := _CHARSET.search(data[:2048]):
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data, name)


def _paragraphs(root: html.HtmlElement) -> list[Paragraph]:
    found: list[Paragraph] = []
    running: list[str] = []
    heading = False
    hidden = 0

    def close() -> None:
        if text := tidy("".join(running)):
            found.append(Paragraph(text, heading=heading))
        running.clear()

    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = str(element.tag)
        if event == "start":
            if tag in _BLOCKS and not hidden:
                close()
                heading = tag in _HEADINGS
            hidden += tag in _LEFT_OUT
            if not hidden:
                running.append(element.text or "")
        else:
            hidden -= tag in _LEFT_OUT
            if not hidden:
                if tag in _BLOCKS:
                    close()
                    heading = False
                elif tag in ("td", "th"):
                    running.append(" | ")
                running.append(element.tail or "")
    close()
    return [Paragraph(p.text.removesuffix(" |"), p.heading) for p in found]
