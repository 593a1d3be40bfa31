"""Pictures as JSON, for the picker and the editor."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size


def describe(picture: Picture) -> dict[str, Any]:
    """Return a ready picture as JSON has it; width and height are those that it came with."""
    return {
        "uuid": str(picture.uuid),
        "url": rendition_of(picture, Size.WIDE).url,
        "thumbnail": rendition_of(picture, Size.CARD).url,
        "width": picture.width,
        "height": picture.height,
        "alt": picture.alt,
        "credit": picture.credit,
        "problem": picture.problem,
        "change_url": reverse("picture-change", args=[picture.pk]),
    }


def thumbnails(publication_id: int, uuids: Iterable[str]) -> dict[str, str]:
    """Return the addresses of small pictures by uuid, of those that are ready."""
    keys = [uuid for uuid in uuids if uuid]
    if not keys:
        return {}
    pictures = Picture.ready().filter(publication_id=publication_id, uuid__in=keys)
    return {str(row.uuid): rendition_of(row, Size.CARD).url for row in pictures}


def refuse(problem: Exception) -> JsonResponse:
    """Return a message for a person, with the status 422."""
    return JsonResponse({"problem": str(problem)}, status=422)


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script asks, not a form."""
    return request.headers.get("Accept", "").startswith("application/json")
