"""A folder of pairs that the phrase book made, large enough to learn a tiny vocabulary and model from."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.recipes.translation import phrasebook


@pytest.fixture(scope="session")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    lines: dict[str, list[str]] = {}
    for english, other, language in phrasebook.phrases(700, seed=7):
        lines.setdefault(language, []).append(f"{english}\t{other}\n")
    for language, found in lines.items():
        held_out = len(found) // 20
        (folder / f"tatoeba-laser.en-{language}.tsv").write_text("".join(found[:held_out]), "utf-8")
        (folder / f"tatoeba.en-{language}.tsv").write_text("".join(found[held_out:]), "utf-8")
    # Descriptions of packages, some of which are held out whole.
    described = [
        f"player of kind {n}\tprehrávač druhu {n}\nIt plays music {n}.\tPrehráva hudbu {n}.\n" for n in range(300)
    ]
    (folder / "debian-descriptions.en-sk.tsv").write_text("".join(described), "utf-8")
    return folder
