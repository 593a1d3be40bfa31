"""Uploaded pictures."""

import pytest

from digest.pictures import library, renditions, storage
from digest.pictures.errors import (
    PictureInUseError,
    PicturesUnavailableError,
    UnfitPictureError,
)
from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Focus, Size
from tests.cast import NOON
from tests.pictures.samples import encoded, opened, photo, quarters

pytestmark = pytest.mark.django_db

JPEG = encoded(photo())


def file_of(picture: Picture, size: Size) -> bytes:
    """The file that a mail shows."""
    name = rendition_of(picture, size).url.rpartition("/")[2]
    return storage.load(storage.shown_name(name))


def test_the_same_file_is_one_picture() -> None:
    """In one publication; in another it is another."""
    first = library.add(1, JPEG, None, NOON)
    assert library.add(1, JPEG, None, NOON) == first
    assert library.add(2, JPEG, None, NOON) != first
    assert first.uuid
    assert list(library.find(1)) == [first]


def test_a_small_picture_is_taken_and_flagged() -> None:
    """A portrait may be small; a story's picture not."""
    picture = library.add(1, encoded(photo(128, 128)), None, NOON)
    assert picture.is_ready
    assert "at least 300" in picture.problem
    assert rendition_of(picture, Size.PORTRAIT)[1:] == (64, 64)
    assert library.add(1, JPEG, None, NOON).problem == ""
    with pytest.raises(UnfitPictureError, match="only 10 by 10"):
        library.add(1, encoded(photo(10, 10)), None, NOON)


def test_another_focus_gives_other_files_and_keeps_the_old() -> None:
    """Mails that went out show what they showed."""
    picture = library.add(1, encoded(quarters(1200, 400)), None, NOON)
    before = rendition_of(picture, Size.SQUARE)
    old = file_of(picture, Size.SQUARE)
    renditions.change_focus(picture, Focus(1, 0.333333))
    picture.refresh_from_db()
    assert (picture.focal_x, picture.focal_y) == (1, 0.33)
    assert rendition_of(picture, Size.SQUARE).url != before.url
    pixel = opened(file_of(picture, Size.SQUARE)).convert("RGB").getpixel((80, 10))
    assert isinstance(pixel, tuple)
    assert pixel[0] < 60 < pixel[1]  # lime
    name = before.url.rpartition("/")[2]
    assert storage.load(storage.shown_name(name)) == old


def test_a_missing_file_is_said() -> None:
    """A database was restored without its folder."""
    picture = library.add(1, JPEG, None, NOON)
    picture.sha256 = "0" * 64
    with pytest.raises(PicturesUnavailableError, match="missing"):
        renditions.change_focus(picture, Focus(0, 0))


def test_alt_and_credit_are_one_line_and_can_be_searched() -> None:
    """Whatever is pasted."""
    picture = library.add(1, JPEG, None, NOON)
    library.describe(picture, "The harbour\r\nat low tide" + "!" * 2000, "Ada\x00 Lovelace")
    assert picture.alt.startswith("The harbour at low tide!")
    assert len(picture.alt) == library.LONGEST_ALT
    assert picture.credit == "Ada Lovelace"
    assert list(library.find(1, "lovelace HARBOUR")) == [picture]
    assert not library.find(1, "mountain").exists()
    assert not library.find(2, "harbour").exists()


def test_what_is_used_is_not_deleted() -> None:
    """It says where it is used."""
    picture = library.add(1, JPEG, None, NOON)
    with pytest.raises(PictureInUseError, match="The Morning Tide"):
        library.delete(picture, uses=["The Morning Tide"])
    library.delete(picture, uses=[])
    assert not Picture.objects.exists()
