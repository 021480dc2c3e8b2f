"""The errors around drawing a picture; ``common.errors`` has them all."""

from __future__ import annotations

from common.error_base import DemystifyError


class PictureTooLarge(DemystifyError):
    """``needed`` and ``available`` memory in GB; ``images`` pictures of ``size`` pixels fit."""

    key = "picture_too_large"
    sentence = (
        "This would need {needed} GB of memory, and {available} GB are free: "
        "choose a size of {size} pixels, number of pictures: {images}."
    )


class ForeignPicture(DemystifyError):
    """A picture in which no settings of ours are written. ``reason`` is a Phrase."""

    key = "foreign_picture"
    sentence = "No settings can be read from this picture ({reason}): choose a PNG file that was saved here."


class NothingDrawn(DemystifyError):
    """Something of a picture was asked for before there was one."""

    key = "nothing_drawn"
    sentence = "There is no picture yet: draw one first."


class UnusablePicture(DemystifyError):
    """A picture that a visitor has sent. ``reason`` is a Phrase."""

    key = "unusable_picture"
    sentence = "This picture cannot be used ({reason}): choose a PNG, JPEG, WebP or GIF file."


class UnusableMask(DemystifyError):
    """What a page has sent as the mask over a picture. ``reason`` is a Phrase."""

    key = "unusable_mask"
    sentence = "This mask cannot be used ({reason}): clear it, and paint it anew."
