"""Pictures that visitors send: every kind becomes plain RGB, and what cannot be used is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common import errors
from common.config import settings
from common.diffusion import pictures

RED = (200, 30, 40)


def _save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def _colour(image: Image.Image) -> list[int]:
    assert image.mode == "RGB"
    return [int(value) for value in np.asarray(image)[2, 2]]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "wrong-ending.txt"])
def test_kinds_are_told_by_their_content(tmp_path: Path, name: str) -> None:
    kind = {"jpg": "JPEG", "webp": "WEBP", "gif": "GIF"}.get(name[-3:], "WEBP" if name.endswith("webp") else "PNG")
    found = pictures.read(_save(Image.new("RGB", (40, 30), RED), tmp_path / name, format=kind))
    assert found.size == (40, 30)
    assert np.abs(np.array(_colour(found)) - RED).max() <= 8


def test_cmyk_and_sixteen_bits(tmp_path: Path) -> None:
    cmyk = Image.new("RGB", (40, 30), RED).convert("CMYK")
    assert np.abs(np.array(_colour(pictures.read(_save(cmyk, tmp_path / "a.jpg")))) - RED).max() <= 8
    deep = Image.fromarray(np.full((30, 40), 30_000, np.uint16))
    assert _colour(pictures.read(_save(deep, tmp_path / "a.png"))) == [116] * 3


def test_of_what_moves_the_first_picture_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, (0, 0, 255))]
    path = _save(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.abs(np.array(_colour(pictures.read(path))) - RED).max() <= 4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(tmp_path: Path, mode: str) -> None:
    clear = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    if mode == "P":
        path = _save(Image.new("P", (40, 30), 0), tmp_path / "a.png", transparency=0)
    else:
        path = _save(clear.convert(mode), tmp_path / "a.png")
    assert _colour(pictures.read(path)) == [255] * 3


def test_a_phones_picture_is_the_right_way_up(tmp_path: Path) -> None:
    facts = Image.Exif()
    facts[274] = 6  # turned by 90 degrees
    assert pictures.read(_save(Image.new("RGB", (40, 30), RED), tmp_path / "a.jpg", exif=facts)).size == (30, 40)


def test_large_ones_are_made_smaller_and_squares_are_the_middle(tmp_path: Path) -> None:
    large = Image.new("RGB", (3000, 1500), "white")
    large.paste(RED, (750, 0, 2250, 1500))
    found = pictures.read(_save(large, tmp_path / "a.png"))
    assert found.size == (1024, 512)
    middle = pictures.square(found, 64)
    assert middle.size == (64, 64) and np.abs(np.asarray(middle)[4:-4, 4:-4].astype(int) - RED).max() <= 2
    assert pictures.square(Image.new("RGB", (1, 900)), 64).size == (64, 64)


@pytest.mark.parametrize("edge", [10_000, 20_000])
def test_a_hundred_megapixels_are_refused_before_they_are_decoded(
    tmp_path: Path, edge: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = Image.new("1", (8, 8))
    path = _save(head, tmp_path / "a.png")
    content = bytearray(path.read_bytes())
    content[16:24] = edge.to_bytes(4, "big") * 2  # what the header says
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("it was decoded"))
    with pytest.raises(errors.UnusablePicture, match="megapixels, and 50 is the most"):
        pictures.read(path)


def test_damaged_foreign_and_missing_files_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _save(Image.effect_noise((200, 200), 90).convert("RGB"), tmp_path / "a.png").read_bytes()
    for name, content, words in (
        ("cut.png", whole[: len(whole) // 2], "damaged"),
        ("text.png", b"not a picture", "only PNG"),
        ("empty.png", b"", "only PNG"),
        ("vector.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "only PNG"),
        ("code.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "only PNG"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(errors.UnusablePicture, match=words):
            pictures.take(path)
        assert not path.exists(), "what was sent is deleted, whatever it was"
    with pytest.raises(errors.UnusablePicture, match="none was chosen"):
        pictures.read(tmp_path / "missing.png")
    monkeypatch.setattr(settings(), "max_upload_mb", 0)
    with pytest.raises(errors.UnusablePicture, match="0 MB is the most"):
        pictures.read(_save(Image.new("RGB", (40, 30)), tmp_path / "b.png"))
