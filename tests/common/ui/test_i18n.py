"""Texts: every language has every key, with the same placeholders; every key that code asks for exists."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

from common.config import LANGUAGES
from common.errors import PHRASES, DemystifyError
from common.ui.fields import Field
from common.ui.i18n import error_text, number, text, texts, wanted_language

ROOT = Path(__file__).resolve().parents[3]


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_text(lang: str) -> None:
    english, other = texts("en"), texts(lang)
    assert set(other) == set(english)
    for key, sentence in english.items():
        assert _placeholders(other[key]) == _placeholders(sentence), key
        assert other[key].strip(), key


# Words that are the same in two languages are fine one by one; whole sections left in English are not.
@pytest.mark.parametrize("lang", ["de", "fr", "it"])
def test_the_texts_are_translated(lang: str) -> None:
    english, other = texts("en"), texts(lang)
    long_keys = [key for key, sentence in english.items() if len(sentence.split()) >= 4]
    same = [key for key in long_keys if other[key] == english[key]]
    assert not same


def test_every_key_in_the_code_exists_and_every_text_is_used() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("common", "spaces")
        for path in [*(ROOT / folder).rglob("*.py"), ROOT / "app.py"]
    )
    known = set(texts("en"))
    sections = {key.split(".")[0] for key in known}
    names = "|".join(sections)
    asked = set(re.findall(rf"""["']((?:{names})\.[a-z0-9_]+)["']""", code))
    assert asked <= known, asked - known
    # Keys that are put together at run time, of which one half can be read: f"chat.example_{n}", f"{section}.title".
    built = [
        re.sub(r"\\\{[^}]*\\\}", "[a-z0-9_]+", re.escape(m))
        for m in re.findall(rf"""f["']((?:{names})\.[a-z0-9_]*\{{[^"' ]*|\{{[a-z]+\}}\.[a-z0-9_]+)["']""", code)
    ]
    built.append("[a-z0-9_]+\\.(idea|try|reveal)")  # idea_html puts both halves together
    unused = [key for key in known - asked if not any(re.fullmatch(pattern, key) for pattern in built)]
    assert not unused, sorted(unused)


def _errors(kind: type[DemystifyError] = DemystifyError) -> list[type[DemystifyError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _errors(child))]


@pytest.mark.parametrize("kind", _errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence_in_every_language(kind: type[DemystifyError]) -> None:
    params = dict.fromkeys(_placeholders(kind.sentence), "X1")
    problem = kind(**params)
    for lang in LANGUAGES:
        sentence = error_text(lang, problem)
        assert sentence.endswith(".") and "{" not in sentence
        assert all("X1" in sentence for _ in params)
    assert text("en", f"error.{kind.key}") == kind.sentence


def test_every_phrase_of_an_error_is_in_the_translations() -> None:
    """In English word for word; that the other languages have the same keys and parameters is tested above."""
    assert {key: found for key, found in texts("en").items() if key.startswith("phrase.")} == {
        f"phrase.{key}": sentence for key, sentence in PHRASES.items()
    }


def test_every_control_has_a_name_for_errors() -> None:
    """``Number("seed", …)`` and ``InvalidInput(field="turn", …)`` need ``field.seed`` and ``field.turn``."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("common", "spaces")
        for path in (ROOT / folder).rglob("*.py")
        if "recipes" not in path.parts  # they speak to a terminal
    )
    kinds = "|".join(kind.__name__ for kind in get_args(Field))
    named = set(re.findall(rf'\b(?:{kinds})\(\s*"([^"]+)"|\bfield="([^"]+)"', code))
    asked = {name for names in named for name in names if name and not name.isupper()}  # capitals are settings
    known = {key.removeprefix("field.") for key in texts("en") if key.startswith("field.")}
    assert len(asked) > 5
    assert asked <= known, asked - known
    assert all(f'"{name}"' in code for name in known)


def test_numbers_are_written_as_people_do() -> None:
    assert [number(lang, 12345.67, 1) for lang in LANGUAGES] == ["12,345.7", "12.345,7", "12\u202f345,7", "12.345,7"]


@pytest.mark.parametrize(
    ("query", "accept", "wanted"),
    [
        ("de", "fr", "de"),
        (None, "fr-CH,fr;q=0.9,en;q=0.8", "fr"),
        (None, "rm-CH,it;q=0.9", "it"),
        ("xx", "ja", "en"),
        ("<script>", None, "en"),
    ],
)
def test_the_language_of_a_visit(query: str | None, accept: str | None, wanted: str) -> None:
    assert wanted_language(query, accept) == wanted
