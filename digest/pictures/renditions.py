"""Which file of a picture a mail shows, and how large it says that it is."""

from typing import NamedTuple

from digest.pictures import converting, storage
from digest.pictures.errors import PicturesUnavailableError
from digest.pictures.models import Picture
from digest.pictures.sizes import Focus, Size, css_size, file_name, rounded


class Rendition(NamedTuple):
    """What an `<img>` needs: an absolute address, width and height in CSS px."""

    url: str
    width: int
    height: int


def rendition_of(picture: Picture, size: Size) -> Rendition:
    """Return a size of a ready picture; no query, no file is read."""
    assert picture.is_ready
    name = _file_name(picture, size, focus_of(picture))
    return Rendition(storage.public_url(name), *css_size(size, picture.width, picture.height))


def focus_of(picture: Picture) -> Focus:
    """Return the point that a picture's crops keep."""
    return Focus(picture.focal_x, picture.focal_y)


def store_converted(sha256: str, converted: converting.ConvertedPicture) -> None:
    """Store the files of a new picture. Raises PicturesUnavailableError."""
    storage.save(storage.master_name(sha256, converted.format), converted.master)
    _store_sizes(sha256, converted.format, Focus(), converted.sizes)


def change_focus(picture: Picture, focus: Focus) -> None:
    """Make and store the sizes round another point, then save it; mails sent keep their files.

    Raises PicturesUnavailableError.
    """
    focus = rounded(focus)
    if focus == focus_of(picture):
        return
    master = _master(picture)
    sizes = converting.crop(master, focus, picture.format)
    _store_sizes(picture.sha256, picture.format, focus, sizes)
    picture.focal_x, picture.focal_y = focus
    picture.save(update_fields=["focal_x", "focal_y"])


def _master(picture: Picture) -> bytes:
    try:
        return storage.load(storage.master_name(picture.sha256, picture.format))
    except FileNotFoundError as cause:
        raise PicturesUnavailableError(
            "The picture's file is missing in the storage. Restore it from a backup, or upload "
            "the picture again."
        ) from cause


def _file_name(picture: Picture, size: Size, focus: Focus) -> str:
    return file_name(size, picture.sha256, focus, storage.extension_of(picture.format))


def _store_sizes(sha256: str, kind: str, focus: Focus, sizes: dict[Size, bytes]) -> None:
    extension = storage.extension_of(kind)
    for size, content in sizes.items():
        storage.save(storage.shown_name(file_name(size, sha256, focus, extension)), content)
