"""The sizes in which mails show pictures, and what a crop keeps. Pure.

A size is in CSS pixels; its file has twice as many where the original allows it.
"""

import hashlib
from enum import Enum
from typing import NamedTuple

RECIPE = 1  # of the files; another number gives all of them new names
DENSITY = 2  # pixels of a file for each CSS pixel
MIN_STORY_WIDTH = 300  # pixels, of an original
MIN_SIDE = 16  # the least of all: a logo is a line of letters, sixteen times as wide as high


class Size(Enum):
    """A size by its name in file names, with width and height in CSS px; height 0: uncropped."""

    LEAD = ("lead", 600, 400)
    CARD = ("card", 184, 123)
    SQUARE = ("square", 80, 80)
    PORTRAIT = ("portrait", 64, 64)
    WIDE = ("wide", 536, 0)

    @property
    def width(self) -> int:
        """Return the width in CSS px, the largest one where it is uncropped."""
        return self.value[1]

    @property
    def height(self) -> int:
        """Return the height in CSS px; 0 where it follows the picture."""
        return self.value[2]


class Focus(NamedTuple):
    """The point that a crop keeps, as shares of width and height from the left top."""

    x: float = 0.5
    y: float = 0.5


class Box(NamedTuple):
    """A part of a picture, in its pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Return its width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Return its height."""
        return self.bottom - self.top


def css_size(size: Size, width: int, height: int) -> tuple[int, int]:
    """Return the CSS width and height of a picture with these pixels, as `<img>` has them."""
    if size.height:
        return size.width, size.height
    css_width = min(size.width, width)
    return css_width, max(1, round(height * css_width / width))


def file_size(size: Size, width: int, height: int) -> tuple[int, int]:
    """Return the pixels of a size's file; never more than the crop of the original has."""
    css_width, css_height = css_size(size, width, height)
    box = crop(size, width, height)
    scale = min(DENSITY, box.width / css_width, box.height / css_height)
    return max(1, round(css_width * scale)), max(1, round(css_height * scale))


def crop(size: Size, width: int, height: int, focus: Focus = Focus()) -> Box:  # noqa: B008  a value
    """Return the largest part with the size's proportions, as near round the focus as it fits."""
    if not size.height:
        return Box(0, 0, width, height)
    scale = min(width / size.width, height / size.height)
    box_width, box_height = size.width * scale, size.height * scale
    left = _clamp(focus.x * width - box_width / 2, width - box_width)
    top = _clamp(focus.y * height - box_height / 2, height - box_height)
    return Box(left, top, left + box_width, top + box_height)


def rounded(focus: Focus) -> Focus:
    """Return a focus as it is stored: inside the picture, to a hundredth."""
    return Focus(round(_clamp(focus.x, 1), 2), round(_clamp(focus.y, 1), 2))


def file_name(size: Size, sha256: str, focus: Focus, extension: str) -> str:
    """Return the name of a size's file, which differs whenever its bytes would."""
    key = f"{RECIPE}:{sha256}:{focus.x:.2f}:{focus.y:.2f}"
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}-{size.value[0]}.{extension}"


def _clamp(value: float, most: float) -> float:
    return min(max(value, 0.0), max(most, 0.0))
