"""The pictures and their captions: read from Parquet files of emoji, set on white, described by name and keywords.

Knows nothing about models. The files have the columns image (PNG bytes, 64×64 RGBA), name, keywords, skin_tone
(null for the plain ones), flag.
"""

from __future__ import annotations

import io
import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

SIZE = 64  # pixels, both ways
# What the embedded model knows: 244 of Twemoji's pictures.
GROUPS = (
    *("animal-mammal", "animal-bird", "food-fruit", "food-vegetable", "plant-flower", "geometric", "heart", "cat-face"),
    *("face-smiling", "face-affection", "face-costume", "face-hat", "face-glasses"),
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one or several styles.

    Attributes:
        pixels: (N, 3, 64, 64) uint8.
        names: what each shows, such as "red apple".
        keywords: other words for it.
    """

    pixels: torch.Tensor
    names: list[str]
    keywords: list[list[str]]

    def __len__(self) -> int:
        return len(self.names)

    def scaled(self, rows: torch.Tensor) -> torch.Tensor:
        """(B, 3, 64, 64) in −1..1, as a VAE takes them."""
        return self.pixels[rows].float() / 127.5 - 1


def read(files: list[Path], groups: Collection[str] = ()) -> Pictures:
    """The plain pictures (no skin tone, no flag) of all files; of these subcategories only, when any are named."""
    import pyarrow.parquet as parquet

    pixels, names, keywords = [], [], []
    for file in files:
        for row in parquet.read_table(file).to_pylist():
            wanted = not groups or row["subcategory"] in groups
            if wanted and row["skin_tone"] is None and not row["flag"]:
                pixels.append(_on_white(row["image"]))
                names.append(_clean(row["name"]))
                keywords.append([_clean(word) for word in row["keywords"]])
    return Pictures(torch.from_numpy(np.stack(pixels)), names, keywords)


def caption(pictures: Pictures, row: int, chance: random.Random) -> str:
    """How a person may ask for a picture: mostly its name, sometimes with keywords, sometimes keywords alone."""
    name, words = pictures.names[row], pictures.keywords[row]
    draw = chance.random()
    if draw < 0.7 or not words:
        return name
    few = chance.sample(words, min(len(words), chance.randint(1, 3)))
    return " ".join([name, *few] if draw < 0.9 else few)


def _on_white(png: bytes) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(png)).convert("RGBA").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(ground, picture).convert("RGB")).transpose(2, 0, 1)


def _clean(words: str) -> str:
    """Small letters; the labels' typographic quotes and dashes are what nobody types."""
    swaps = {"“": "", "”": "", "‘": "'", "’": "'", "–": "-", "&": "and", ":": ""}
    return " ".join("".join(swaps.get(sign, sign) for sign in words.casefold()).split())
