"""Where the files of pictures are: a folder, or a store that speaks S3 (Django's STORAGES).

A file's name is made of its contents, so it is written once, never changed, and cached for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from digest.core.links import Page
from digest.pictures.errors import PicturesUnavailableError

ALIAS = "pictures"
TYPES = {"jpg": "image/jpeg", "png": "image/png"}  # of our files, by their extensions
_EXTENSIONS = {"jpeg": "jpg", "png": "png"}

log = structlog.get_logger(__name__)


def extension_of(kind: str) -> str:
    """Return the extension of a picture's files."""
    return _EXTENSIONS[kind]


def master_name(sha256: str, kind: str) -> str:
    """Return the name of the file that a picture's sizes are made of."""
    return f"masters/{sha256[:2]}/{sha256}.{extension_of(kind)}"


def shown_name(file_name: str) -> str:
    """Return the name of a file that mails show."""
    return f"shown/{file_name[:2]}/{file_name}"


def public_url(file_name: str) -> str:
    """Return the absolute address at which mails find a file."""
    base = settings.DIGEST_PICTURES_URL
    return f"{base}/{shown_name(file_name)}" if base else Page.PICTURE.url(name=file_name)


def folder() -> Path | None:
    """Return the folder that holds all files; None where they are in a bucket."""
    store = _store()
    return Path(store.location) if isinstance(store, FileSystemStorage) else None


def save(name: str, content: bytes) -> None:
    """Store a file, unless it is there already, whole. Raises PicturesUnavailableError."""
    with _explained("stored"):
        store = _store()
        if not store.exists(name) or store.size(name) != len(content):
            store.save(name, ContentFile(content))


def load(name: str) -> bytes:
    """Return a file. Raises FileNotFoundError or PicturesUnavailableError."""
    with _explained("read"), _store().open(name) as file:
        content: bytes = file.read()
        return content


@contextmanager
def _explained(verb: str) -> Iterator[None]:
    """Turn what a store raises into the package's error: each store has errors of its own."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as cause:
        log.exception("pictures' storage failed")
        raise PicturesUnavailableError(
            f"The picture cannot be {verb}: the storage of pictures failed "
            f"({type(cause).__name__}). Try again; `digest doctor` checks the storage."
        ) from cause


def _store() -> Storage:
    return storages[ALIAS]
