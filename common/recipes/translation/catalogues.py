"""An optional step before training: draw sentence pairs from gettext catalogues of translated programs.

Takes folders that hold compiled catalogues where programs install them (``…/sk/LC_MESSAGES/name.mo``), for example
unpacked Debian packages, and writes ``catalogues.en-LANG.tsv.xz`` files that `corpus` reads. The packages the models
here were trained with are in ``catalogue-packages.txt``; the licence of a catalogue is that of its program. Knows
nothing about how pairs are weighed or held out.

    apt-get download $(cat common/recipes/translation/catalogue-packages.txt)
    for package in *.deb; do dpkg-deb -x $package unpacked; done
    python -m common.recipes.translation.catalogues unpacked --into DATA
"""

from __future__ import annotations

import argparse
import lzma
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from common import errors
from common.recipes.translation.corpus import LANGUAGES, Pair, usable

DOMAIN = "catalogues"
_MAGIC = 0x950412DE
# Placeholders, markup, addresses and keys: text for programs rather than people.
_TECHNICAL = re.compile(r"%[^\s%]|[{}<>\\|=]|&\w+;|://|\w_\w|--|\$\w|\w\.\w|Ctrl|Alt\b")
# The mark before the letter of a shortcut: "_Open", "&Open".
_SHORTCUT = re.compile(r"[_&](?=\w)|\(_?&?\w\)$")


def messages(catalogue: Path) -> Iterator[tuple[str, str]]:
    """Message and translation of a compiled catalogue; of plural forms the first of each.

    Raises:
        InvalidInput: the file is no catalogue.

    Source: "The Format of GNU MO Files", GNU gettext manual.
    """
    data = catalogue.read_bytes()
    order = next((sign for sign in "<>" if data[:4] == struct.pack(f"{sign}I", _MAGIC)), None)
    if order is None:
        raise errors.InvalidInput(field=str(catalogue), allowed="a compiled gettext catalogue (.mo)")
    count, messages_at, translations_at = struct.unpack_from(f"{order}8x3I", data)

    def text(table: int, index: int) -> str:
        length, offset = struct.unpack_from(f"{order}2I", data, table + 8 * index)
        return data[offset : offset + length].decode("utf-8", errors="replace")

    for index in range(count):
        message = text(messages_at, index).rpartition("\x04")[2]  # the context of a message stands before an EOT
        yield message.partition("\0")[0], text(translations_at, index).partition("\0")[0]


def pairs(folders: list[Path]) -> Iterator[Pair]:
    """Usable pairs of all catalogues below some folders, each pair once."""
    seen: set[Pair] = set()
    for language in LANGUAGES:
        for folder in folders:
            for catalogue in sorted(folder.rglob(f"{language}/LC_MESSAGES/*.mo")):
                for message, translation in messages(catalogue):
                    for english, other in _sentences(message, translation):
                        pair = Pair(english, other, language, DOMAIN)
                        if pair not in seen and usable(pair):
                            seen.add(pair)
                            yield pair


def _sentences(message: str, translation: str) -> Iterator[tuple[str, str]]:
    """A message's paragraphs one by one, if both have as many, without shortcuts; none with technical parts."""
    left, right = (
        [" ".join(_SHORTCUT.sub("", paragraph).split()) for paragraph in re.split(r"\n\s*\n", text)]
        for text in (message, translation)
    )
    if len(left) != len(right):
        return
    for english, other in zip(left, right, strict=True):
        if not _TECHNICAL.search(english) and not _TECHNICAL.search(other) and "\ufffd" not in other:
            yield english, other


def write(folders: list[Path], into: Path) -> dict[str, int]:
    """Write one file per language and return how many pairs each has."""
    into.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for pair in pairs(folders):
        lines[pair.language].append(f"{pair.english}\t{pair.other}\n")
    for language, found in lines.items():
        with lzma.open(into / f"{DOMAIN}.en-{language}.tsv.xz", "wt", encoding="utf-8") as file:
            file.writelines(found)
    return {language: len(found) for language, found in lines.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with …/LANG/LC_MESSAGES/*.mo somewhere below")
    parser.add_argument("--into", type=Path, required=True, help="where the .tsv.xz files go")
    arguments = parser.parse_args()
    for language, count in write(arguments.folders, arguments.into).items():
        print(f"{language}: {count:,} pairs")


if __name__ == "__main__":
    main()
