"""The pictures that a publication's editors upload, find again and change."""

import hashlib
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from digest.accounts.models import User
from digest.core.text import one_line
from digest.pictures import converting, renditions
from digest.pictures.errors import PictureInUseError, UnfitPictureError
from digest.pictures.fetching import require_story_width
from digest.pictures.models import Picture

LONGEST_ALT = 1000  # characters
LONGEST_CREDIT = 300


def add(publication_id: int, body: bytes, user: User | None, now: datetime) -> Picture:
    """Check and store an uploaded picture; return it, or the one with the same contents.

    One that is too small for stories is taken, for logos and portraits, and says so in `problem`.
    Raises UnfitPictureError, PicturesUnavailableError.
    """
    sha256 = hashlib.sha256(body).hexdigest()
    if picture := _existing(publication_id, sha256):
        return picture
    converted = converting.convert(body)
    renditions.store_converted(sha256, converted)
    picture = Picture(
        publication_id=publication_id,
        sha256=sha256,
        width=converted.width,
        height=converted.height,
        format=converted.format,
        size=len(body),
        problem=_flaw(converted),
        created_at=now,
        uploaded_by=user,
    )
    return _insert(picture)


def find(publication_id: int, query: str = "") -> QuerySet[Picture]:
    """Return a publication's ready pictures, newest first; `query` is in alt text or credit."""
    pictures = Picture.ready().filter(publication_id=publication_id)
    for part in query.split()[:5]:
        pictures = pictures.filter(alt__icontains=part) | pictures.filter(credit__icontains=part)
    return pictures.order_by("-created_at", "-pk")


def describe(picture: Picture, alt: str, credit: str) -> None:
    """Save the alt text and the credit of a picture."""
    picture.alt = one_line(alt, LONGEST_ALT)
    picture.credit = one_line(credit, LONGEST_CREDIT)
    picture.save(update_fields=["alt", "credit"])


def delete(picture: Picture, *, uses: list[str]) -> None:
    """Delete a picture that nothing shows; `uses` says what does. Files stay: mails name them.

    Raises PictureInUseError.
    """
    if uses:
        raise PictureInUseError(f"The picture is used: {', '.join(uses[:3])}. Remove it there.")
    picture.delete()


def _existing(publication_id: int, sha256: str) -> Picture | None:
    rows = Picture.objects.filter(publication_id=publication_id, sha256=sha256, source_url="")
    return rows.first()


def _insert(picture: Picture) -> Picture:
    """Insert a picture, or return the one that another request has just inserted."""
    try:
        with transaction.atomic():
            picture.save()
    except IntegrityError:
        if existing := _existing(picture.publication_id, picture.sha256):
            return existing
        raise
    picture.refresh_from_db(fields=["uuid"])
    return picture


def _flaw(converted: converting.ConvertedPicture) -> str:
    try:
        require_story_width(converted.width, converted.height)
    except UnfitPictureError as problem:
        return str(problem)
    return ""
