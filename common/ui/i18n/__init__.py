"""The texts of the pages in four languages, and the visible language switch.

Texts live in ``en.json``, ``de.json``, ``fr.json``, ``it.json``: sections by tab, dotted keys in code
(``chat.send``). A page builds its components through a ``Localizer``, which remembers which property of which
component holds which text, so that one event can change them all without touching what the visitor made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from common.config import LANGUAGES, Language, settings
from common.errors import DemystifyError, Phrase

C = TypeVar("C")
# A text key, choices as (text key, value), or a function of the language for anything richer.
Localized = str | Sequence[tuple[str, Any]] | Callable[[str], Any]


@lru_cache
def texts(lang: str) -> dict[str, str]:
    """All texts of one language by dotted key."""
    path = Path(__file__).parent / f"{lang}.json"
    sections: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return {f"{section}.{name}": value for section, entries in sections.items() for name, value in entries.items()}


def text(lang: str, key: str, /, **params: Any) -> str:
    """The text for ``key``, its ``{placeholders}`` filled.

    Raises:
        KeyError: no such key: a mistake in the code, which a test finds.
    """
    found = texts(lang if lang in LANGUAGES else "en")[key]
    return found.format(**params) if params else found


def error_text(lang: str, problem: DemystifyError) -> str:
    """The sentence for an error a user met: what fills it is said as people of that language say it, too."""
    return text(lang, f"error.{problem.key}", **_said(lang, problem.params))


def phrase_text(lang: str, phrase: Phrase) -> str:
    """A phrase as people of that language say it."""
    return text(lang, f"phrase.{phrase.key}", **_said(lang, phrase.params))


def _said(lang: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Phrases in the language, controls and languages by name, numbers with the right marks; the rest as it is."""
    said: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Phrase):
            said[name] = phrase_text(lang, value)
        elif name == "field" and f"field.{value}" in texts("en"):  # others are settings, called as they are set
            said[name] = text(lang, f"field.{value}")
        elif name in ("source", "target") and f"language.{value}" in texts("en"):
            said[name] = text(lang, f"language.{value}")
        elif isinstance(value, int | float):
            said[name] = number(lang, value, len(f"{value:g}".partition(".")[2]) if isinstance(value, float) else 0)
        else:
            said[name] = value
    return said


def number(lang: str, value: float, digits: int = 0) -> str:
    """A number as people of that language write it: 1,234.5 · 1.234,5 · 1 234,5."""
    written = f"{value:,.{digits}f}"
    marks = {"de": ".,", "it": ".,", "fr": "\u202f,"}.get(lang)
    if marks is None:
        return written
    return written.replace(",", "\0").replace(".", marks[1]).replace("\0", marks[0])


class Localizer:
    """Builds components with texts of one language and can change them to another.

    Example:
        words = Localizer("en")
        send = words(gr.Button, keys={"value": "chat.send"}, variant="primary")
        kind = words(gr.Radio, keys={"label": "x.kind", "choices": [("x.kind_a", "a"), ("x.kind_b", "b")]}, value="a")
        panel = words(gr.HTML, keys={"value": lambda lang: idea(lang, "chat")})
    """

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self._items: list[tuple[Any, Mapping[str, Localized]]] = []

    def __call__(self, kind: Callable[..., C], /, *, keys: Mapping[str, Localized], **props: Any) -> C:
        component = kind(**_in(self.lang, keys), **props)
        self._items.append((component, keys))
        return component

    @property
    def components(self) -> list[Any]:
        """The components whose texts follow the language, in order."""
        return [component for component, _ in self._items]

    def updates(self, lang: str) -> list[Any]:
        """One update per component, with its texts in ``lang``."""
        return [gr.update(**_in(lang, keys)) for _, keys in self._items]


def _in(lang: str, keys: Mapping[str, Localized]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for prop, key in keys.items():
        if callable(key):
            values[prop] = key(lang)
        elif isinstance(key, str):
            values[prop] = text(lang, key)
        else:
            values[prop] = [(text(lang, name), value) for name, value in key]
    return values


def wanted_language(query: str | None, accept: str | None) -> Language:
    """The language of a visit: the address, the setting, or what the browser asks for, in that order.

    Args:
        query: value of ``?lang=``.
        accept: the Accept-Language header, such as ``de-CH,de;q=0.9,en;q=0.8``.
    """
    by_name: dict[str, Language] = {lang: lang for lang in LANGUAGES}
    if query in by_name:
        return by_name[query]
    if settings().lang != "auto":
        return by_name[settings().lang]
    for part in (accept or "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in by_name:
            return by_name[code]
    return "en"
