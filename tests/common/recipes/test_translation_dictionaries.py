"""Words and sentences out of dictionaries as Debian installs them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from common import errors
from common.recipes.translation import corpus, dictionaries

DING = """# Version :: 1.9
Haus {n}; Gebäude {n} [arch.] | Häuser {pl} | das Haus verlassen :: house; building | houses | to leave the house
jdn. sehen :: to see sb.
Wo? | Wir haben es geschafft!; Wir haben es gepackt! :: Where? | We’ve done it!; We’ve made it!
Uhr {f} | Uhren {pl} :: watch; clock
Schiff {n} | Schiffe :: ship
"""
ITALIAN = """    Copyright (C) 1999-2017 by various authors

Published at: http://freedict.org/
bath /bˈaθ/
1. vasca da bagno
2. bagno
bathroom /bˈaθɹuːm/
sala da bagno, stanza da bagno
"""
SLOVAK = """muŠkátový orieŠok /muʃkaːt/
nutmeg
ovca /ˈowtsa/ <n>
sheep
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "usr/share/trans").mkdir(parents=True)
    (tmp_path / "usr/share/trans/de-en").write_text(DING, "utf-8")
    (tmp_path / "usr/share/dictd").mkdir()
    for name, entries in (("eng-ita", ITALIAN), ("slk-eng", SLOVAK)):
        (tmp_path / f"usr/share/dictd/freedict-{name}.dict.dz").write_bytes(gzip.compress(entries.encode()))
    return tmp_path


def test_words_and_sentences_are_told_apart_and_can_be_read_as_data(folder: Path, tmp_path: Path) -> None:
    dictionaries.main([str(folder), "--into", str(tmp_path / "data")])
    read = {(pair.domain, pair.language, pair.english, pair.other) for pair in corpus.read(tmp_path / "data")}
    assert read == {
        ("dictionary", "de", "house", "Haus"),
        ("dictionary", "de", "houses", "Häuser"),
        ("dictionary", "de", "to leave the house", "das Haus verlassen"),
        ("dictionary", "de", "Where?", "Wo?"),
        ("examples", "de", "We've done it!", "Wir haben es geschafft!"),
        ("dictionary", "it", "bath", "vasca da bagno"),
        ("dictionary", "it", "bathroom", "sala da bagno"),
        ("dictionary", "sk", "nutmeg", "muškátový oriešok"),
        ("dictionary", "sk", "sheep", "ovca"),
    }


def test_a_folder_without_dictionaries_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="unpacked dictionaries"):
        list(dictionaries.pairs([tmp_path]))


def test_a_dictionary_of_two_other_languages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="from or into English"):
        list(dictionaries.freedict(tmp_path / "freedict-fra-bre.dict.dz"))
