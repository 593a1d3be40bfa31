"""Sizes and crops, as numbers."""

import pytest

from digest.pictures.sizes import Focus, Size, crop, css_size, file_name, file_size, rounded


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (3000, 2000, (1200, 800)),
        (900, 900, (900, 600)),
        (450, 300, (450, 300)),
        (300, 900, (300, 200)),
    ],
)
def test_a_file_has_twice_the_pixels_and_never_more_than_there_are(
    width: int, height: int, expected: tuple[int, int]
) -> None:
    """Nothing is enlarged, and the proportions stay."""
    assert file_size(Size.LEAD, width, height) == expected
    assert css_size(Size.LEAD, width, height) == (600, 400)


def test_the_uncropped_size_keeps_the_pictures_proportions() -> None:
    """It is as wide as the column, or as the picture."""
    assert css_size(Size.WIDE, 1072, 2144) == (536, 1072)
    assert file_size(Size.WIDE, 1072, 2144) == (1072, 2144)
    assert css_size(Size.WIDE, 400, 300) == (400, 300)


def test_a_crop_keeps_its_focus_as_near_the_middle_as_it_can() -> None:
    """At an edge it stops."""
    assert crop(Size.SQUARE, 300, 100) == (100, 0, 200, 100)
    assert crop(Size.SQUARE, 300, 100, Focus(0, 0)) == (0, 0, 100, 100)
    assert crop(Size.SQUARE, 300, 100, Focus(0.9, 0.5)) == (200, 0, 300, 100)
    assert crop(Size.SQUARE, 300, 100, Focus(0.4, 1)) == (70, 0, 170, 100)


def test_a_name_stands_for_contents_focus_and_size() -> None:
    """Whatever changes the bytes changes the name."""
    names = {
        file_name(size, sha256, focus, "jpg")
        for size in Size
        for sha256 in ("a" * 64, "b" * 64)
        for focus in (Focus(), Focus(0.2, 0.5))
    }
    assert len(names) == len(Size) * 4


def test_a_focus_is_inside_the_picture() -> None:
    """And to a hundredth, so that it can be compared."""
    assert rounded(Focus(-3, 1.7)) == (0, 1)
    assert rounded(Focus(1 / 3, 0.5)) == (0.33, 0.5)
