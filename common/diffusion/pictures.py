"""Pictures that visitors send: checked before they are decoded, and made into plain RGB whatever they were.

What a picture claims to be is not believed: its pixels are counted from its header, so that a small file which would
unpack to gigabytes is refused, and only the decoders of ``KINDS`` are tried.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from common import errors
from common.config import settings
from common.errors import Phrase

# As Pillow names them. Of those that move, the first picture is taken.
KINDS = ("PNG", "JPEG", "WEBP", "GIF")
# Pictures are kept no larger than this, in pixels of the longer edge; no model here draws larger ones.
_LONGEST = 1024


def read(path: Path) -> Image.Image:
    """A picture as RGB, the right way up, on white where it was transparent; its longer edge is 1024 at most.

    Raises:
        UnusablePicture: no picture of ``KINDS``, damaged, too many bytes or pixels.
    """
    config = settings()
    try:
        megabytes = path.stat().st_size / 1e6
    except OSError as problem:
        raise errors.UnusablePicture(reason=Phrase("none_chosen")) from problem
    if megabytes > config.max_upload_mb:
        raise errors.UnusablePicture(reason=Phrase("picture_bytes", size=round(megabytes), limit=config.max_upload_mb))
    try:
        with Image.open(path, formats=KINDS) as image:
            _count_pixels(image.size)
            image.draft("RGB", (_LONGEST, _LONGEST))  # a JPEG is decoded at a fraction of its size
            return _plain(image)
    except Image.DecompressionBombError as problem:
        limit = config.max_picture_megapixels
        raise errors.UnusablePicture(reason=Phrase("picture_pixels", count=f"> {limit}", limit=limit)) from problem
    except UnidentifiedImageError as problem:
        raise errors.UnusablePicture(reason=Phrase("file_kind", kinds="PNG, JPEG, WebP, GIF")) from problem
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error) as problem:
        raise errors.UnusablePicture(reason=Phrase("file_damaged")) from problem


def take(path: Path) -> Image.Image:
    """Like ``read`` for a file that a visitor has sent: it is deleted, whether it could be read or not."""
    try:
        return read(path)
    finally:
        path.unlink(missing_ok=True)


def square(image: Image.Image, edge: int) -> Image.Image:
    """The middle of a picture as a square of ``edge`` pixels."""
    return ImageOps.fit(image, (edge, edge), Image.Resampling.LANCZOS)


def _count_pixels(size: tuple[int, int]) -> None:
    count, limit = size[0] * size[1] / 1e6, settings().max_picture_megapixels
    if count > limit:
        raise errors.UnusablePicture(reason=Phrase("picture_pixels", count=round(count), limit=limit))


def _plain(image: Image.Image) -> Image.Image:
    """RGB of the first frame."""
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits of grey
        grey = np.asarray(upright).astype(np.float64) / 257
        plain = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")
    elif upright.has_transparency_data:
        over = upright.convert("RGBA")
        plain = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    else:
        plain = upright.convert("RGB")
    plain.thumbnail((_LONGEST, _LONGEST))
    return plain
