"""Sentence pairs out of compiled gettext catalogues."""

from __future__ import annotations

import gettext
import struct
from pathlib import Path

import pytest

from common import errors
from common.recipes.translation import catalogues, corpus


def _compiled(messages: dict[str, str]) -> bytes:
    """A catalogue as msgfmt writes it: header, two tables of lengths and offsets, texts that end in NUL."""
    entries = sorted((key.encode(), value.encode()) for key, value in messages.items())
    start = 28 + 16 * len(entries)
    tables: tuple[list[int], list[int]] = ([], [])
    texts = b""
    for side, table in enumerate(tables):
        for entry in entries:
            table += [len(entry[side]), start + len(texts)]
            texts += entry[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    return head + struct.pack(f"<{4 * len(entries)}I", *tables[0], *tables[1]) + texts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    messages = {
        "": "Content-Type: text/plain; charset=UTF-8\n",
        "_Open the file": "_Otvoriť súbor",
        "menu\x04Leave": "Odísť",
        "One day\0%d days": "Jeden deň\0%d dni",
        "Copied %s files": "Skopírovaných %s súborov",
        "First part.\n\nSecond part.": "Prvá časť.\n\nDruhá časť.",
        "Same": "Same",
    }
    catalogue = tmp_path / "usr" / "share" / "locale" / "sk" / "LC_MESSAGES" / "program.mo"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(_compiled(messages))
    return tmp_path


def test_messages_are_what_gettext_reads(folder: Path) -> None:
    catalogue = next(folder.rglob("*.mo"))
    with open(catalogue, "rb") as file:
        known = gettext.GNUTranslations(file)
    found = dict(catalogues.messages(catalogue))
    assert found["_Open the file"] == known.gettext("_Open the file") == "_Otvoriť súbor"
    assert found["Leave"] == known.pgettext("menu", "Leave") == "Odísť"
    assert found["One day"] == "Jeden deň"


def test_pairs_are_for_people_and_can_be_read_as_data(folder: Path, tmp_path: Path) -> None:
    counts = catalogues.write([folder, folder], tmp_path / "data")
    assert counts["sk"] == 5 and counts["de"] == 0
    read = {(pair.english, pair.other) for pair in corpus.read(tmp_path / "data")}
    assert read == {
        ("Open the file", "Otvoriť súbor"),
        ("Leave", "Odísť"),
        ("One day", "Jeden deň"),
        ("First part.", "Prvá časť."),
        ("Second part.", "Druhá časť."),
    }


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mo").write_bytes(b"not a catalogue at all")
    with pytest.raises(errors.InvalidInput, match="catalogue"):
        list(catalogues.messages(tmp_path / "x.mo"))
