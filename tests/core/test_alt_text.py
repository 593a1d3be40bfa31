"""Alternative texts: what describes a picture, and what says nothing."""

# ruff: noqa: E501  a row of cases reads best

import pytest

from digest.core.alt_text import describe_picture, is_description


@pytest.mark.parametrize(
    "text",
    [
        "IMG_1234", "IMG_1234.JPG", "DSC00012", "20191118_120000", "photo-1 (2)", "mayor-at-quay-1024x683", "image",
        "Image", "The picture", "photo 3", "Featured image", "Bild", "Symbolbild", "תמונה", "untitled", "null", "alt text",
        "3f5a9c0d1e2f3a4b", "0b9a7f7e-1111-4222-8333-aaaabbbbcccc", "Screenshot 2026-11-29 at 10.11.12",
        "WhatsApp Image 2026-11-29 at 10.11.12", "final cut (2).png", "...", " ", "ferries_late_in_fog",
    ],
)  # fmt: skip
def test_what_says_nothing_is_not_a_description(text: str) -> None:
    """Names of files, words for pictures, and what cameras write."""
    assert not is_description(text)


@pytest.mark.parametrize(
    "text",
    [
        "A seal", "The mayor at the quay", "Photo of the mayor", "Seals", "2019 election results", "Map of A1 and A2",
        "Bild der Küste", "海辺のアザラシ", "כלב ים", "Ferry-boat", "COVID-19 ward",
    ],
)  # fmt: skip
def test_a_description_stays(text: str) -> None:
    """However short it is."""
    assert is_description(text)


def test_the_headline_again_is_decoration() -> None:
    """It stands beside the picture already; the caption serves where it says more."""
    assert describe_picture("Seals are back!", "", "Seals are back") == ""
    assert (
        describe_picture("Seals are back!", "On the sandbank", "Seals are back")
        == "On the sandbank"
    )
    assert describe_picture("A seal", "On the sandbank", "Seals are back") == "A seal"
