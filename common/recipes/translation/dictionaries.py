"""An optional step before training: draw words, phrases and example sentences from free dictionaries.

Takes folders that hold dictionaries where Debian packages install them, unpacked: FreeDict's
``freedict-eng-ita.dict.dz`` and the German-English word list of Ding, ``trans/de-en``. Writes
``examples.en-LANG.tsv.xz`` (sentences) and ``dictionary.en-LANG.tsv.xz`` (words and phrases), which `corpus` reads.
The packages that the models here were trained with are in ``dictionary-packages.txt``; all are under the GPL. Knows
nothing about how pairs are weighed or held out.

    apt-get download $(cat common/recipes/translation/dictionary-packages.txt)
    for package in *.deb; do dpkg-deb -x $package unpacked; done
    python -m common.recipes.translation.dictionaries unpacked --into DATA
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import lzma
import re
from collections.abc import Iterator
from pathlib import Path

from common import errors
from common.recipes.translation.corpus import Pair, usable

# FreeDict names languages by ISO 639-2.
_CODES = {"slk": "sk", "ces": "cs", "deu": "de", "fra": "fr", "ita": "it"}
_FREEDICT = re.compile(r"freedict-(?P<source>[a-z]{3})-(?P<target>[a-z]{3})\.dict\.dz")
# What is about a word rather than the word: pronunciation, part of speech, field, remark.
_ABOUT = re.compile(r"\s*(/[^/]+/|<[^>]*>|\{[^}]*\}|\[[^\]]*\]|\([^)]*\))")
# "somebody" and "something" as dictionaries write them: nobody says that.
_PLACEHOLDER = re.compile(r"\b(jd|jdn|jdm|jds|etw|sb|sth|so|smb)\b\.?|[/\\|…~=_]|\.\.\.", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?]$")
# A sentence of fewer words than this is a phrase.
_SENTENCE_WORDS = 3


def ding(path: Path) -> Iterator[tuple[str, str]]:
    """English and German phrases and sentences of Ding's word list, the first of each set of synonyms.

    A line is ``Haus {n}; Gebäude {n} | Häuser {pl} :: house; building | houses``: bars part forms and examples.
    """
    for line in path.read_text("utf-8").splitlines():
        german, colons, english = line.partition("::")
        if line.startswith("#") or not colons:
            continue
        left, right = german.split("|"), english.split("|")
        if len(left) == len(right):
            for other, own in zip(left, right, strict=True):
                yield _first(own, ";"), _first(other, ";")


def freedict(path: Path) -> Iterator[tuple[str, str, str]]:
    """English, other and the other's language code of a FreeDict dictionary, the first meaning of each entry.

    An entry is a line with the word and lines with its meanings, ``1. vasca da bagno``.

    Raises:
        InvalidInput: the file's name is not one of FreeDict's, or neither of its languages is English.
    """
    match = _FREEDICT.fullmatch(path.name)
    if match is None or "eng" not in (match["source"], match["target"]):
        raise errors.InvalidInput(field=str(path), allowed="a FreeDict dictionary from or into English (.dict.dz)")
    from_english = match["source"] == "eng"
    language = _CODES[match["target" if from_english else "source"]]
    lines = gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace").splitlines()
    # The pages about the dictionary come first; words start after its long texts, which no pair of lines resembles.
    for word, meaning in itertools.pairwise(lines):
        if word.startswith((" ", "*")) or re.match(r"\d+\.", word) or not _is_word(word, meaning):
            continue
        pair = _first(word, ","), _first(re.sub(r"^1\.\s*", "", meaning), ",")
        if language in ("sk", "cs"):  # these files have the capital of two letters everywhere: "muŠkát"
            pair = pair[0].replace("Š", "š").replace("Ž", "ž"), pair[1].replace("Š", "š").replace("Ž", "ž")
        yield (*(pair if from_english else pair[::-1]), language)


def _is_word(word: str, meaning: str) -> bool:
    """Whether two lines are a word with its pronunciation or part of speech, and what it means."""
    marked = re.search(r"(/[^/]+/|<[a-z, ]+>)\s*$", word) is not None
    return marked and bool(meaning.strip()) and not re.search(r"<[a-z, ]+>\s*$|^[2-9]\.", meaning)


def _first(side: str, separator: str) -> str:
    """The first synonym without remarks; a sentence is kept whole, its commas too."""
    text = _ABOUT.sub("", side.replace("’", "'").replace("‐", "-")).strip()
    if separator == "," and _SENTENCE.search(text):
        return text
    return text.split(separator)[0].strip()


def pairs(folders: list[Path]) -> Iterator[Pair]:
    """Usable pairs of all dictionaries below some folders, each pair once.

    Raises:
        InvalidInput: no dictionary is there.
    """
    seen: set[tuple[str, str, str]] = set()
    for english, other, language in _all(folders):
        key = (english, other, language)
        if key in seen or _PLACEHOLDER.search(english) or _PLACEHOLDER.search(other):
            continue
        seen.add(key)
        both = all(_SENTENCE.search(side) and len(side.split()) >= _SENTENCE_WORDS for side in (english, other))
        pair = Pair(english, other, language, "examples" if both else "dictionary")
        if usable(pair):
            yield pair
    if not seen:
        raise errors.InvalidInput(field=", ".join(map(str, folders)), allowed="folders with unpacked dictionaries")


def _all(folders: list[Path]) -> Iterator[tuple[str, str, str]]:
    for folder in folders:
        for path in sorted(folder.rglob("trans/de-en")):
            for english, german in ding(path):
                yield english, german, "de"
        for path in sorted(folder.rglob("freedict-*.dict.dz")):
            yield from freedict(path)


def main(arguments: list[str] | None = None) -> None:
    """Write the pairs of some folders as files that `corpus` reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--into", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    files: dict[str, list[Pair]] = {}
    for pair in pairs(chosen.folders):
        files.setdefault(f"{pair.domain}.en-{pair.language}", []).append(pair)
    chosen.into.mkdir(parents=True, exist_ok=True)
    for name, found in sorted(files.items()):
        with lzma.open(chosen.into / f"{name}.tsv.xz", "wt", encoding="utf-8") as file:
            file.writelines(f"{pair.english}\t{pair.other}\n" for pair in found)
        print(f"{name}: {len(found):,} pairs")


if __name__ == "__main__":
    main()
